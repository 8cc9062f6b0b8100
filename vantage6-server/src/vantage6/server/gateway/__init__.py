"""Sockets: events to nodes and users, and from them (contract, socket-events)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from flask import Flask
from flask_socketio import Namespace, SocketIO

from vantage6.common.wire.socket import NAMESPACE
from vantage6.server.events.emit import to_wire
from vantage6.server.gateway.namespace import TasksNamespace
from vantage6.server.gateway.presence import Presence
from vantage6.server.wiring import Services

__all__ = ["attach_gateway"]

_log = logging.getLogger(__name__)

_PING_INTERVAL = 25
_PING_TIMEOUT = 60
_LARGEST_MESSAGE = 1_000_000


def attach_gateway(app: Flask, services: Services, mode: str) -> SocketIO:
    """Serve sockets at the root of the app, and send them what the event bus carries.

    Parameters
    ----------
    mode : str
        Concurrency model, ``gevent`` or ``threading`` (ADR 0001).
    """
    debug = bool(services.settings.at("debug.socketio"))
    sockets = SocketIO(
        app,
        async_mode=mode,
        # Events of one peer are handled in their order: pieces of a log must not be mixed up.
        async_handlers=False,
        # Peers are told by an event what is wrong with their token, so they have to get in first.
        always_connect=True,
        cors_allowed_origins=_origins(services.settings["cors_allowed_origins"]),
        manage_session=False,
        ping_interval=_PING_INTERVAL,
        ping_timeout=_PING_TIMEOUT,
        max_http_buffer_size=_LARGEST_MESSAGE,
        logger=debug,
        engineio_logger=debug,
    )
    # The root namespace is open and silent, as in the reference.
    sockets.on_namespace(Namespace("/"))
    sockets.on_namespace(TasksNamespace(services, Presence()))
    sockets.on_error_default(_log_failure)

    def tell(event: object) -> None:
        wire = to_wire(event)
        if wire is not None:
            sockets.server.emit(wire.name, wire.payload, to=wire.room, namespace=NAMESPACE)

    services.bus.subscribe(tell)
    return sockets


def _origins(allowed: Sequence[str]) -> Any:
    return "*" if "*" in allowed else list(allowed)


def _log_failure(error: Exception) -> None:
    _log.error("a socket event could not be handled", exc_info=error)
