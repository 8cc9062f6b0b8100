"""Values to bytes and back: JSON in UTF-8, the only format (contract, serialization section 1)."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from vantage6.common.errors import PayloadError

__all__ = ["deserialize", "serialize"]


def serialize(value: Any) -> bytes:
    """Return the bytes of a value, as ``json.dumps`` with its defaults writes them.

    Raises
    ------
    PayloadError
        If the value, or something in it, has no JSON form; the message names its type.
    """
    try:
        return json.dumps(value, default=_refuse).encode()
    except RecursionError as error:
        raise PayloadError(
            "The value is nested too deeply to be written as JSON; flatten it."
        ) from error
    except (TypeError, ValueError) as error:
        raise PayloadError(
            f"The value cannot be written as JSON ({error}); use dictionaries with text keys, "
            "lists, text, numbers, booleans and None."
        ) from error


def deserialize(data: bytes) -> Any:
    """Return the value that some bytes stand for.

    Raises
    ------
    PayloadError
        If the bytes are not JSON in UTF-8.
    """
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise PayloadError(
            f"The {len(data)} bytes are not a JSON document ({error}); "
            "the other side has to send JSON in UTF-8."
        ) from error


def _refuse(value: object) -> NoReturn:
    kind = type(value)
    name = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    raise PayloadError(
        f"A value of type {name} cannot be written as JSON; turn it into dictionaries, lists, "
        "text, numbers, booleans or None first (a data frame with to_dict, an array with tolist)."
    )
