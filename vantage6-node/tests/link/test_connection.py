"""Real Socket.IO connections on the loopback interface, over both transports."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import socketio
from flask import Flask
from werkzeug.serving import make_server

from vantage6.common.errors import ConnectionFailedError
from vantage6.common.wire.socket import NAMESPACE
from vantage6.node.link.connection import CLOSED, open_connection


class LoopbackServer:
    """Greets each node with ``sync``, and keeps what it sends."""

    def __init__(self, transports: list[str]) -> None:
        self.best_transport = transports[0]
        self.received: queue.Queue[Any] = queue.Queue()
        self.headers: queue.Queue[str | None] = queue.Queue()
        self.server = socketio.Server(async_mode="threading", transports=transports)
        self.server.on("connect", self._connect, namespace=NAMESPACE)
        self.server.on("ping", lambda _sid: self.received.put("ping"), namespace=NAMESPACE)
        app = Flask(__name__)
        app.wsgi_app = socketio.WSGIApp(self.server, app.wsgi_app)  # type: ignore[method-assign]
        self._http = make_server("127.0.0.1", 0, app, threaded=True)
        self._http.daemon_threads = True  # type: ignore[attr-defined]
        self.origin = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()

    def _connect(self, sid: str, environ: dict[str, Any]) -> None:
        self.headers.put(environ.get("HTTP_AUTHORIZATION"))
        self.server.emit("sync", to=sid, namespace=NAMESPACE)

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)


@pytest.fixture(params=[["websocket", "polling"], ["polling"]], ids=["both", "polling-only"])
def server(request: pytest.FixtureRequest) -> Iterator[LoopbackServer]:
    server = LoopbackServer(request.param)
    yield server
    server.close()


def test_events_pass_both_ways_over_the_transport_that_gets_through(
    server: LoopbackServer,
) -> None:
    events: queue.Queue[str] = queue.Queue()
    connection = open_connection(
        server.origin, {"Authorization": "Bearer abc"}, lambda event, _: events.put(event)
    )
    try:
        assert connection.transport == server.best_transport
        assert server.headers.get(timeout=5) == "Bearer abc"
        assert events.get(timeout=5) == "sync"
        connection.emit("ping")
        assert server.received.get(timeout=5) == "ping"
    finally:
        connection.close()
    assert events.get(timeout=5) == CLOSED


def test_no_server_is_one_sentence() -> None:
    with pytest.raises(ConnectionFailedError, match="cannot be opened"):
        open_connection("http://127.0.0.1:9", {}, lambda _event, _data: None)
