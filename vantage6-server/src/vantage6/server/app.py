"""Puts the application together; no logic of its own."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

from vantage6.common.clock import Clock
from vantage6.common.config.load import Settings
from vantage6.common.log import bind
from vantage6.server.gateway import attach_gateway
from vantage6.server.mail.base import Mailer
from vantage6.server.resources.auth import configure_tokens
from vantage6.server.resources.errors import REQUEST_ID_KEY, ErrorApi, install_fallback, request_id
from vantage6.server.resources.routes import IdConverter, add_routes
from vantage6.server.vpn.base import VpnPortal
from vantage6.server.wiring import build

__all__ = ["create_app"]

_log = logging.getLogger(__name__)

_METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_REQUEST_ID_BYTES = 6


def create_app(
    settings: Settings,
    data_dir: Path,
    *,
    socket_mode: str = "threading",
    run_hash: Callable[[Callable[[], Any]], Any] | None = None,
    clock: Clock | None = None,
    mailer: Mailer | None = None,
    vpn_portal: VpnPortal | None = None,
) -> Flask:
    """Return the WSGI application; several may live in one process.

    Parameters
    ----------
    settings : Settings
        From :func:`vantage6.server.settings.load_server_settings`.
    data_dir : Path
        Folder for a SQLite database and the generated secret.
    socket_mode : str
        Concurrency model of the sockets, ``gevent`` or ``threading`` (ADR 0001).
    run_hash : callable, optional
        Runs the computation of a password hash without holding up other requests.
    clock : Clock, optional
        The machine's by default.
    mailer : Mailer, optional
        Delivers mails; the one that the settings name by default.
    vpn_portal : VpnPortal, optional
        Gives out VPN configurations; the one that the settings name by default.

    Raises
    ------
    ConfigurationError
        If a setting cannot be used.
    """
    services = build(
        settings, data_dir, clock=clock, run_hash=run_hash, mailer=mailer, vpn_portal=vpn_portal
    )
    app = Flask("vantage6.server", static_folder=None)
    app.config["RESTFUL_JSON"] = {"separators": (",", ":")}
    app.url_map.converters["int"] = IdConverter
    configure_tokens(app, services)
    api = ErrorApi(app, prefix=services.api_path)
    add_routes(api)
    install_fallback(app)
    _add_cross_origin_headers(app, settings["cors_allowed_origins"])
    app.add_url_rule("/robots.txt", "robots", _robots)
    app.after_request(_log_request)
    attach_gateway(app, services, socket_mode)
    app.wsgi_app = _with_request_id(app.wsgi_app)  # type: ignore[method-assign] # Flask's own advice
    return app


def _with_request_id(inner: Any) -> Any:
    """Give every request an id: the proxy's if it sent one, else a new one."""

    def outer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        sent = environ.get("HTTP_X_REQUEST_ID", "")
        chosen = sent if _REQUEST_ID.fullmatch(sent) else secrets.token_hex(_REQUEST_ID_BYTES)
        environ[REQUEST_ID_KEY] = chosen
        with bind(request_id=chosen):
            result: Iterable[bytes] = inner(environ, start_response)
            return result

    return outer


def _log_request(response: Response) -> Response:
    response.headers["X-Request-ID"] = request_id()
    _log.debug("%s %s -> %d", request.method, request.path, response.status_code)
    return response


def _robots() -> Response:
    return Response("User-agent: *\nDisallow: /\n", mimetype="text/plain")


def _add_cross_origin_headers(app: Flask, allowed: Iterable[str]) -> None:
    """Allow web pages of these origins to read answers (contract, rest-api section 1.9)."""
    patterns = [_origin_pattern(origin) for origin in allowed]
    anybody = "*" in allowed

    def add(response: Response) -> Response:
        origin = request.headers.get("Origin")
        if origin is None:
            if anybody:
                response.headers["Access-Control-Allow-Origin"] = "*"
            return response
        response.vary.add("Origin")
        if anybody or any(pattern.fullmatch(origin) for pattern in patterns):
            response.headers["Access-Control-Allow-Origin"] = origin
            _answer_preflight(response)
        return response

    app.after_request(add)


def _answer_preflight(response: Response) -> None:
    if request.method != "OPTIONS":
        return
    response.headers["Access-Control-Allow-Methods"] = _METHODS
    wanted = request.headers.get("Access-Control-Request-Headers")
    if wanted:
        response.headers["Access-Control-Allow-Headers"] = wanted


def _origin_pattern(origin: str) -> re.Pattern[str]:
    # The setting may hold regular expressions; text that is none is taken literally.
    try:
        return re.compile(origin, re.IGNORECASE)
    except re.error:
        return re.compile(re.escape(origin), re.IGNORECASE)
