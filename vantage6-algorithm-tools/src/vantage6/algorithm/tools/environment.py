"""What the node passes through environment variables, and reading it.

The node encodes the values it sets; variables of the image are plain (contract, node section 6).
Only variables that the node sets are decoded, because a plain value can happen to look encoded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, MutableMapping

from vantage6.algorithm.tools.exceptions import EnvironmentVariableNotFoundError
from vantage6.common.wire.container import (
    PACKAGE_NAME_VARIABLE,
    Variable,
    database_variable,
    decode_value,
    encode_value,
)

__all__ = [
    "MissingVariableError",
    "database_setting",
    "decode_environment",
    "read_variable",
    "requested_labels",
    "require_variable",
]

_ALWAYS_PLAIN = frozenset({PACKAGE_NAME_VARIABLE, Variable.RUN_CONTEXT_FILE})
_SET_BY_NODE = frozenset(
    {
        Variable.INPUT_FILE,
        Variable.OUTPUT_FILE,
        Variable.TOKEN_FILE,
        Variable.TEMPORARY_FOLDER,
        Variable.HOST,
        Variable.PORT,
        Variable.API_PATH,
        Variable.REQUESTED_LABELS,
        Variable.ALL_LABELS,
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "NO_PROXY",
        "no_proxy",
    }
)
_DATABASE_SUFFIXES = ("DATABASE_URI", "DATABASE_TYPE", "QUERY", "SHEET_NAME", "PREPROCESSING")
_PADDING = "!"

# The environment belongs to the process, and so does the memory of what was decoded in it.
# A value counts as decoded only as long as it is the one that the decoding left there.
_decoded: dict[str, str] = {}


class MissingVariableError(EnvironmentVariableNotFoundError, KeyError):
    """A variable that the node always sets is missing; also a ``KeyError``, as in the contract."""

    __str__ = Exception.__str__  # a KeyError would put the sentence in quotes


def decode_environment(environ: MutableMapping[str, str] | None = None) -> None:
    """Replace the encoded values of variables that the node set by the plain ones.

    Decoded are the variables of the contract, those of the node's databases, and any other
    whose value cannot be anything but an encoded one (settings that the node's administrator
    chose for the algorithm). All others stay as they are; `get_env_var` reads both forms.

    Parameters
    ----------
    environ : MutableMapping, optional
        The environment; that of the process by default.
    """
    variables: MutableMapping[str, str] = os.environ if environ is None else environ
    labels = _database_labels(variables)
    for name, text in list(variables.items()):
        if name in _ALWAYS_PLAIN or _decoded.get(name) == text:
            continue
        value = decode_value(text)
        is_ours = _is_set_by_node(name, labels) or _is_surely_encoded(text, value)
        if is_ours and "\0" not in value:
            variables[name] = value
            _decoded[name] = value


def read_variable(name: str) -> str | None:
    """Return the plain value of a variable, whichever form it is in; None if it is missing."""
    text = os.environ.get(name)
    if text is None or _decoded.get(name) == text:
        return text
    return decode_value(text)


def require_variable(name: str) -> str:
    """Return the plain value of a variable that the node always sets.

    Raises
    ------
    MissingVariableError
        If it is missing.
    """
    value = read_variable(name)
    if value is None:
        raise MissingVariableError(
            f"The environment variable {name} is missing, which a node sets for every run; "
            "start the algorithm through a node, or use the mock client."
        )
    return value


def requested_labels() -> list[str]:
    """Return the labels of the databases that the task asks for, in the researcher's order."""
    return _split_labels(require_variable(Variable.REQUESTED_LABELS))


def database_setting(label: str, suffix: str) -> str | None:
    """Return a variable of one database, for example its ``QUERY``; None if it is missing."""
    return read_variable(database_variable(label, suffix))


def _database_labels(variables: MutableMapping[str, str]) -> frozenset[str]:
    """Return all labels in upper case, as they are used in the names of variables."""
    return frozenset(_labels_in(variables, Variable.ALL_LABELS)) | frozenset(
        _labels_in(variables, Variable.REQUESTED_LABELS)
    )


def _labels_in(variables: MutableMapping[str, str], name: str) -> Iterator[str]:
    text = variables.get(name, "")
    plain = text if _decoded.get(name) == text else decode_value(text)
    return (label.upper() for label in _split_labels(plain))


def _split_labels(text: str) -> list[str]:
    return [label for label in text.split(",") if label]


def _is_set_by_node(name: str, labels: frozenset[str]) -> bool:
    return name in _SET_BY_NODE or any(
        name.startswith(f"{label}_") and _is_database_suffix(name[len(label) + 1 :])
        for label in labels
    )


def _is_database_suffix(suffix: str) -> bool:
    return suffix in _DATABASE_SUFFIXES or suffix.startswith("DB_PARAM_")


def _is_surely_encoded(text: str, value: str) -> bool:
    """Tell whether nobody would write `text` by hand: padded, and exactly what a node writes."""
    return text.endswith(_PADDING) and value != text and encode_value(value) == text
