"""The one table from errors to answers (contract, rest-api sections 1.3 and 1.4).

Every error body carries `msg`, `code` and `request_id`; the same id is in the log lines of the
request. Errors of the framework (method, content type, unreadable JSON) also carry `message`, the
key the contract gives them. Unknown routes keep the framework's HTML page.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any, NamedTuple

from flask import Flask, Response, jsonify, request
from flask_jwt_extended import exceptions as jwt_errors
from flask_restful import Api
from jwt import exceptions as pyjwt_errors
from sqlalchemy import exc as sql_errors
from werkzeug.exceptions import HTTPException

from vantage6.server.services import errors

__all__ = [
    "ERROR_TABLE",
    "REQUEST_ID_KEY",
    "ErrorApi",
    "Refusal",
    "install_fallback",
    "request_id",
]

_log = logging.getLogger(__name__)

REQUEST_ID_KEY = "vantage6.request_id"
"""Key in the WSGI environment."""

INTERNAL_ERROR = (
    "The server failed on this request; tell its administrator the request id, which is in its log."
)


class Refusal(NamedTuple):
    """How an error is answered; without `text` the error's own sentence is used."""

    status: HTTPStatus
    code: str
    text: str | None = None


_BAD_TOKEN = "The token is not valid; log in again."  # noqa: S105 - a sentence

# The first class that fits wins, so narrow ones come first.
ERROR_TABLE: tuple[tuple[type[Exception], Refusal], ...] = (
    # 401 also stands for "known, but not allowed": released clients expect it.
    (errors.NotFound, Refusal(HTTPStatus.NOT_FOUND, errors.NotFound.code)),
    (errors.Unauthenticated, Refusal(HTTPStatus.UNAUTHORIZED, errors.Unauthenticated.code)),
    (errors.Forbidden, Refusal(HTTPStatus.UNAUTHORIZED, errors.Forbidden.code)),
    # The reference answers 500 here (golden sample run_id__PATCH, case called-by-user).
    (errors.WrongCaller, Refusal(HTTPStatus.FORBIDDEN, errors.WrongCaller.code)),
    (errors.Refused, Refusal(HTTPStatus.FORBIDDEN, errors.Refused.code)),
    (errors.BadRequest, Refusal(HTTPStatus.BAD_REQUEST, errors.BadRequest.code)),
    (errors.NotConfigured, Refusal(HTTPStatus.NOT_IMPLEMENTED, errors.NotConfigured.code)),
    (errors.Unavailable, Refusal(HTTPStatus.SERVICE_UNAVAILABLE, errors.Unavailable.code)),
    (
        errors.Misconfigured,
        Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, errors.Misconfigured.code),
    ),
    (errors.DomainError, Refusal(HTTPStatus.BAD_REQUEST, errors.DomainError.code)),
    (
        jwt_errors.NoAuthorizationError,
        Refusal(
            HTTPStatus.UNAUTHORIZED,
            "token_missing",
            "The request carries no token; log in and send it as 'Authorization: Bearer <token>'.",
        ),
    ),
    (
        pyjwt_errors.ExpiredSignatureError,
        Refusal(
            HTTPStatus.UNAUTHORIZED, "token_expired", "The token has expired; refresh it or log in."
        ),
    ),
    (
        jwt_errors.WrongTokenError,
        Refusal(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "token_wrong_type",
            "This is the wrong kind of token; access tokens open endpoints, refresh tokens renew.",
        ),
    ),
    (
        jwt_errors.JWTExtendedException,
        Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "token_invalid", _BAD_TOKEN),
    ),
    (
        pyjwt_errors.PyJWTError,
        Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "token_invalid", _BAD_TOKEN),
    ),
    (
        sql_errors.DataError,
        Refusal(
            HTTPStatus.BAD_REQUEST,
            "invalid",
            "A value in the request cannot be stored or compared; correct it.",
        ),
    ),
    (
        sql_errors.IntegrityError,
        Refusal(
            HTTPStatus.BAD_REQUEST,
            "conflict",
            "Another request changed the same records at the same time; read them and try again.",
        ),
    ),
    (
        sql_errors.OperationalError,
        Refusal(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "database_unavailable",
            "The server's database does not answer; try again later.",
        ),
    ),
)


def request_id() -> str:
    """Return the id of the present request, which log lines and error bodies share."""
    return str(request.environ.get(REQUEST_ID_KEY, "-"))


class ErrorApi(Api):
    """Flask-RESTful's API with our error bodies."""

    def handle_error(self, e: Exception) -> Response:
        """Answer an error that a handler did not answer itself."""
        if isinstance(e, HTTPException):
            return _framework_refusal(e)
        refusal = _find(e)
        if refusal is None:
            return _unexpected(e)
        return _refuse(e, refusal)


def _find(error: Exception) -> Refusal | None:
    for kind, refusal in ERROR_TABLE:
        if isinstance(error, kind):
            return refusal
    return None


def _refuse(error: Exception, refusal: Refusal) -> Response:
    body: dict[str, Any] = {"msg": refusal.text or str(error), "code": refusal.code}
    if isinstance(error, errors.DomainError):
        body["code"] = error.reason
        if error.field:
            body["field"] = error.field
    if isinstance(error, errors.Invalid):
        body["errors"] = error.errors
    if refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # The cause is ours, not the caller's: say it in the log only.
        _log.warning("%s: %s", type(error).__name__, error)
    return _answer(body, refusal.status)


def _framework_refusal(error: HTTPException) -> Response:
    if error.response is not None:
        return error.get_response()  # type: ignore[return-value] # werkzeug's class is Flask's here
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    text = error.description or status.phrase
    # The contract's key is `message`; clients of ours read `msg` everywhere.
    body = {"message": text, "msg": text, "code": status.name.lower()}
    answer = _answer(body, status)
    for name, value in error.get_headers():
        if name not in {"Content-Type", "Content-Length"}:
            answer.headers[name] = value
    return answer


def _unexpected(error: Exception) -> Response:
    _log.error(
        "unexpected error in %s %s",
        request.method,
        request.path,
        exc_info=error,
    )
    body = {"msg": INTERNAL_ERROR, "code": "internal_error"}
    return _answer(body, HTTPStatus.INTERNAL_SERVER_ERROR)


def _answer(body: dict[str, Any], status: HTTPStatus) -> Response:
    _log.info(
        "%s %s -> %d %s",
        request.method,
        request.path,
        status,
        body["code"],
    )
    answer = jsonify(body | {"request_id": request_id()})
    answer.status_code = status
    return answer


def install_fallback(app: Flask) -> None:
    """Answer unexpected errors outside the API in the same form."""
    app.register_error_handler(Exception, _outside)


def _outside(error: Exception) -> Any:
    return error if isinstance(error, HTTPException) else _unexpected(error)
