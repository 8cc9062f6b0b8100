"""From an answer that is no success to the error the caller gets."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from vantage6.common.errors import (
    AuthenticationError,
    NotAnApiError,
    NotFoundError,
    RequestError,
    ResponseError,
    ServerFaultError,
)

__all__ = ["message_of", "not_an_api", "response_error"]


def response_error(status: int, body: Any, request: str) -> ResponseError:
    """Return the error for an answer with a status of 400 or more and a JSON body.

    Parameters
    ----------
    status : int
        HTTP status.
    body : Any
        The parsed body.
    request : str
        Method and address, for a body that says nothing.
    """
    message = message_of(body) or f"{request} was answered with status {_describe(status)}."
    kind: type[ResponseError] = RequestError
    if status == HTTPStatus.UNAUTHORIZED:
        kind = AuthenticationError
    elif status == HTTPStatus.NOT_FOUND:
        kind = NotFoundError
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = ServerFaultError
    return kind(message, status, body if isinstance(body, dict) else None)


def message_of(body: Any) -> str:
    """Return the server's message with its field errors, or nothing if there is none.

    Application errors carry ``msg``, framework errors ``message`` (contract, rest-api section
    1.3); either may be a mapping of fields to messages at an older server.
    """
    if not isinstance(body, dict):
        return ""
    message = _flat(body.get("msg") or body.get("message"))
    errors = _flat(body.get("errors"))
    if message and errors:
        return f"{message.rstrip('.: ')}: {errors}"
    return message or errors


def not_an_api(status: int, content_type: str, request: str, location: str = "") -> NotAnApiError:
    """Return the error for an answer that is not JSON."""
    if location:
        message = (
            f"{request} is redirected to {location}; give the address that the server itself uses."
        )
    elif status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        message = (
            f"{request} was refused because the body is too large; "
            "ask for a higher limit at the proxy in front of the server."
        )
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        message = (
            f"{request} was answered with status {_describe(status)} and no JSON, which is what "
            "a proxy does when the server behind it is away; try again later."
        )
    else:
        what = content_type.partition(";")[0] or "an empty or unnamed body"
        if what == "application/json":
            what = "a broken body"
        message = (
            f"{request} was answered with status {_describe(status)} and {what} instead of JSON; "
            "check the host, the port and the API path."
        )
    return NotAnApiError(message, status)


def _describe(status: int) -> str:
    try:
        return f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return str(status)


def _flat(value: Any) -> str:
    """Write nested messages as ``field: message; field: message``."""
    if value is None:
        return ""
    if isinstance(value, dict):
        parts = ((str(key), _flat(item)) for key, item in value.items())
        return "; ".join(text if key == "_schema" else f"{key}: {text}" for key, text in parts)
    if isinstance(value, (list, tuple)):
        return ", ".join(_flat(item) for item in value)
    return str(value)
