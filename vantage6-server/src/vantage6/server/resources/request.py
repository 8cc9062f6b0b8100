"""Reading bodies and query parameters of requests."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from flask import request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import BadRequest as UnreadableBody
from werkzeug.exceptions import UnsupportedMediaType

from vantage6.server.services.errors import BadRequest, Invalid

__all__ = ["HIGHEST_ID", "client_address", "included", "load_body", "query_id", "query_int"]

HIGHEST_ID = 2**31 - 1
_TRUE = frozenset({"1", "true", "yes", "on", "y", "t"})


def load_body(
    schema: Schema, *, partial: bool = False, unreadable_is_ours: bool = False
) -> dict[str, Any]:
    """Return the JSON body after its schema accepted it.

    Parameters
    ----------
    schema : Schema
        From ``vantage6.common.wire.rest``.
    partial : bool
        Nothing is required (bodies of PATCH), and defaults are not filled in.
    unreadable_is_ours : bool
        Answer a body that is no JSON with our error shape instead of the framework's
        (contract, rest-api 1.3: ``POST /task`` only).

    Raises
    ------
    Invalid
        With the schema's complaints per field.
    """
    raw = _read_json(unreadable_is_ours)
    try:
        _refuse_unstorable_text(raw)
        loaded: dict[str, Any] = schema.load(raw, partial=partial)
    except ValidationError as error:
        raise Invalid(
            "The request body is not valid; see 'errors' for each field.", _complaints(error)
        ) from error
    return loaded


def _read_json(unreadable_is_ours: bool) -> Any:  # noqa: FBT001 - passed on by keyword above
    try:
        return _parse_json()
    except (UnreadableBody, UnsupportedMediaType) as error:
        if not unreadable_is_ours:
            raise
        raise BadRequest(
            "The request body is not JSON; send a JSON object with content type application/json."
        ) from error


def _parse_json() -> Any:
    try:
        return request.get_json()
    except RecursionError as error:
        raise UnreadableBody("The body is nested too deeply to be read.") from error


def _complaints(error: ValidationError) -> Mapping[str, Any]:
    messages: Mapping[str, Any] = error.normalized_messages()  # type: ignore[no-untyped-call]
    return {str(key): _with_text_keys(value) for key, value in messages.items()}


def _with_text_keys(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _with_text_keys(inner) for key, inner in value.items()}
    return value


def _refuse_unstorable_text(raw: Any) -> None:
    """Refuse NUL and half surrogate pairs, which no database stores."""
    if b"\\u" in request.get_data(cache=True) and not _is_storable(raw):
        raise ValidationError("The body holds text that is no valid Unicode, or a NUL character.")


def _is_storable(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
    if isinstance(value, Mapping):
        return all(_is_storable(key) and _is_storable(inner) for key, inner in value.items())
    if isinstance(value, list):
        return all(_is_storable(inner) for inner in value)
    return True


def client_address() -> str:
    """Return the address of whoever sent the request, as the nearest proxy saw it, or nothing."""
    route = request.access_route
    try:
        return str(ip_address(route[-1])) if route else ""
    except ValueError:
        return ""


def query_int(name: str) -> int | None:
    """Return a query parameter as a number, or None if it is absent or empty.

    Raises
    ------
    BadRequest
        If it is anything else.
    """
    text = request.args.get(name)
    if not text:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise BadRequest(f"The parameter '{name}' must be a whole number.", field=name) from error


def query_id(name: str) -> int | None:
    """Return a query parameter that names a record, or None; one that is too large names none."""
    number = query_int(name)
    return None if number is None else max(-1, min(number, HIGHEST_ID))


def query_flag(name: str) -> bool:
    """Tell whether a flag is set; ``0`` and ``false`` are not (contract, rest-api 1.7)."""
    return request.args.get(name, "").strip().lower() in _TRUE


def included() -> frozenset[str]:
    """Return what ``include`` asks for; it may be repeated or comma separated."""
    wanted = (
        part.strip() for value in request.args.getlist("include") for part in value.split(",")
    )
    return frozenset(part for part in wanted if part)
