"""Holding a socket open with the current token."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest

from vantage6.common.errors import ConnectionFailedError
from vantage6.node.link.connection import CLOSED, Connection, EventHandler
from vantage6.node.link.socket import SocketLink


class Tokens:
    def __init__(self) -> None:
        self.number = 1
        self.gives = True

    def authorization(self) -> str | None:
        return f"Bearer {self.number}"

    def renew(self) -> bool:
        self.number += 1
        return self.gives


class FakeConnection:
    def __init__(self, headers: Mapping[str, str], handler: EventHandler) -> None:
        self.headers = headers
        self.handler = handler
        self.transport = "websocket"
        self.sent: list[tuple[str, Any]] = []
        self.is_closed = threading.Event()

    def emit(self, event: str, data: Any = None) -> None:
        if self.is_closed.is_set():
            raise ConnectionFailedError("gone")
        self.sent.append((event, data))

    def close(self) -> None:
        self.is_closed.set()


class Bench:
    """A link whose connections the test plays the server for."""

    def __init__(self) -> None:
        self.tokens = Tokens()
        self.opened: queue.Queue[FakeConnection] = queue.Queue()
        self.received: queue.Queue[str] = queue.Queue()
        self.fails_at_first = False
        self.link = SocketLink(self._open, self.tokens, lambda event, _: self.received.put(event))
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.link.run, args=(self.stop,), daemon=True)
        self.thread.start()

    def _open(self, headers: Mapping[str, str], handler: EventHandler) -> Connection:
        connection = FakeConnection(headers, handler)
        self.opened.put(connection)
        return connection

    def next_connection(self) -> FakeConnection:
        return self.opened.get(timeout=5)

    def end(self) -> None:
        self.stop.set()
        self.link.wake()
        self.thread.join(5)
        assert not self.thread.is_alive()


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.end()


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("It does not come about.")


def test_the_handshake_carries_the_token_and_sync_can_be_answered(bench: Bench) -> None:
    connection = bench.next_connection()
    assert connection.headers == {"Authorization": "Bearer 1"}

    connection.handler("sync", None)
    assert bench.received.get(timeout=5) == "sync"
    assert bench.link.is_connected
    assert bench.link.emit("node_info_update", {"encryption": True})
    assert connection.sent == [("node_info_update", {"encryption": True})]


@pytest.mark.parametrize("event", ["expired_token", "invalid_token"])
def test_a_refused_token_is_renewed_and_a_new_connection_opened(bench: Bench, event: str) -> None:
    first = bench.next_connection()
    first.handler(event, None)
    second = bench.next_connection()

    assert first.is_closed.is_set()
    assert second.headers == {"Authorization": "Bearer 2"}


def test_a_broken_connection_is_replaced_with_the_current_token(bench: Bench) -> None:
    first = bench.next_connection()
    first.handler("sync", None)
    bench.tokens.number = 8
    first.handler(CLOSED, None)

    assert bench.next_connection().headers == {"Authorization": "Bearer 8"}


def test_nothing_is_sent_while_there_is_no_connection(bench: Bench) -> None:
    connection = bench.next_connection()
    connection.handler("sync", None)
    connection.close()

    assert not bench.link.emit("ping")


def test_the_link_ends_when_told_to(bench: Bench) -> None:
    connection = bench.next_connection()
    bench.end()

    assert connection.is_closed.is_set()
    assert not bench.link.is_connected


def test_a_server_that_refuses_each_new_token_is_not_asked_without_end(bench: Bench) -> None:
    opened = 0
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline:
        with suppress(queue.Empty):
            bench.opened.get(timeout=0.1).handler("invalid_token", None)
            opened += 1

    assert opened <= 2  # with the token at hand and, at once, with a new one
