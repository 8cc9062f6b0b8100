"""Comparing answers with the shapes in the contract's golden samples (see their README)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["differences"]

# Whether these are null depends on what was recorded before.
_NULLABLE = frozenset({"address2", "ip", "status"})
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?")
_UUID = re.compile(r"[0-9a-f-]{36}")
_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_moment(value: Any) -> bool:
    # Who has been here before is not part of a single exchange.
    return value is None or (_is_text(value) and bool(_MOMENT.fullmatch(value)))


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "str": _is_text,
    "bool": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "True": lambda value: value is True,
    "False": lambda value: value is False,
    "str(uuid4)": lambda value: _is_text(value) and bool(_UUID.fullmatch(value)),
    "str(JWT)": lambda value: _is_text(value) and bool(_TOKEN.fullmatch(value)),
    "str(datetime, naive UTC, ISO 8601)": _is_moment,
}


def differences(shape: Any, value: Any, where: str = "") -> Iterator[str]:
    """Say where a JSON value differs from a recorded shape; nothing, if it does not.

    Parameters
    ----------
    shape : Any
        From a sample: type names stand for values, lists have one shape for all items.
    value : Any
        What was answered.
    where : str
        Names the place in what is said.
    """
    if isinstance(shape, dict) and "list_of" in shape:
        yield from _in_list(shape, value, where)
    elif isinstance(shape, dict) and "one_of" in shape:
        if all(list(differences(option, value, where)) for option in shape["one_of"]):
            yield f"{where}: {value!r} is none of the alternatives"
    elif isinstance(shape, dict):
        yield from _in_object(shape, value, where)
    elif isinstance(shape, list):
        if sorted(shape) != sorted(value):
            yield f"{where}: {value!r} instead of {shape!r}"
    elif not any(_fits(option, value) for option in _options(shape)):
        yield f"{where}: {value!r} instead of {shape!r}"


def _in_object(shape: dict[str, Any], value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, dict) or set(shape) != set(value):
        yield f"{where}: {value!r} has other keys than {sorted(shape)}"
        return
    for key, inner in shape.items():
        if not (key in _NULLABLE and isinstance(value[key], (str, type(None)))):
            yield from differences(inner, value[key], f"{where}.{key}")


def _in_list(shape: dict[str, Any], value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{where}: {value!r} is no list"
    elif shape["list_of"] != "(empty)":
        for index, item in enumerate(value):
            yield from differences(shape["list_of"], item, f"{where}[{index}]")


def _options(shape: Any) -> list[Any]:
    return shape.split(" | ") if isinstance(shape, str) else [shape]


def _fits(shape: Any, value: Any) -> bool:
    if isinstance(shape, str) and shape in _CHECKS:
        return _CHECKS[shape](value)
    if isinstance(shape, str) and isinstance(value, str):
        # Ids in links depend on what was recorded before.
        return re.sub(r"\d+", "N", shape) == re.sub(r"\d+", "N", value)
    return bool(shape == value)
