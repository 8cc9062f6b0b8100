"""The proxy's listeners."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask

from vantage6.common.errors import ConfigurationError
from vantage6.node.proxy import ProxyServer


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    barrier = threading.Barrier(8)

    @app.get("/hello")
    def hello() -> str:
        return "hello"

    @app.get("/together")
    def together() -> str:
        barrier.wait(10)  # passes only if eight requests are under way at once
        return "together"

    return app


@contextmanager
def served(app: Flask, **options: object) -> Iterator[ProxyServer]:
    server = ProxyServer(app, **options)  # type: ignore[arg-type]
    server.start()
    try:
        yield server
    finally:
        server.close()


def get(port: int | None, path: str) -> bytes:
    assert port
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def get_by_socket(path: Path) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(b"GET /hello HTTP/1.0\r\n\r\n")
        return connection.makefile("rb").read()


def test_it_listens_on_a_free_port_of_the_loopback(app: Flask) -> None:
    with served(app, port=0) as server:
        assert get(server.address.port, "/hello") == b"hello"


def test_it_listens_on_a_unix_socket_too(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with served(app, port=0, socket_path=path) as server:
        assert get_by_socket(path).endswith(b"\r\n\r\nhello")
        assert get(server.address.port, "/hello") == b"hello"
        assert server.address.socket == path
    assert not path.exists()


def test_who_comes_before_it_answers_has_to_wait(app: Flask) -> None:
    server = ProxyServer(app, port=0)
    server.listen()
    with socket.create_connection(("127.0.0.1", server.address.port or 0)) as early:
        early.sendall(b"GET /hello HTTP/1.0\r\n\r\n")
        server.start()
        assert early.makefile("rb").read().endswith(b"hello")
    server.close()


def test_a_socket_left_by_a_killed_node_is_replaced(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(path))
    with served(app, socket_path=path):
        assert get_by_socket(path).endswith(b"hello")


def test_a_socket_may_lie_deep(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ("d" * 120)
    folder.mkdir()
    with served(app, socket_path=folder / "s"):
        monkeypatch.chdir(folder)
        assert get_by_socket(Path("s")).endswith(b"hello")


def test_a_missing_folder_is_told(app: Flask, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot make its socket"):
        ProxyServer(app, socket_path=tmp_path / "absent" / "s").start()


def test_requests_are_handled_at_the_same_time(app: Flask) -> None:
    with served(app, port=0) as server:
        answers: list[bytes] = []
        threads = [
            threading.Thread(target=lambda: answers.append(get(server.address.port, "/together")))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [b"together"] * 8


def test_the_port_of_last_time_is_used_again(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "port"
    with served(app, port=0, port_file=file) as server:
        first = server.address.port
    with served(app, port=0, port_file=file) as server:
        assert server.address.port == first


def test_another_port_is_used_if_that_of_last_time_is_taken(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "port"
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        file.write_text(str(taken))
        with served(app, port=0, port_file=file) as server:
            assert server.address.port not in {None, taken}


def test_a_port_that_must_be_had_and_is_taken_is_told(app: Flask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"cannot listen on 127.0.0.1:{port}"):
            ProxyServer(app, port=port).start()


def test_closing_is_quick(app: Flask) -> None:
    with served(app, port=0) as server:
        get(server.address.port, "/hello")
        begin = time.monotonic()
    assert time.monotonic() - begin < 3
