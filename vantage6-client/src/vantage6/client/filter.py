"""Selecting from answers: some keys of the objects, or some objects of a list."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from vantage6.client.answers import Refusal, accepted

__all__ = [
    "filter_dict_keys",
    "filter_dicts_by_values",
    "filter_dicts_from_results",
    "filter_dicts_keys",
    "filter_dicts_on_values",
    "filter_keys_from_result",
    "filter_keys_from_results",
    "post_filtering",
]

_Method = Callable[..., Any]
_Dict = dict[str, Any]


def post_filtering(iterable: bool = True) -> Callable[[_Method], _Method]:  # noqa: FBT001, FBT002 - contract
    """Give a method keyword arguments that select from what it returns.

    Parameters
    ----------
    iterable : bool
        Whether the method returns a list. Then ``field``, ``fields``, ``filter_`` and
        ``filters`` are understood, otherwise ``field`` and ``fields``.

    Notes
    -----
    ``field`` is one key and wins over ``fields``, a list of keys. ``filter_`` is a pair of key
    and value, ``filters`` a list of pairs that must all match. Any of them turns a list answer
    into a plain list of dictionaries; they act on the page that was fetched.
    """

    def decorate(method: _Method) -> _Method:
        if not iterable:
            return filter_keys_from_result(method)
        return filter_keys_from_results(filter_dicts_from_results(method))

    return decorate


def filter_keys_from_result(func: _Method) -> _Method:
    """Let a method that returns one object understand ``field`` and ``fields``."""

    @functools.wraps(func)
    def select(
        *args: Any, field: str | None = None, fields: Sequence[str] | None = None, **kwargs: Any
    ) -> Any:
        answer = func(*args, **kwargs)
        keys = _keys(field, fields)
        if keys is None or isinstance(answer, Refusal):
            return answer
        return filter_dict_keys(answer, keys)

    return _with_keywords(select, func, "field", "fields")


def filter_keys_from_results(func: _Method) -> _Method:
    """Let a method that returns a list understand ``field`` and ``fields``."""

    @functools.wraps(func)
    def select(
        *args: Any, field: str | None = None, fields: Sequence[str] | None = None, **kwargs: Any
    ) -> Any:
        answer = func(*args, **kwargs)
        keys = _keys(field, fields)
        return answer if keys is None else filter_dicts_keys(_items(answer), keys)

    return _with_keywords(select, func, "field", "fields")


def filter_dicts_from_results(func: _Method) -> _Method:
    """Let a method that returns a list understand ``filter_`` and ``filters``."""

    @functools.wraps(func)
    def select(
        *args: Any,
        filter_: tuple[str, Any] | None = None,
        filters: Iterable[tuple[str, Any]] | None = None,
        **kwargs: Any,
    ) -> Any:
        answer = func(*args, **kwargs)
        wanted = [*([filter_] if filter_ else []), *(filters or [])]
        return filter_dicts_by_values(_items(answer), wanted) if wanted else answer

    return _with_keywords(select, func, "filter_", "filters")


def filter_dicts_on_values(dicts: list[_Dict], filters: list[tuple[Any, Any]]) -> list[_Dict]:
    """Return the dictionaries that have all the given values."""
    return [item for item in dicts if all(item[key] == value for key, value in filters)]


def filter_dicts_by_values(dicts: list[_Dict], filters: list[tuple[Any, Any]]) -> list[_Dict]:
    """Return the dictionaries that have all the given values."""
    return filter_dicts_on_values(dicts, filters)


def filter_dicts_keys(dict_: list[_Dict], keys: Sequence[str]) -> list[_Dict]:
    """Return the dictionaries with only the given keys; keys they do not have are ignored."""
    return [filter_dict_keys(item, keys) for item in dict_]


def filter_dict_keys(dict_: _Dict, keys: Sequence[str]) -> _Dict:
    """Return a dictionary with only the given keys; keys it does not have are ignored."""
    return {key: dict_[key] for key in keys if key in dict_}


def _keys(field: str | None, fields: Sequence[str] | None) -> Sequence[str] | None:
    if field:
        return [field]
    return fields or None


def _items(answer: Any) -> list[_Dict]:
    """Return the objects of a list answer, which a first selection has already unwrapped or not."""
    answer = accepted(answer)
    items: list[_Dict] = answer["data"] if isinstance(answer, dict) else answer
    return items


def _with_keywords(wrapper: _Method, func: _Method, *names: str) -> _Method:
    """Show the added keyword arguments in the wrapper's signature."""
    signature = inspect.signature(func)
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in names
    ]
    wrapper.__signature__ = signature.replace(  # type: ignore[attr-defined] # read by inspect
        parameters=[*signature.parameters.values(), *added]
    )
    return wrapper
