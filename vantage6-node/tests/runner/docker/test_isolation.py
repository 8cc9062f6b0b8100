"""What a run can reach from its container: the proxy and nothing else."""

from __future__ import annotations

import json
import os
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from vantage6.node.runner import Bind, RunHandle
from vantage6.node.runner.docker.engine import container_output

pytestmark = pytest.mark.docker


class _Proxy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"path": "%s"}' % self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "run"

    def log_message(self, *_: object) -> None:
        pass


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@pytest.fixture
def proxy_socket(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "proxy" / "proxy.sock"
    path.parent.mkdir(mode=0o700)
    with _Server(str(path), _Proxy) as server:
        path.chmod(0o666)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield path
        server.shutdown()


@pytest.fixture
def station(docker_station: Any, proxy_socket: Path) -> Any:
    return docker_station(socket=proxy_socket)


def machine_addresses() -> list[str]:
    """All addresses of this machine that could be tried from a container."""
    text = subprocess.run(["ip", "-json", "addr"], check=True, capture_output=True).stdout
    return [
        address["local"]
        for link in json.loads(text)
        for address in link["addr_info"]
        if address["family"] == "inet" and not address["local"].startswith("127.")
    ]


def wait_for_log(station: Any, handle: RunHandle, text: str) -> None:
    with container_output(station.runner._api, handle.data["container"], follow=True) as pieces:
        assert any(text.encode() in piece for piece in pieces)


def test_the_proxy_answers_under_its_name(station: Any) -> None:
    assert json.loads(station.answer("fetch")) == {"path": "/version"}


def test_no_address_of_this_machine_answers(station: Any) -> None:
    with socket.create_server(("", 0)) as listener:
        port = listener.getsockname()[1]
        addresses = machine_addresses()
        for address in addresses:  # from here each of them answers, so the test can fail
            socket.create_connection((address, port), timeout=5).close()
        slot = station.runner._slots.take()
        station.runner._slots.release(slot.name)

        places = [(address, port) for address in (*addresses, str(slot.subnet[1]))]
        assert station.answer("reach", *places) == []


def test_the_internet_does_not_answer(station: Any) -> None:
    assert station.answer("reach", ("1.1.1.1", 443), ("8.8.8.8", 53)) == []


def test_no_other_run_can_be_reached(station: Any) -> None:
    other = station.start(station.spec("serve", 8000))
    details = station.runner._api.inspect_container(other.data["container"])
    (endpoint,) = details["NetworkSettings"]["Networks"].values()
    wait_for_log(station, other, "serving")
    places = [(endpoint["IPAddress"], 8000), (details["Name"][1:], 8000)]

    assert station.answer("reach", *places, run_id=2) == []


def test_a_run_is_alone_with_the_proxy_on_its_network(station: Any) -> None:
    handle = station.start(station.spec("sleep", 60))
    network = station.runner._api.inspect_network(handle.data["network"])
    names = sorted(member["Name"] for member in network["Containers"].values())

    assert len(names) == 2
    assert names[0].startswith("vantage6-alpha-user-relay-")
    assert names[1].startswith("vantage6-alpha-user-run-1")
    assert network["Internal"] is True


def test_names_of_the_outside_world_are_not_resolved(station: Any) -> None:
    program = (
        "[__import__('subprocess').run(['getent', 'hosts', name], capture_output=True).returncode"
        " for name in ('example.org', 'host.docker.internal')]"
    )

    assert station.answer("program", program) == [2, 2]


def test_there_are_no_capabilities_and_none_can_be_gained(station: Any) -> None:
    program = "open('/proc/self/status').read()"
    status = dict(
        line.split(":\t")
        for line in station.answer("program", program).splitlines()
        if ":\t" in line
    )

    assert int(status["CapEff"], 16) == 0
    assert int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"] == "1"


def test_one_capability_is_given_for_a_table_only_its_owner_may_read(
    station: Any, table: Bind
) -> None:
    os.chown(table.source, 12345, 12345)
    table.source.chmod(0o600)

    assert station.answer("tell", databases={"default": table})["table"] == "age\n41\n"


def test_a_database_cannot_be_changed(station: Any, table: Bind) -> None:
    assert station.answer("damage", databases={"default": table}) == "Read-only file system"


def test_a_run_sees_only_its_own_files(station: Any) -> None:
    station.spec("echo", run_id=7)
    program = "sorted(map(str, __import__('pathlib').Path('/mnt').rglob('*')))"

    assert station.answer("program", program, run_id=8) == [
        "/mnt/data",
        "/mnt/data/task-000000008",
        "/mnt/data/task-000000008/input",
        "/mnt/data/task-000000008/output",
        "/mnt/data/task-000000008/token",
        "/mnt/tmp",
    ]


def test_too_much_memory_is_told(docker_station: Any, proxy_socket: Path) -> None:
    station = docker_station({"memory_bytes": 32 * 1024 * 1024}, socket=proxy_socket)
    state, _ = station.finish(station.spec("program", "len(bytearray(10**9))"))

    assert state.exit_code == 137
    assert "more memory than the limit of 33554432 bytes" in state.reason
