"""From a file to checked settings: all errors at once, unknown keys with a suggestion."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from vantage6.common.config.field import Field, Kind, Section
from vantage6.common.errors import ConfigurationError

__all__ = ["Settings", "load_settings", "read_yaml"]

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_HIDDEN = "***"


class Settings(Mapping[str, Any]):
    """Checked settings of a section, with defaults filled in; sections are nested.

    Secrets are hidden when the settings are printed.

    Attributes
    ----------
    warnings : tuple of str
        What deserves attention but is no error, one sentence each.
    source : str
        Where the settings come from.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        *,
        secrets: frozenset[str] = frozenset(),
        warnings: tuple[str, ...] = (),
        source: str = "",
    ) -> None:
        self._values = dict(values)
        self._secrets = secrets
        self.warnings = warnings
        self.source = source

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        shown = {
            key: _HIDDEN if key in self._secrets and value else value
            for key, value in self._values.items()
        }
        return f"Settings({shown!r})"

    def at(self, path: str, default: Any = None) -> Any:
        """Return the value under a dotted name, or `default` if a section on the way is off."""
        value: Any = self
        for name in path.split("."):
            if not isinstance(value, Mapping) or name not in value:
                return default
            value = value[name]
        return value

    def as_dict(self) -> dict[str, Any]:
        """Return plain nested dictionaries, with the secrets."""
        return {key: _plain(value) for key, value in self._values.items()}


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a configuration file.

    Raises
    ------
    ConfigurationError
        If the file cannot be read, is not YAML (the message has the line) or not a mapping.
    """
    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(
            f"There is no configuration file {path}; check the path."
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"The configuration file {path} cannot be read ({error.strerror}); "
            "check its permissions."
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"The configuration file {path} is not UTF-8 text; save it in that encoding."
        ) from error
    except yaml.YAMLError as error:
        raise ConfigurationError(
            f"The configuration file {path} is not valid YAML{_where(error)}; correct it there."
        ) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigurationError(
            f"The configuration file {path} holds a {type(content).__name__}; "
            "it has to be a mapping of settings to values."
        )
    return content


def load_settings(section: Section, mapping: Mapping[str, Any], source: str | Path) -> Settings:
    """Check settings and fill in defaults.

    Parameters
    ----------
    section : Section
        What may stand there.
    mapping : Mapping
        What stands there.
    source : str or Path
        Where it comes from, for messages.

    Returns
    -------
    Settings
        With the warnings about keys that are unknown.

    Raises
    ------
    ConfigurationError
        If anything is missing or wrong; the one message names everything.
    """
    findings = _Findings()
    values = _section(section, mapping, "", findings)
    findings.warnings.extend(
        f"The setting {path} in {source} is unknown and has no effect{_suggestion(section, path)}"
        for path in findings.unknown
    )
    if findings.errors:
        raise ConfigurationError(
            f"The configuration {source} cannot be used: {'; '.join(findings.errors)}."
        )
    return Settings(
        values,
        secrets=_secrets(section),
        warnings=tuple(findings.warnings),
        source=str(source),
    )


@dataclass
class _Findings:
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


class _WrongValueError(Exception):
    """The value is not what it has to be; the text completes "it has to be"."""


def _section(
    section: Section, mapping: Mapping[str, Any], prefix: str, findings: _Findings
) -> dict[str, Any]:
    known = {name for part in section.fields for name in (part.name, *part.aliases)}
    findings.unknown.extend(f"{prefix}{key}" for key in mapping if key not in known)
    values: dict[str, Any] = {}
    for part in section.fields:
        key = next((name for name in (part.name, *part.aliases) if name in mapping), None)
        path = f"{prefix}{key or part.name}"
        present, raw = key is not None, mapping.get(key) if key is not None else None
        if isinstance(part, Section):
            values[part.name] = _subsection(part, raw, path, findings)
        else:
            values[part.name] = _value(part, raw, path, findings, present=present)
    return values


def _subsection(part: Section, raw: Any, path: str, findings: _Findings) -> Settings | None:
    if raw is None and part.optional:
        return None
    if raw is not None and not isinstance(raw, Mapping):
        findings.errors.append(f"{path} is {_short(raw)}, but it has to be a mapping of settings")
        return None
    values = _section(part, raw or {}, f"{path}.", findings)
    return Settings(values, secrets=_secrets(part))


def _value(part: Field, raw: Any, path: str, findings: _Findings, *, present: bool) -> Any:
    if raw is None:
        if part.required and not (present and part.nullable):
            state = "empty" if present else "missing"
            findings.errors.append(f"{path} is {state} ({_lower_first(part.doc)})")
        return part.default
    try:
        value = _converted(part, raw, path, findings)
        _check_limits(part, value)
    except _WrongValueError as error:
        shown = "wrong" if part.secret else _short(raw)
        findings.errors.append(f"{path} is {shown}, but it has to be {error}")
        return part.default
    return value


def _converted(part: Field, raw: Any, path: str, findings: _Findings) -> Any:
    if part.kind is Kind.LIST:
        return _list(part, raw, path, findings)
    if part.kind is Kind.MAPPING:
        return _mapping(part, raw, path, findings)
    return _scalar(part.kind, raw)


def _scalar(kind: Kind, raw: Any) -> Any:
    converter = _CONVERTERS.get(kind)
    if converter is None:
        return raw
    try:
        return converter(raw)
    except (ValueError, TypeError, OverflowError):
        raise _WrongValueError(str(kind)) from None


def _list(part: Field, raw: Any, path: str, findings: _Findings) -> list[Any]:
    if part.items is Kind.TEXT and isinstance(raw, (str, int)):
        raw = [raw]
    if isinstance(raw, Mapping) and isinstance(part.items, Section):
        raw = [raw]
    if not isinstance(raw, list):
        raise _WrongValueError(str(part.kind))
    return [_item(part.items, item, f"{path}[{i}]", findings) for i, item in enumerate(raw)]


def _mapping(part: Field, raw: Any, path: str, findings: _Findings) -> dict[str, Any]:
    if not isinstance(raw, Mapping):
        raise _WrongValueError(str(part.kind))
    return {
        str(key): _item(part.items, item, f"{path}.{key}", findings) for key, item in raw.items()
    }


def _item(kind: Section | Kind | None, raw: Any, path: str, findings: _Findings) -> Any:
    if isinstance(kind, Section):
        return _subsection(kind, raw, path, findings)
    if kind is None:
        return raw
    try:
        return _scalar(kind, raw)
    except _WrongValueError as error:
        findings.errors.append(f"{path} is {_short(raw)}, but it has to be {error}")
        return None


def _check_limits(part: Field, value: Any) -> None:
    if part.choices and value not in part.choices:
        raise _WrongValueError("one of " + ", ".join(str(choice) for choice in part.choices))
    if part.minimum is not None and value < part.minimum:
        raise _WrongValueError(f"at least {part.minimum:g}")
    if part.maximum is not None and value > part.maximum:
        raise _WrongValueError(f"at most {part.maximum:g}")


def _text(raw: Any) -> str:
    if isinstance(raw, (Mapping, list)):
        raise TypeError
    return str(raw)


def _integer(raw: Any) -> int:
    if isinstance(raw, bool) or (isinstance(raw, float) and not raw.is_integer()):
        raise TypeError
    return int(raw)


def _number(raw: Any) -> float:
    if isinstance(raw, bool):
        raise TypeError
    return float(raw)


def _boolean(raw: Any) -> bool:
    text = str(raw).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError


_CONVERTERS = {
    Kind.TEXT: _text,
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    Kind.BOOLEAN: _boolean,
}


def _secrets(section: Section) -> frozenset[str]:
    return frozenset(
        part.name for part in section.fields if isinstance(part, Field) and part.secret
    )


def _suggestion(section: Section, path: str) -> str:
    """Suggest a setting that may have been meant, also one in another section."""
    known = {name.replace("[]", ""): name for name, _ in section.walk()}
    plain = _without_indices(path)
    spellings = {_squeezed(name): name for name in known}
    close = difflib.get_close_matches(_squeezed(plain), spellings, n=1, cutoff=0.75)
    if close:
        return f"; did you mean {spellings[close[0]]}?"
    leaf = plain.rpartition(".")[2]
    elsewhere = next((name for name in known if name.endswith(f".{leaf}")), None)
    return f"; did you mean {elsewhere}?" if elsewhere else "; remove it."


def _squeezed(path: str) -> str:
    """Make spellings comparable: ``rabbitmq_uri`` and ``rabbitmq.uri`` become the same."""
    return path.lower().replace(".", "_").replace("-", "_")


def _without_indices(path: str) -> str:
    return "".join(part.rpartition("]")[2] for part in path.split("["))


def _plain(value: Any) -> Any:
    if isinstance(value, Settings):
        return value.as_dict()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _short(value: Any) -> str:
    text = repr(value)
    limit = 40
    return text if len(text) <= limit else f"{text[:limit]}…"


def _lower_first(text: str) -> str:
    text = text.rstrip(".")
    is_word = len(text) > 1 and text[1].islower()
    return text[:1].lower() + text[1:] if is_word else text


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "it cannot be parsed"
    if mark is None:
        return f" ({problem})"
    return f" in line {mark.line + 1}, column {mark.column + 1} ({problem})"
