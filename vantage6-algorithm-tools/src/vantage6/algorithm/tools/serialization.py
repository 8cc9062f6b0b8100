"""From the value a function returns to the bytes of its result.

The format is JSON as Python writes it (contract, serialization section 1). Values of numpy and
pandas, dates and times are turned into what JSON knows; neither library is imported for that.
"""

from __future__ import annotations

import sys
from typing import Any

from vantage6.common.errors import PayloadError
from vantage6.common.payload.codec import serialize

__all__ = ["NotSerializableError", "to_json_bytes"]

_JSON_SCALARS = (str, int, float, bool, type(None))


class NotSerializableError(PayloadError, TypeError):
    """A value has a part that JSON cannot hold; also a ``TypeError``, as ``json`` raises."""


def to_json_bytes(value: Any, name: str = "the result") -> bytes:
    """Write a value as UTF-8 encoded JSON.

    A DataFrame becomes ``{column: {index: value}}`` and a Series ``{index: value}``, as their
    ``to_dict`` gives; ``pandas.DataFrame`` builds the frame again. Arrays become lists, dates
    and times ISO 8601 text, durations seconds, pandas' missing values null.

    Parameters
    ----------
    value : Any
        What to write.
    name : str
        What messages call it.

    Raises
    ------
    NotSerializableError
        If a part of the value cannot be written; the message names its place and type.
    """
    try:
        return serialize(value)
    except PayloadError:
        return serialize(_rebuilt(value, name))


def _rebuilt(value: Any, name: str) -> Any:
    try:
        return _plain(value, name)
    except RecursionError as error:
        raise NotSerializableError(
            f"{name} contains itself or is nested too deeply; use lists and dictionaries."
        ) from error


def _plain(value: Any, place: str) -> Any:
    """Rebuild a value from what JSON knows."""
    if isinstance(value, _JSON_SCALARS):
        return value
    if isinstance(value, dict):
        return {
            _plain_key(key, place): _plain(item, f"{place}[{key!r}]") for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{place}[{index}]") for index, item in enumerate(value)]
    converted = _converted(value, place)
    return _plain(converted, place)


def _plain_key(key: Any, place: str) -> Any:
    plain = key if isinstance(key, _JSON_SCALARS) else _converted(key, f"a key of {place}")
    if not isinstance(plain, _JSON_SCALARS):
        raise _refusal(key, f"a key of {place}")
    return plain


def _converted(value: Any, place: str) -> Any:
    """Return a simpler form of a value that is no JSON type itself."""
    library = type(value).__module__.partition(".")[0]
    if library == "pandas":
        return _from_pandas(value, place)
    if library == "numpy":
        return _from_numpy(value, place)
    return _from_datetime(value, place)


def _from_numpy(value: Any, place: str) -> Any:
    if not hasattr(value, "dtype"):
        raise _refusal(value, place)
    if value.dtype.kind in "mM":
        # In nanoseconds, tolist would give bare numbers instead of moments and durations.
        value = value.astype(f"{value.dtype.kind}8[us]")
    return value.tolist()


def _from_pandas(value: Any, place: str) -> Any:
    pandas = sys.modules["pandas"]
    if value is pandas.NaT or value is pandas.NA:
        return None
    if isinstance(value, (pandas.DataFrame, pandas.Series)):
        axes = {"index": value.index, "columns": getattr(value, "columns", value.index)}
        for name, axis in axes.items():
            if not axis.is_unique:
                raise NotSerializableError(
                    f"{place} is a {type(value).__name__} with repeated values in its {name}, "
                    "some of which would be lost; reset or rename them before returning it."
                )
        return value.to_dict()
    if isinstance(value, (pandas.Index, pandas.api.extensions.ExtensionArray)):
        return value.tolist()
    return _from_datetime(value, place)


def _from_datetime(value: Any, place: str) -> Any:
    import datetime as dt

    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    raise _refusal(value, place)


def _refusal(value: Any, place: str) -> NotSerializableError:
    kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    return NotSerializableError(
        f"{place} is of type {kind}, which cannot be written as JSON; "
        "use numbers, text, lists and dictionaries."
    )
