"""Taking the port, and letting requests end before the process does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vantage6.common.errors import ConfigurationError
from vantage6.server.process import InFlight, bind


def test_a_port_is_taken_once() -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        assert first.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        with pytest.raises(ConfigurationError, match=f"Port {port} .* in use"):
            bind("127.0.0.1", port)


@pytest.mark.parametrize(
    ("address", "port"), [("300.1.1.1", 0), ("192.0.2.1", 0), ("127.0.0.1", 70_000)]
)
def test_an_address_that_is_not_this_machines_is_refused(address: str, port: int) -> None:
    with pytest.raises(ConfigurationError, match="cannot listen"):
        bind(address, port)


class TestInFlight:
    def answer(self, path: str = "/api/run", parts: tuple[bytes, ...] = (b"a", b"b")) -> Any:
        class Body:
            closed = False

            def __iter__(self) -> Iterator[bytes]:
                return iter(parts)

            def close(self) -> None:
                self.closed = True

        self.body = Body()
        in_flight = InFlight(lambda _environ, _start: self.body)
        return in_flight, in_flight({"PATH_INFO": path}, None)

    def test_a_request_counts_until_its_answer_is_sent(self) -> None:
        in_flight, parts = self.answer()
        chunks = iter(parts)
        assert next(chunks) == b"a"
        assert not in_flight.wait_until_none(0.05)
        assert list(chunks) == [b"b"]
        assert in_flight.wait_until_none(0.05)
        assert self.body.closed

    def test_a_caller_that_hangs_up_does_not_count_for_ever(self) -> None:
        in_flight, parts = self.answer()
        next(iter(parts))
        parts.close()
        assert in_flight.wait_until_none(0.05)
        assert self.body.closed

    def test_sockets_do_not_count(self) -> None:
        in_flight, parts = self.answer("/socket.io/")
        next(iter(parts))
        assert in_flight.wait_until_none(0.05)


def test_other_wsgi_servers_find_the_application(tmp_path: Path) -> None:
    config = tmp_path / "server.yaml"
    config.write_text(
        f"directories: {{data: {tmp_path}/data, log: {tmp_path}/log}}\n"
        "logging: {use_console: false}\n",
        encoding="utf-8",
    )
    code = (
        "from vantage6.server.wsgi import app\nprint(app.test_client().get('/api/health').json)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "VANTAGE6_CONFIG_LOCATION": str(config), "V6_INIT_SUPER_PASS": "x"},
    )
    assert done.stdout.strip() == "{'database': True}"
