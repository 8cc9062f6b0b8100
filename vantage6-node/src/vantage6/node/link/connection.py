"""One Socket.IO connection, from its handshake to its end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import socketio

from vantage6.common.errors import ConnectionFailedError
from vantage6.common.wire.socket import NAMESPACE, ServerEvent

__all__ = ["CLOSED", "Connection", "EventHandler", "SocketConnection", "open_connection"]

_log = logging.getLogger(__name__)
_HANDSHAKE_TIMEOUT = 10.0
_CLOSE_TIMEOUT = 0.5
_TRANSPORTS = ("websocket", "polling")
_HANDLED = (
    ServerEvent.SYNC,
    ServerEvent.NEW_TASK,
    ServerEvent.KILL_CONTAINERS,
    ServerEvent.EXPIRED_TOKEN,
    ServerEvent.INVALID_TOKEN,
)

CLOSED = "closed"
"""Name under which a handler learns that the connection is gone."""

EventHandler = Callable[[str, Any], None]


class Connection(Protocol):
    """A connection that is open, or was."""

    @property
    def transport(self) -> str:
        """What it goes over."""
        ...

    def emit(self, event: str, data: Any = None) -> None:
        """Send an event."""
        ...

    def close(self) -> None:
        """Close it; returns soon."""
        ...


class SocketConnection:
    """A connection over one given transport.

    Parameters
    ----------
    origin : str
        Scheme, host and port of the server.
    headers : Mapping
        Headers of the handshake, with the token.
    handler : callable
        Gets the name and the payload of each event.
    transport : str
        ``websocket`` or ``polling``.
    debug : bool
        Whether all traffic is logged.

    Raises
    ------
    ConnectionFailedError
        If no connection comes about.
    """

    def __init__(
        self,
        origin: str,
        headers: Mapping[str, str],
        handler: EventHandler,
        transport: str,
        *,
        debug: bool = False,
    ) -> None:
        self.transport = transport
        self._client = socketio.Client(
            reconnection=False,
            handle_sigint=False,
            request_timeout=_HANDSHAKE_TIMEOUT,
            logger=debug,
            engineio_logger=debug,
        )
        for event in _HANDLED:
            self._client.on(event, _passing_on(event, handler), namespace=NAMESPACE)
        self._client.on("disconnect", _passing_on(CLOSED, handler), namespace=NAMESPACE)
        try:
            self._client.connect(
                origin,
                headers=dict(headers),
                namespaces=[NAMESPACE],
                transports=[transport],
                wait_timeout=_HANDSHAKE_TIMEOUT,
            )
        except (socketio.exceptions.SocketIOError, OSError, ValueError) as error:
            self.close()
            raise ConnectionFailedError(
                f"The socket at {origin} cannot be opened over {transport} ({error})."
            ) from error

    def emit(self, event: str, data: Any = None) -> None:
        """Send an event.

        Raises
        ------
        ConnectionFailedError
            If the connection is gone.
        """
        try:
            self._client.emit(event, data, namespace=NAMESPACE)
        except (socketio.exceptions.SocketIOError, OSError) as error:
            raise ConnectionFailedError(f"The event {event} was not sent ({error}).") from error

    def close(self) -> None:
        """Close the connection; a pending poll may take longer and is not waited for."""
        closing = threading.Thread(target=self._disconnect, name="socket-close", daemon=True)
        closing.start()
        closing.join(_CLOSE_TIMEOUT)

    def _disconnect(self) -> None:
        try:
            self._client.disconnect()
        except (socketio.exceptions.SocketIOError, OSError, ValueError, AttributeError) as error:
            # The library may stumble over a connection that broke in the meantime.
            _log.debug("Closing the socket: %s", error)


def open_connection(
    origin: str, headers: Mapping[str, str], handler: EventHandler, *, debug: bool = False
) -> Connection:
    """Open a connection over the best transport that gets through.

    Web sockets come first: unlike polling they need no sticky routing in front of several server
    instances. Where they are blocked, polling does as well.

    Raises
    ------
    ConnectionFailedError
        If no transport gets through.
    """
    failures = []
    for transport in _TRANSPORTS:
        try:
            return SocketConnection(origin, headers, handler, transport, debug=debug)
        except ConnectionFailedError as error:
            failures.append(str(error))
    raise ConnectionFailedError(" ".join(failures))


def _passing_on(event: str, handler: EventHandler) -> Callable[..., None]:
    def pass_on(*arguments: Any) -> None:
        handler(event, arguments[0] if arguments else None)

    return pass_on
