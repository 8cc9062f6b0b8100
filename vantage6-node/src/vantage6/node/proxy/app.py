"""The proxy as a web application: assembly, and errors as JSON.

Attacker: an algorithm that wants more than its task gives it. Every request must carry the token
of a run that is active here, goes on with that token and so with that run's own rights, reaches
only the routes an algorithm needs, and gets results of its own job only.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from vantage6.common.crypto.base import Cryptor
from vantage6.common.errors import (
    CryptoError,
    NotAnApiError,
    ResponseError,
    TransportError,
)
from vantage6.common.http.auth import AuthFlow
from vantage6.common.http.transport import Transport
from vantage6.node.proxy.blobs import blob_routes
from vantage6.node.proxy.callers import CallerAuth, identify
from vantage6.node.proxy.forward import forwarding_routes
from vantage6.node.proxy.jobs import Jobs
from vantage6.node.proxy.results import result_routes
from vantage6.node.proxy.tasks import task_routes
from vantage6.node.runs.tokens import TokenRegistry

__all__ = ["ProxyServices", "create_app"]

_BAD_GATEWAY = 502
_FAULT = 500
_NOT_FOUND = 404

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ProxyServices:
    """What the proxy needs of the node.

    Attributes
    ----------
    connect : callable
        Makes the connection to the server with the credentials it is given, for example
        ``lambda auth: Transport(url, auth=auth, read_timeout=300)``.
    tokens : TokenRegistry
        Which runs are active.
    cryptor : Cryptor
        How this node's organization encrypts and decrypts.
    tasks_repeatable : bool
        Whether the server honours ``Idempotency-Key``, so that a new task may be sent again
        when its answer was lost.
    """

    connect: Callable[[AuthFlow], Transport]
    tokens: TokenRegistry
    cryptor: Cryptor
    tasks_repeatable: bool = True


def create_app(services: ProxyServices) -> Flask:
    """Return the proxy."""
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False
    transport = services.connect(CallerAuth())
    jobs = Jobs(transport)

    @app.before_request
    def require_run() -> None:
        identify(request, services.tokens)

    app.register_blueprint(forwarding_routes(transport))
    app.register_blueprint(
        task_routes(transport, services.cryptor, jobs, repeatable=services.tasks_repeatable)
    )
    app.register_blueprint(result_routes(transport, services.cryptor, jobs))
    app.register_blueprint(blob_routes(transport, services.cryptor, jobs))
    app.register_error_handler(ResponseError, _server_refused)
    app.register_error_handler(TransportError, _server_away)
    app.register_error_handler(CryptoError, _not_decrypted)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _failed)
    return app


_Reply = tuple[Response, int]


def _message(text: str, status: int) -> _Reply:
    return jsonify({"msg": text}), status


def _server_refused(error: ResponseError) -> _Reply:
    """Pass the server's own status and body on."""
    body = error.body or {"msg": str(error)}
    return jsonify(body), error.status


def _server_away(error: TransportError) -> _Reply:
    _log.warning("%s %s: %s", request.method, request.path, error)
    what = "did not answer as expected" if isinstance(error, NotAnApiError) else "does not answer"
    return _message(f"The server of this node {what}; try again later.", _BAD_GATEWAY)


def _not_decrypted(error: CryptoError) -> _Reply:
    _log.warning("%s %s: %s", request.method, request.path, error)
    return _message(f"The payload cannot be decrypted at this node: {error}", _FAULT)


def _refused(error: HTTPException) -> _Reply:
    status = error.code or _FAULT
    if status == _NOT_FOUND:
        return _message(
            f"Algorithms may not use {request.method} {request.path}; the node offers them tasks, "
            "runs, results, organizations, collaborations and studies only.",
            status,
        )
    return _message(error.description or "The request cannot be carried out.", status)


def _failed(error: Exception) -> _Reply:
    _log.error("%s %s failed", request.method, request.path, exc_info=error)
    return _message("The proxy of the node failed; see the log of the node.", _FAULT)
