"""Query parameters of list filters, and bodies whose complaint may wait."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn

from flask import request
from marshmallow import Schema, ValidationError

from vantage6.common.wire.rest.fields import Moment
from vantage6.server.resources.request import HIGHEST_ID, load_body
from vantage6.server.services.errors import BadRequest, Invalid

__all__ = [
    "defer_body",
    "query_boolean",
    "query_ids",
    "query_moment",
    "query_text",
    "query_texts",
]

_LONGEST_TEXT = 4096
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_ID = re.compile(r"[0-9]{1,18}")


def query_text(name: str) -> str | None:
    """Return a text parameter, or None if it is absent or empty.

    Raises
    ------
    BadRequest
        If it is longer than any text it could match; databases refuse long patterns.
    """
    return _bounded(name, request.args.get(name)) or None


def query_texts(name: str) -> tuple[str, ...]:
    """Return all values of a repeated text parameter, see :func:`query_text`."""
    return tuple(value for value in request.args.getlist(name) if _bounded(name, value))


def _bounded(name: str, value: str | None) -> str | None:
    if value is not None and len(value) > _LONGEST_TEXT:
        raise BadRequest(
            f"The parameter '{name}' has more than {_LONGEST_TEXT} characters; shorten it.",
            field=name,
        )
    return value


def query_ids(name: str) -> tuple[int, ...]:
    """Return all values of a repeated parameter that names records.

    Raises
    ------
    BadRequest
        If one of them is no whole number.
    """
    values = [value for value in request.args.getlist(name) if value]
    if not all(_ID.fullmatch(value) for value in values):
        raise BadRequest(f"The parameter '{name}' must be a whole number.", field=name)
    return tuple(min(int(value), HIGHEST_ID) for value in values)


def query_boolean(name: str) -> bool | None:
    """Return a parameter that is true or false, or None if it is absent or empty.

    Raises
    ------
    BadRequest
        If it is neither.
    """
    text = request.args.get(name, "").strip().lower()
    if not text:
        return None
    if text not in _TRUE | _FALSE:
        raise BadRequest(f"The parameter '{name}' must be true or false.", field=name)
    return text in _TRUE


def query_moment(name: str) -> datetime | None:
    """Return a date or a moment, or None if it is absent or empty; without a zone it is UTC.

    Raises
    ------
    BadRequest
        If it is neither.
    """
    text = request.args.get(name)
    if not text:
        return None
    if _DATE.fullmatch(text):
        text = f"{text}T00:00:00"
    try:
        moment: datetime = Moment().deserialize(text)
    except ValidationError as error:
        raise BadRequest(
            f"The parameter '{name}' must be a date and time like 2026-11-22T10:33:51.", field=name
        ) from error
    return moment


def defer_body(schema: Schema, *, partial: bool = False) -> Callable[[], dict[str, Any]]:
    """Read the body now, and complain about it when the returned function is called.

    For endpoints that check whether a record exists, and who asks, before the body (contract,
    rest-api section 4). Reading waits for the network, so it must not happen inside a transaction.
    """
    try:
        body = load_body(schema, partial=partial)
    except Invalid as error:
        return _raiser(error)
    return lambda: body


def _raiser(error: Invalid) -> Callable[[], NoReturn]:
    def complain() -> NoReturn:
        raise error

    return complain
