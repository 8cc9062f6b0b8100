"""Keeps a socket to the server open, always with the current token."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from vantage6.common.clock import Clock, SystemClock
from vantage6.common.errors import ConnectionFailedError, TransportError
from vantage6.common.http.retry import Backoff
from vantage6.common.wire.socket import PING_INTERVAL, ClientEvent, ServerEvent
from vantage6.node.link.connection import CLOSED, Connection, EventHandler

__all__ = ["Credentials", "Opener", "SocketLink"]

_log = logging.getLogger(__name__)
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 5.0
_FIRST_PING = 5.0
_SYNC_TIMEOUT = 30.0
_STOP = "stop"

Opener = Callable[[Mapping[str, str], EventHandler], Connection]


class Credentials(Protocol):
    """Gives the token for the handshake."""

    def authorization(self) -> str | None:
        """Return the value of the ``Authorization`` header, fresh enough to be used."""
        ...

    def renew(self) -> bool:
        """Get a new token; False if the server gives none."""
        ...


class SocketLink:
    """The loop around the socket.

    The library's own reconnection would present the first token for ever; here each handshake
    presents the current one. Without any socket the node still works, through resynchronisation.

    Parameters
    ----------
    open_connection : callable
        Opens a connection, given headers and a handler of events.
    credentials : Credentials
        Gives tokens.
    inbox : callable
        Gets the events of the server; must not block.
    clock : Clock, optional
        The time.
    """

    def __init__(
        self,
        open_connection: Opener,
        credentials: Credentials,
        inbox: EventHandler,
        clock: Clock | None = None,
    ) -> None:
        self._open = open_connection
        self._credentials = credentials
        self._inbox = inbox
        self._clock: Clock = clock or SystemClock()
        self._connection: Connection | None = None
        self._signals: queue.Queue[str] = queue.Queue()
        self._pause = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        self._has_new_token = False

    @property
    def is_connected(self) -> bool:
        """Whether a connection is open."""
        return self._connection is not None

    def emit(self, event: str, data: Any = None) -> bool:
        """Send an event if the socket is open; tells whether it was sent."""
        connection = self._connection
        if connection is None:
            return False
        try:
            connection.emit(event, data)
        except ConnectionFailedError as error:
            _log.debug("%s", error)
            return False
        return True

    def run(self, stop: threading.Event) -> None:
        """Keep a connection open until told to stop."""
        while not stop.is_set():
            try:
                self._hold_connection(stop)
            except TransportError as error:
                seconds = self._pause.next()
                _log.warning("No socket to the server, again in %.0f s: %s", seconds, error)
                stop.wait(seconds)

    def wake(self) -> None:
        """Let the loop notice that it is to stop."""
        self._signals.put(_STOP)

    def _hold_connection(self, stop: threading.Event) -> None:
        """Open a connection and stay with it until it ends."""
        signals: queue.Queue[str] = queue.Queue()
        self._signals = signals
        authorization = self._credentials.authorization()
        headers = {"Authorization": authorization} if authorization else {}

        def handle(event: str, data: Any) -> None:
            signals.put(event)
            if event != ServerEvent.SYNC:
                self._inbox(event, data)

        connection = self._open(headers, handle)
        self._connection = connection
        try:
            _log.info("Socket open over %s", connection.transport)
            ending = self._serve(connection, signals, stop)
        finally:
            self._connection = None
            connection.close()
        if ending in _TOKEN_EVENTS:
            if self._has_new_token:
                # It did not help last time; that may be for a while.
                stop.wait(self._pause.next())
            self._renew(ending)
        elif not stop.is_set():
            raise ConnectionFailedError("the connection was closed.")

    def _serve(
        self, connection: Connection, signals: queue.Queue[str], stop: threading.Event
    ) -> str:
        """Ping until something ends the connection, and return what it was."""
        opened = self._clock.monotonic()
        next_ping = opened + _FIRST_PING
        is_greeted = False
        while not stop.is_set():
            now = self._clock.monotonic()
            if now >= next_ping:
                connection.emit(ClientEvent.PING)
                next_ping = now + PING_INTERVAL
            if not is_greeted and now - opened >= _SYNC_TIMEOUT:
                # A server that does not know who is there says nothing at all.
                return ServerEvent.INVALID_TOKEN
            due = next_ping if is_greeted else min(next_ping, opened + _SYNC_TIMEOUT)
            signal = _next(signals, due - now)
            if signal == ServerEvent.SYNC:
                # Passed on from here, where the connection can be used for an answer already.
                is_greeted = True
                self._has_new_token = False
                self._pause.reset()
                self._inbox(signal, None)
            elif signal in _ENDINGS:
                return signal
        return _STOP

    def _renew(self, reason: str) -> None:
        _log.info("The socket's token is refused (%s), getting a new one", reason)
        if not self._credentials.renew():
            raise ConnectionFailedError("the server gives no new token for this node's API key.")
        self._has_new_token = True


_TOKEN_EVENTS = frozenset({ServerEvent.EXPIRED_TOKEN, ServerEvent.INVALID_TOKEN})
_ENDINGS = _TOKEN_EVENTS | {CLOSED, _STOP}


def _next(signals: queue.Queue[str], timeout: float) -> str:
    try:
        return signals.get(timeout=max(0.0, timeout))
    except queue.Empty:
        return ""
