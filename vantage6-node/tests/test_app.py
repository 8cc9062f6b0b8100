"""A whole node process in this one: its loops, its start, its end."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from vantage6.common.config.context import InstanceContext
from vantage6.common.enums import InstanceType
from vantage6.common.errors import ConnectionFailedError, V6Error
from vantage6.common.http.transport import Transport
from vantage6.node import app as app_module
from vantage6.node.app import Announcements, NodeApp
from vantage6.node.assembly import NodeParts
from vantage6.node.link.connection import Connection, EventHandler
from vantage6.node.runs import worker
from vantage6.node.testing.engine import FakeEngine, FakeRunner
from vantage6.node.testing.simulator import ServerSimulator
from vantage6.node.testing.station import settings_for_tests


class Process:
    """One life of the node."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        context = InstanceContext(
            InstanceType.NODE, "clinic", "user", folder / "clinic.yaml", folder, folder / "log"
        )
        self.said: list[str] = []
        self.failure: V6Error | None = None
        self.is_ready = threading.Event()
        self.app = NodeApp(
            settings_for_tests(**settings),
            context,
            Announcements(self._ready, self.said.append, self.said.append),
        )
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> Process:
        self._thread.start()
        return self

    def end(self) -> None:
        self.app.stop.set()
        self._thread.join(15)
        assert not self._thread.is_alive()

    def _ready(self, text: str) -> None:
        self.said.append(text)
        self.is_ready.set()

    def _run(self) -> None:
        try:
            self.app.run()
        except V6Error as error:
            self.failure = error


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> ServerSimulator:
    server = ServerSimulator()
    monkeypatch.setattr(app_module, "Transport", partial(Transport, handler=server))
    return server


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeEngine:
    engine = FakeEngine()
    monkeypatch.setattr(
        app_module, "create_runner", lambda _options: FakeRunner(engine, tmp_path / "runs")
    )
    return engine


class Socket:
    """Plays the server's side of the socket; nobody listens until it is opened."""

    transport = "websocket"

    def __init__(self) -> None:
        self.is_open = False
        self.sent: list[tuple[str, Any]] = []
        self._handler: EventHandler = lambda _event, _data: None

    def open(
        self, _origin: str, _headers: Mapping[str, str], handler: EventHandler, *, debug: bool
    ) -> Connection:
        assert not debug
        if not self.is_open:
            raise ConnectionFailedError("nobody listens")
        self._handler = handler
        handler("sync", None)
        return self

    def tell(self, event: str, data: Any) -> None:
        self._handler(event, data)

    def emit(self, event: str, data: Any = None) -> None:
        self.sent.append((event, data))

    def close(self) -> None:
        self._handler = lambda _event, _data: None


@pytest.fixture(autouse=True)
def socket(monkeypatch: pytest.MonkeyPatch) -> Socket:
    socket = Socket()
    monkeypatch.setattr(app_module, "open_connection", socket.open)
    return socket


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    processes: list[Process] = []

    def begin(**settings: Any) -> Process:
        processes.append(Process(tmp_path, **settings).start())
        return processes[-1]

    yield begin
    for process in processes:
        process.end()


def wait_for(condition: Callable[[], object]) -> None:
    for _ in range(1000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("It does not come about.")


def test_a_node_without_socket_works_off_open_runs(
    server: ServerSimulator, engine: FakeEngine, begin: Callable[..., Process]
) -> None:
    for run_id in (1, 2, 3):
        server.add_run(run_id)
    process = begin()
    assert process.is_ready.wait(10)
    wait_for(lambda: len(engine.running()) == 3)
    for run_id in (1, 2, 3):
        engine.finish(run_id)
    wait_for(lambda: sum(server.results.values()) == 3)

    assert process.said[-1] == "Node clinic ready"
    assert {run["status"] for run in server.runs.values()} == {"completed"}


def test_algorithms_outlive_the_node_and_are_taken_up_at_the_next_start(
    server: ServerSimulator, engine: FakeEngine, begin: Callable[..., Process]
) -> None:
    server.add_run(1)
    first = begin()
    wait_for(lambda: server.runs[1]["status"] == "active")
    first.end()
    assert engine.running() == [1]
    engine.finish(1)

    begin()
    wait_for(lambda: server.results[1])
    assert engine.starts[1] == 1
    assert server.runs[1]["status"] == "completed"


def test_an_algorithm_that_asks_while_the_node_starts_again_is_not_refused(
    server: ServerSimulator,
    engine: FakeEngine,
    begin: Callable[..., Process],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.add_run(1)
    first = begin(runner="process")
    wait_for(lambda: server.runs[1]["status"] == "active")
    first.end()
    token = (tmp_path / "runs" / "task-000000001" / "token").read_text()
    port = int((tmp_path / "proxy.port").read_text())
    statuses: list[int] = []

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/unknown", headers={"Authorization": f"Bearer {token}"})
        statuses.append(connection.getresponse().status)
        connection.close()

    asking = threading.Thread(target=ask)

    def create_runner(_options: Any) -> FakeRunner:
        asking.start()
        asking.join(0.3)  # the time a real runner needs
        return FakeRunner(engine, tmp_path / "runs")

    monkeypatch.setattr(app_module, "create_runner", create_runner)
    assert begin(runner="process").is_ready.wait(10)
    asking.join(10)

    assert statuses == [404]  # that of a known run; strangers get 401


def test_a_new_task_is_picked_up_at_once_and_its_statuses_are_told(
    server: ServerSimulator, engine: FakeEngine, socket: Socket, begin: Callable[..., Process]
) -> None:
    socket.is_open = True
    begin()
    wait_for(lambda: "node_info_update" in dict(socket.sent))
    server.add_run(1)
    socket.tell("new_task", {"id": 101, "parent_id": None})
    wait_for(engine.running)
    engine.finish(1)
    wait_for(lambda: server.results[1])
    wait_for(lambda: socket.sent[-1][1]["status"] == "completed")


def test_a_killed_run_is_stopped_while_the_node_watches_it(
    server: ServerSimulator, engine: FakeEngine, socket: Socket, begin: Callable[..., Process]
) -> None:
    socket.is_open = True
    server.add_run(1)
    begin()
    wait_for(lambda: server.runs[1]["status"] == "active")
    entry = {"task_id": 101, "run_id": 1, "organization_id": 1}
    socket.tell("kill_containers", {"kill_list": [entry], "collaboration_id": 1})
    wait_for(lambda: server.runs[1]["status"] == "killed by user")

    assert engine.stops[1] == 1
    wait_for(lambda: engine.containers == {})


def test_a_run_killed_while_the_engine_is_away_never_starts(
    server: ServerSimulator, engine: FakeEngine, socket: Socket, begin: Callable[..., Process]
) -> None:
    socket.is_open = True
    process = begin()
    assert process.is_ready.wait(10)
    engine.is_away = True
    server.add_run(1)
    socket.tell("new_task", {"id": 101, "parent_id": None})
    wait_for(lambda: server.runs[1]["status"] == "initializing")
    socket.tell("kill_containers", {"node_id": 7, "collaboration_id": 1})
    wait_for(lambda: server.runs[1]["status"] == "killed by user")
    engine.is_away = False

    assert engine.starts[1] == 0


def test_an_engine_that_is_away_for_a_while_fails_no_run(
    server: ServerSimulator, engine: FakeEngine, socket: Socket, begin: Callable[..., Process]
) -> None:
    socket.is_open = True
    process = begin()
    assert process.is_ready.wait(10)
    engine.is_away = True
    server.add_run(1)
    socket.tell("new_task", {"id": 101, "parent_id": None})
    wait_for(lambda: server.runs[1]["status"] == "initializing")
    engine.is_away = False
    wait_for(engine.running)


def test_a_node_waits_for_its_server_and_says_so(
    server: ServerSimulator, engine: FakeEngine, begin: Callable[..., Process]
) -> None:
    server.is_down = True
    process = begin()
    wait_for(lambda: any("waits for the server" in text for text in process.said))
    server.is_down = False
    assert process.is_ready.wait(10)


def test_a_node_that_waits_for_its_server_can_be_stopped(
    server: ServerSimulator, engine: FakeEngine, begin: Callable[..., Process]
) -> None:
    server.is_down = True
    process = begin()
    wait_for(lambda: process.said)
    process.end()

    assert process.failure is None


def test_a_wrong_key_ends_the_node(
    server: ServerSimulator, engine: FakeEngine, begin: Callable[..., Process]
) -> None:
    server.api_key = "another"
    process = begin()
    wait_for(lambda: process.failure)

    assert "API key" in str(process.failure)


def test_two_nodes_do_not_share_a_data_folder(
    server: ServerSimulator, engine: FakeEngine, begin: Callable[..., Process], tmp_path: Path
) -> None:
    assert begin().is_ready.wait(10)
    second = begin()
    wait_for(lambda: second.failure)

    assert f"{tmp_path} is in use by another node" in str(second.failure)


def test_a_machine_that_is_short_of_threads_leaves_no_run_behind(
    server: ServerSimulator,
    engine: FakeEngine,
    begin: Callable[..., Process],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start = threading.Thread.start
    refused: list[str] = []

    def refuse_at_first(thread: threading.Thread) -> None:
        if thread.name.startswith("run-") and thread.name not in refused:
            refused.append(thread.name)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(worker, "_THREAD_PAUSE", 0.01)
    monkeypatch.setattr(threading.Thread, "start", refuse_at_first)
    server.add_run(1)
    begin()
    wait_for(engine.running)
    engine.finish(1)
    wait_for(lambda: server.results[1])

    assert "run-1-start" in refused


def test_housekeeping_is_done_again_and_again_whatever_fails(
    server: ServerSimulator,
    engine: FakeEngine,
    begin: Callable[..., Process],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepared: list[str] = []
    tidied: list[str] = []

    def prepare(_runner: FakeRunner) -> None:
        prepared.append("now")
        raise OSError("no engine")

    monkeypatch.setattr(app_module, "_HOUSEKEEPING_INTERVAL", 0.01)
    monkeypatch.setattr(FakeRunner, "prepare", prepare)
    monkeypatch.setattr(NodeParts, "tidy", lambda _parts: tidied.append("now"))
    begin()

    wait_for(lambda: len(prepared) > 2 and len(tidied) > 2)


def test_the_process_runner_is_warned_about_first(
    server: ServerSimulator, engine: FakeEngine, begin: Callable[..., Process]
) -> None:
    process = begin(runner="process")
    wait_for(lambda: process.said)

    assert "NOT ISOLATED" in process.said[0]
