"""The server as a real process on the loopback interface: crashes, lost answers, its end."""

from __future__ import annotations

import json
import os
import queue
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import socketio
import yaml

from vantage6.common.cli.child import ChildProcess
from vantage6.common.http.auth import NodeAuth, UserAuth
from vantage6.common.http.retry import RetryPolicy
from vantage6.common.http.transport import Transport

pytestmark = pytest.mark.slow

PASSWORD = "Root-Passw0rd"
TIMEOUT = 30.0


class RunningServer:
    """A server of its own in a folder, filled with one organization, node and user."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.config = folder / "loopback.yaml"
        settings = {
            "description": "test",
            "ip": "127.0.0.1",
            "port": self.port,
            "directories": {"data": str(folder / "data"), "log": str(folder / "log")},
            "logging": {"level": "DEBUG", "use_console": True},
        }
        self.config.write_text(yaml.safe_dump(settings), encoding="utf-8")
        self.child = ChildProcess(
            "the server",
            [*v6("server", "start"), "--user", "--config", str(self.config), "--attach"],
            folder / "output.log",
            ready=" ready at http",
            environment={"V6_INIT_SUPER_PASS": PASSWORD},
        )
        self.transports = ExitStack()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def transport(self, auth: Any, login: Callable[[Transport], Any]) -> Transport:
        transport = Transport(f"{self.url}/api", auth=auth, retry=RetryPolicy(attempts=1))
        self.transports.callback(transport.close)
        login(transport)
        return transport

    def as_user(self, name: str) -> Transport:
        auth = UserAuth()
        return self.transport(auth, lambda transport: auth.login(transport, name, PASSWORD))

    def as_node(self, api_key: str) -> Transport:
        auth = NodeAuth(api_key)
        return self.transport(auth, auth.login)

    def fill(self) -> None:
        self.root = self.as_user("root")
        organization = self.root.post("/organization", {"name": "alpha"})["id"]
        body = {"name": "c", "organization_ids": [organization], "encrypted": False}
        self.collaboration = self.root.post("/collaboration", body)["id"]
        self.organization = organization
        node = {"collaboration_id": self.collaboration, "organization_id": organization}
        self.api_key = self.root.post("/node", node)["api_key"]
        roles = self.root.get("/role", {"name": "Researcher"})["data"]
        user = {
            "username": "ann",
            "password": PASSWORD,
            "email": "ann@example.org",
            "organization_id": organization,
            "roles": [roles[0]["id"]],
        }
        self.root.post("/user", user)
        self.ann = self.as_user("ann")
        self.node = self.as_node(self.api_key)

    def task(self) -> dict[str, Any]:
        return {
            "image": "img:1",
            "collaboration_id": self.collaboration,
            "organizations": [{"id": self.organization, "input": "e30="}],
        }

    def node_status(self) -> str:
        (node,) = self.root.get("/node")["data"]
        return str(node["status"])


class NodeSocket:
    """A node's socket as the released node opens it."""

    def __init__(self, server: RunningServer, transports: list[str] | None = None) -> None:
        self.events: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.client = socketio.Client(reconnection_delay=0.1, reconnection_delay_max=0.3)
        self.client.on("*", self._note, namespace="/tasks")
        headers = {"Authorization": server.node.authorization() or ""}
        options = {} if transports is None else {"transports": transports}
        self.client.connect(server.url, headers=headers, namespaces=["/tasks"], **options)

    def _note(self, event: str, payload: Any = None) -> None:
        self.events.put((event, payload))

    def wait_for(self, event: str) -> Any:
        deadline = time.monotonic() + TIMEOUT
        while True:
            name, payload = self.events.get(timeout=max(0.01, deadline - time.monotonic()))
            if name == event:
                return payload


def v6(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "vantage6.common.cli.root", *arguments]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    server = RunningServer(tmp_path)
    server.child.start(TIMEOUT)
    try:
        server.fill()
        yield server
    finally:
        server.transports.close()
        server.child.stop()


def test_a_kill_loses_nothing_that_was_acknowledged(server: RunningServer) -> None:
    for number in range(1, 4):
        run_id = server.ann.post("/task", server.task())["id"]
        said = {"status": "completed", "result": f"cmVzdWx0{number}==", "log": "done"}
        server.node.patch(f"/run/{run_id}", said)
        server.child.kill()
        server.child.start(TIMEOUT)
        # Tokens of before are still good, and so is everything they were used for.
        assert server.ann.get(f"/task/{run_id}/status") == {"status": "completed"}
        assert server.ann.get(f"/result/{run_id}")["result"] == said["result"]
        assert server.node.patch(f"/run/{run_id}", said)["status"] == "completed"
    assert len(server.ann.get("/task")["data"]) == 3


def test_a_repeated_request_whose_answer_got_lost_makes_one_task(server: RunningServer) -> None:
    body = json.dumps(server.task()).encode()
    head = (
        "POST /api/task HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: {server.ann.authorization()}\r\nIdempotency-Key: once\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", server.port)) as lost:
        lost.sendall(head + body)
        # The connection breaks before the answer is read.
    wait_until(lambda: bool(server.ann.get("/task")["data"]))
    server.child.kill()
    server.child.start(TIMEOUT)
    for _ in range(2):
        answer = server.ann.send(
            "POST", "/task", json=server.task(), headers={"Idempotency-Key": "once"}
        )
        assert (answer.status, answer.body["id"]) == (201, 1)
    assert len(server.ann.get("/task")["data"]) == 1


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], None])
def test_a_node_hears_of_tasks_over_every_transport(
    server: RunningServer, transports: list[str] | None
) -> None:
    node = NodeSocket(server, transports)
    try:
        node.wait_for("sync")
        wait_until(lambda: server.node_status() == "online")
        task_id = server.ann.post("/task", server.task())["id"]
        assert node.wait_for("new_task") == {"id": task_id, "parent_id": None}
        node.client.emit("node_info_update", {"encryption": False}, namespace="/tasks")
        wait_until(lambda: bool(server.root.get("/node")["data"][0]["config"]))
    finally:
        node.client.disconnect()
    wait_until(lambda: server.node_status() == "offline")
    assert server.root.get("/node")["data"][0]["config"] == []


def test_the_last_frames_of_a_web_socket_are_not_taken_for_requests(server: RunningServer) -> None:
    for _ in range(5):
        node = NodeSocket(server, ["websocket"])
        node.wait_for("sync")
        node.client.disconnect()
    wait_until(lambda: server.node_status() == "offline")

    assert " - ERROR " not in server.child.output.read_text()


def test_a_node_is_offline_after_a_crash_until_it_comes_back(server: RunningServer) -> None:
    node = NodeSocket(server, ["websocket"])
    try:
        node.wait_for("sync")
        server.child.kill()
        server.child.start(TIMEOUT)
        node.wait_for("sync")
        wait_until(lambda: server.node_status() == "online")
    finally:
        node.client.disconnect()


def test_it_ends_in_an_orderly_way_within_three_seconds(server: RunningServer) -> None:
    nodes = [NodeSocket(server, [kind]) for kind in ("websocket", "polling", "websocket")]
    for node in nodes:
        node.wait_for("sync")
    pid = server.child.pid
    assert pid is not None
    start = time.monotonic()
    server.child.terminate()
    wait_until(lambda: not server.child.running)
    assert time.monotonic() - start < 3
    assert "Server loopback stopped" in server.child.output.read_text()
    assert "Traceback" not in server.child.output.read_text()
    for node in nodes:
        node.client.shutdown()


def test_the_log_holds_no_secrets_and_no_payloads(server: RunningServer) -> None:
    task_id = server.ann.post("/task", server.task() | {"name": "a name"})["id"]
    server.node.patch(f"/run/{task_id}", {"status": "completed", "result": "c2VjcmV0"})
    text = server.child.output.read_text() + next(
        server.config.parent.glob("log/server_user.log")
    ).read_text(encoding="utf-8")
    token = (server.ann.authorization() or "").removeprefix("Bearer ")
    for secret in (PASSWORD, server.api_key, token, "c2VjcmV0", "e30="):
        assert secret not in text
    assert "PATCH /api/run/1 -> 200" in text


class TestStarting:
    def start(self, config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*v6("server", "start"), "--user", "--config", str(config), "--attach", *arguments],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
            env={**os.environ, "V6_INIT_SUPER_PASS": PASSWORD},
        )

    def write(self, folder: Path, text: str) -> Path:
        config = folder / "server.yaml"
        config.write_text(text, encoding="utf-8")
        return config

    def test_a_port_in_use_is_said_in_one_sentence(self, tmp_path: Path) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            folders = f"directories: {{data: {tmp_path}, log: {tmp_path}}}\n"
            ended = self.start(self.write(tmp_path, folders), "--port", str(port))
        assert ended.returncode == 1
        assert len(ended.stderr.strip().splitlines()) == 1
        assert f"Port {port} of 127.0.0.1 is in use" in ended.stderr
        assert not list(tmp_path.glob("*.sqlite"))

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("port: 1\n  ip: [", "line 2"),
            ("port: many", "port is 'many'"),
            ("uri: mysql://x/y\nport: 0", "mysql"),
            ("ip: 300.300.300.300", "300.300.300.300"),
            ("- a list", "mapping"),
        ],
    )
    def test_a_wrong_configuration_is_said_in_one_sentence(
        self, tmp_path: Path, text: str, said: str
    ) -> None:
        if not text.startswith(("- ", "port: 1\n")):
            text += f"\ndirectories: {{data: {tmp_path}, log: {tmp_path}}}\n"
        config = self.write(tmp_path, text)
        ended = self.start(config)
        assert ended.returncode == 1
        assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
        assert said in ended.stderr
        assert "Traceback" not in ended.stdout + ended.stderr


class TestCommands:
    @pytest.fixture
    def environment(self, tmp_path: Path) -> dict[str, str]:
        folders = {f"XDG_{kind}_HOME": str(tmp_path / kind) for kind in ("CONFIG", "DATA", "CACHE")}
        config = tmp_path / "CONFIG" / "vantage6" / "server" / "small.yaml"
        config.parent.mkdir(parents=True)
        config.write_text("description: a small one\nport: 0\n", encoding="utf-8")
        return {**os.environ, **folders}

    def run(self, environment: dict[str, str], *arguments: str) -> Any:
        return subprocess.run(
            [*v6("server"), *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=environment,
        )

    def test_the_life_of_a_detached_server(self, environment: dict[str, str]) -> None:
        started = self.run(environment, "start", "--user", "--image", "x:1", "--with-ui")
        try:
            assert started.returncode == 0, started.stdout + started.stderr
            assert "Server small ready at http://127.0.0.1:" in started.stdout
            assert "The user 'root' was created with the password" in started.stdout
            assert "--image, --with-ui has no effect" in started.stdout
            again = self.run(environment, "start", "--user", "-n", "small")
            assert again.returncode == 1
            assert "already running" in again.stderr
            assert "Running" in self.run(environment, "list").stdout
        finally:
            stopped = self.run(environment, "stop", "--user", "-n", "small")
        assert "Stopped the server small" in stopped.stdout
        assert "Not running" in self.run(environment, "list").stdout
        files = self.run(environment, "files", "--user").stdout.splitlines()
        assert files[0].startswith("[info ] - Configuration file = ")
        assert files[1].startswith("[info ] - Log file           = ")
        assert files[2].startswith("[info ] - Database           = sqlite:////")
        again = self.run(environment, "stop", "--user", "-n", "small")
        assert again.returncode == 0
        assert "No such server is running" in again.stderr

    def test_the_versions_are_a_mapping(self, environment: dict[str, str]) -> None:
        shown = self.run(environment, "version").stdout
        assert set(yaml.safe_load(shown)) == {"server", "cli"}
