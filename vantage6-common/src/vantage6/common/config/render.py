"""Configuration files to write, and the reference page, from the definitions of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from vantage6.common.config.field import Field, Kind, Section
from vantage6.common.errors import ConfigurationError
from vantage6.common.files import write_atomic

__all__ = ["change_setting", "reference_page", "sample_yaml", "to_yaml", "write_configuration"]

_PRIVATE = 0o600
_WIDTH = 10_000  # never break a text over lines


def to_yaml(values: Mapping[str, Any]) -> str:
    """Write values in block style with sorted keys, as the contract's files are written."""
    return yaml.safe_dump(
        dict(values), sort_keys=True, default_flow_style=False, allow_unicode=True, width=_WIDTH
    )


def write_configuration(path: Path, values: Mapping[str, Any]) -> None:
    """Write a configuration file at once and for its owner only: it holds secrets.

    Raises
    ------
    ConfigurationError
        If it cannot be written.
    """
    _write(path, to_yaml(values), mode=_PRIVATE)


def change_setting(path: Path, name: str, value: Any) -> None:
    """Set one value in a configuration file and leave the rest, with its comments, alone.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        Dotted name of the setting. If neither the setting nor its section is there, they are
        added at the end.
    value : Any
        Text, number, truth value or None.

    Raises
    ------
    ConfigurationError
        If the file cannot be read, is no YAML mapping, or cannot be written.
    """
    text = _read(path)
    keys = name.split(".")
    node = _compose(text, path)
    while keys and isinstance(node, yaml.MappingNode):
        child = _child(node, keys[0])
        if child is None:
            break
        node = child
        keys.pop(0)
    if not keys and isinstance(node, yaml.ScalarNode):
        changed = _replaced(text, node, value)
    else:
        changed = _rewritten(text, name, value)
    _write(path, changed)


def sample_yaml(section: Section, values: Mapping[str, Any] | None = None) -> str:
    """Return a commented configuration file.

    Parameters
    ----------
    section : Section
        What may stand there.
    values : Mapping, optional
        What is to stand there; all other settings are shown as comments with their defaults.
    """
    lines: list[str] = [f"# {section.doc}", ""]
    _sample(section, values or {}, 0, lines, switched_off=False)
    return "\n".join(lines).rstrip() + "\n"


def reference_page(section: Section, title: str) -> str:
    """Return a Markdown page with all settings.

    Parameters
    ----------
    section : Section
        What may stand in a file.
    title : str
        Heading of the page.
    """
    lines = [
        f"# {title}",
        "",
        section.doc,
        "",
        "| Setting | Kind | Default | Meaning |",
        "|---|---|---|---|",
    ]
    for path, part in section.walk():
        if isinstance(part, Section):
            default = "off" if part.optional else ""
            lines.append(_row(path, "section", default, part.doc))
        else:
            lines.append(_row(path, _kind(part), _default(part), _meaning(part)))
    return "\n".join(lines) + "\n"


def _sample(
    section: Section,
    values: Mapping[str, Any],
    depth: int,
    lines: list[str],
    *,
    switched_off: bool,
) -> None:
    indent = "  " * depth
    for part in section.fields:
        given = part.name in values
        lines.append(f"{indent}# {part.doc}")
        if isinstance(part, Section):
            off = switched_off or (not given and not _has_required(part))
            lines.append(f"{indent}{'# ' if off else ''}{part.name}:")
            inner = values.get(part.name)
            _sample(
                part,
                inner if isinstance(inner, Mapping) else {},
                depth + 1,
                lines,
                switched_off=off,
            )
        else:
            shown = values[part.name] if given else _shown_value(part)
            is_comment = switched_off or not (given or part.required)
            lines.extend(_assignment(part.name, shown, indent, comment=is_comment))
        if depth == 0:
            lines.append("")


def _assignment(name: str, value: Any, indent: str, *, comment: bool) -> list[str]:
    text = to_yaml({name: _plain(value)}).rstrip("\n")
    mark = "# " if comment else ""
    return [f"{indent}{mark}{line}" for line in text.split("\n")]


def _has_required(section: Section) -> bool:
    return not section.optional and any(
        isinstance(part, Field) and part.required for _, part in section.walk()
    )


def _shown_value(part: Field) -> Any:
    if part.example is not None:
        return part.example
    if part.default is not None or not part.choices:
        return part.default
    return part.choices[0]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (bool, int, float, type(None))) else str(value)


def _row(path: str, kind: str, default: str, meaning: str) -> str:
    cells = (f"`{path}`", kind, default, meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _kind(part: Field) -> str:
    words = {
        Kind.TEXT: "text",
        Kind.INTEGER: "whole number",
        Kind.NUMBER: "number",
        Kind.BOOLEAN: "true or false",
        Kind.LIST: "list",
        Kind.MAPPING: "mapping",
        Kind.ANY: "any",
    }[part.kind]
    return f"{words}, secret" if part.secret else words


def _default(part: Field) -> str:
    if part.required:
        return "required"
    if part.default is None or part.default == ():
        return ""
    value = part.default
    text = str(value).lower() if isinstance(value, bool) else str(_plain(value))
    return f"`{text}`" if text else ""


def _meaning(part: Field) -> str:
    meaning = part.doc
    if part.choices:
        meaning += " One of " + ", ".join(f"`{choice}`" for choice in part.choices) + "."
    if part.aliases:
        meaning += " Also read as " + ", ".join(f"`{alias}`" for alias in part.aliases) + "."
    return meaning


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The configuration file {path} cannot be read ({error})."
        ) from error


def _write(path: Path, text: str, *, mode: int | None = None) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text.encode(), mode=mode)
    except OSError as error:
        raise ConfigurationError(
            f"The configuration file {path} cannot be written ({error.strerror}); "
            "check the permissions of its folder, or use --user."
        ) from error


def _compose(text: str, path: Path) -> yaml.Node:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ConfigurationError(
            f"The configuration file {path} is not valid YAML; correct it first."
        ) from error
    if not isinstance(node, yaml.MappingNode):
        raise ConfigurationError(
            f"The configuration file {path} has to be a mapping of settings to values."
        )
    return node


def _child(node: yaml.MappingNode, key: str) -> yaml.Node | None:
    return next((value for name, value in node.value if name.value == key), None)


def _replaced(text: str, node: yaml.ScalarNode, value: Any) -> str:
    written = to_yaml({"x": _plain(value)}).removeprefix("x:").strip()
    start, end = node.start_mark.index, node.end_mark.index
    # An empty value ends where it starts, right behind the colon.
    space = "" if text[start - 1 : start].isspace() else " "
    return f"{text[:start]}{space}{written}{text[end:]}"


def _rewritten(text: str, name: str, value: Any) -> str:
    """Write the whole file anew, because there is no value to put the new one in place of."""
    first, _, rest = name.partition(".")
    values = yaml.safe_load(text)
    if not rest and first not in values:
        separator = "" if text.endswith("\n") else "\n"
        return f"{text}{separator}{to_yaml({first: _plain(value)})}"
    target = values
    *sections, last = name.split(".")
    for key in sections:
        inner = target.get(key)
        target[key] = target = dict(inner) if isinstance(inner, dict) else {}
    target[last] = _plain(value)
    return to_yaml(values)
