"""Deaths of server and node, and a line between them that fails in many ways.

Every run is executed exactly once and its result arrives, whatever happens. The scenarios mostly
wait, so all that are selected go on at the same time, each in a thread; a test only waits for its
own.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.container_events import ContainerEvents
from tests.support.faulty_proxy import Fault, FaultyProxy
from tests.support.networks import Researcher, network_of
from vantage6.common.cli.local_network import LocalNetwork, Station
from vantage6.common.crypto.rsa import RsaCryptor
from vantage6.common.errors import TransportError
from vantage6.common.http.auth import UserAuth
from vantage6.common.http.retry import RetryPolicy
from vantage6.common.http.transport import Transport
from vantage6.common.payload.chain import unpack

pytestmark = [pytest.mark.docker, pytest.mark.slow]

SERVER_AWAY = 20.0
GATEWAY_BROKEN = 30.0
PICKED_UP_WITHIN = 30.0
LARGE = 300_000
PATIENCE = 120.0


@dataclass(frozen=True)
class Line:
    """One station, the line between its node and the server, and a researcher.

    Attributes
    ----------
    index : int
        Number of the station in the network.
    proxy : FaultyProxy
        What its node takes for the server.
    """

    network: LocalNetwork
    index: int
    proxy: FaultyProxy
    events: ContainerEvents
    researcher: Researcher

    def start(self, seconds: float, tag: str) -> int:
        """Let the station sleep; returns the task."""
        return self.researcher.start("noop", "sleep", at=(self.index,), seconds=seconds, tag=tag)

    def wait_until_active(self, task: int) -> None:
        begun = ("pending", "initializing")
        (run,) = self.researcher.wait_for(
            task, lambda runs: runs[0]["status"] not in begun, PATIENCE
        )
        assert run["status"] == "active", run["log"]

    def check_once(self, task: int, seconds: float, tag: str) -> None:
        """Check that a task completes with its result, out of one container started once."""
        (run,) = self.researcher.finish(task, PATIENCE)
        assert run["status"] == "completed", run["log"]
        assert self.researcher.results(task) == [{"slept": seconds, "tag": tag}]
        member = self.network.members[self.index]
        happened = self.events.of(member.node_name, run["id"])
        assert (happened["create"], happened["start"]) == (1, 1)


@contextmanager
def _lines(
    folder: Path, events: ContainerEvents, *faults: Fault
) -> Iterator[tuple[LocalNetwork, list[Line]]]:
    """Bring up a network with one station per fault, each behind a proxy of its own."""
    with ExitStack() as stack:
        proxies = [
            stack.enter_context(FaultyProxy(lambda: network.port, fault)) for fault in faults
        ]
        records = folder / "records.csv"
        records.write_text("age\n50\n")
        database = {"label": "default", "uri": str(records), "type": "csv"}
        stations = [
            Station(f"station {number}", [database], settings={"port": proxy.port})
            for number, proxy in enumerate(proxies, 1)
        ]
        network = network_of(stations, runner="docker", folder=folder)
        stack.enter_context(network)
        researcher = stack.enter_context(Researcher(network))
        yield (
            network,
            [Line(network, i, proxy, events, researcher) for i, proxy in enumerate(proxies)],
        )
        for output in folder.glob("*/output.log"):
            # What these scenarios do is foreseen, so it is worth a warning at most.
            assert not re.search(" - (ERROR|CRITICAL) |Traceback", output.read_text())


# -- scenarios ----------------------------------------------------------------------------------


def the_server_dies_while_three_runs_are_active(folder: Path, events: ContainerEvents) -> None:
    seconds = (8.0, 14.0, 32.0)  # two end while the server is away, one after it is back
    with _lines(folder, events, Fault.NONE, Fault.NONE, Fault.NONE) as (network, lines):
        tasks = [line.start(each, "kept") for line, each in zip(lines, seconds, strict=True)]
        for line, task in zip(lines, tasks, strict=True):
            line.wait_until_active(task)

        network.kill_server()
        time.sleep(SERVER_AWAY)
        network.start_server()

        for line, task, each in zip(lines, tasks, seconds, strict=True):
            line.check_once(task, each, "kept")


def the_node_dies_three_times_during_a_run(folder: Path, events: ContainerEvents) -> None:
    with _lines(folder, events, Fault.NONE) as (network, (line,)):
        task = line.start(15.0, "adopted")
        line.wait_until_active(task)

        for _ in range(3):
            network.kill_node(0)
            network.start_node(0)

        line.check_once(task, 15.0, "adopted")


def a_broken_gateway_and_then_a_dead_server_are_in_the_way_of_a_large_result(
    folder: Path, events: ContainerEvents
) -> None:
    tag = secrets.token_hex(LARGE // 2)
    expected = hashlib.sha256(f'{{"slept": 3.0, "tag": "{tag}"}}'.encode()).hexdigest()
    with _lines(folder, events, Fault.NONE) as (network, (line,)):
        task = line.start(3.0, tag)
        with _Onlooker(network, task) as onlooker:
            line.wait_until_active(task)
            line.proxy.become(Fault.BAD_GATEWAY)
            broken_since = time.monotonic()
            # The result is there and does not get through.
            _wait(lambda: line.proxy.hits_of(Fault.BAD_GATEWAY, "PATCH /api/run") > 0)
            time.sleep(max(0.0, broken_since + GATEWAY_BROKEN - time.monotonic()))

            line.proxy.become(Fault.REFUSED)
            network.kill_server()
            time.sleep(GATEWAY_BROKEN)
            network.start_server()
            line.proxy.become(Fault.NONE)

            line.check_once(task, 3.0, tag)
            _wait(lambda: onlooker.digests.get("completed") is not None)

        assert onlooker.digests == {"completed": {expected}}
        assert onlooker.looks > 100


def the_server_takes_no_web_sockets(folder: Path, events: ContainerEvents) -> None:
    _is_picked_up_in_time(folder, events, Fault.NO_UPGRADE)


def the_server_takes_no_sockets_at_all(folder: Path, events: ContainerEvents) -> None:
    _is_picked_up_in_time(folder, events, Fault.NO_SOCKET)


def _is_picked_up_in_time(folder: Path, events: ContainerEvents, fault: Fault) -> None:
    with _lines(folder, events, Fault.NONE) as (_, (line,)):
        line.proxy.become(fault)
        _wait(lambda: line.proxy.hits_of(fault, "socket.io") > 0)

        created = time.monotonic()
        task = line.start(0.0, "late")
        line.researcher.wait_for(task, lambda runs: runs[0]["status"] != "pending", PATIENCE)
        assert time.monotonic() - created < PICKED_UP_WITHIN

        line.check_once(task, 0.0, "late")


def every_message_comes_twice(folder: Path, events: ContainerEvents) -> None:
    with _lines(folder, events, Fault.TWICE) as (_, (line,)):
        task = line.start(5.0, "once")

        line.check_once(task, 5.0, "once")
        for what in ("EVENT .*new_task", "POST /api/token/container", "PATCH /api/run"):
            assert line.proxy.hits_of(Fault.TWICE, what) > 0


def the_first_answer_to_every_change_is_lost(folder: Path, events: ContainerEvents) -> None:
    with _lines(folder, events, Fault.LOST_ANSWER) as (_, (line,)):
        task = line.start(5.0, "once")

        line.check_once(task, 5.0, "once")
        for what in ("POST /api/token/container", "PATCH /api/run"):
            assert line.proxy.hits_of(Fault.LOST_ANSWER, what) > 0


_ALL = (
    the_server_dies_while_three_runs_are_active,
    the_node_dies_three_times_during_a_run,
    a_broken_gateway_and_then_a_dead_server_are_in_the_way_of_a_large_result,
    the_server_takes_no_web_sockets,
    the_server_takes_no_sockets_at_all,
    every_message_comes_twice,
    the_first_answer_to_every_change_is_lost,
)
SCENARIOS = {scenario.__name__: scenario for scenario in _ALL}


class _Onlooker:
    """Reads status and result of a task all the time, for as long as the block goes on.

    Attributes
    ----------
    digests : dict
        Per final status seen, digests of the result that could be read right after it.
    looks : int
        How often the server answered.
    """

    def __init__(self, network: LocalNetwork, task: int) -> None:
        member = network.members[0]
        auth = UserAuth()
        self._transport = Transport(network.url, auth=auth, retry=RetryPolicy(attempts=1))
        auth.login(self._transport, member.username, member.password)
        assert member.private_key is not None
        self._cryptor = RsaCryptor.from_file(member.private_key)
        self._task = task
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look_on)
        self.digests: dict[str, set[str]] = {}
        self.looks = 0

    def __enter__(self) -> _Onlooker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._transport.close()

    def _look_on(self) -> None:
        while not self._stop.wait(0.05):
            try:
                self._look()
            except TransportError:
                continue  # the server is away

    def _look(self) -> None:
        (run,) = self._items("/run")
        task = self._transport.get(f"/task/{self._task}/status")
        self.looks += 1
        for status in {run["status"], task["status"]} - {"pending", "initializing", "active"}:
            (result,) = self._items("/result")
            data = unpack(result["result"], self._cryptor) if result["result"] else b""
            self.digests.setdefault(status, set()).add(hashlib.sha256(data).hexdigest())

    def _items(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._transport.get(path, {"task_id": self._task})["data"]
        return found


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.1)


# -- all of them at once ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[None]]]:
    """Begin all scenarios that are selected, and give what becomes of them."""
    selected: list[str] = [
        str(item.callspec.params["scenario"])
        for item in request.session.items
        if item.path == request.path and isinstance(item, pytest.Function)
    ]
    with (
        ContainerEvents(tmp_path_factory.mktemp("events") / "events.json") as events,
        ThreadPoolExecutor(len(selected)) as pool,
    ):
        yield {
            name: pool.submit(SCENARIOS[name], tmp_path_factory.mktemp("network"), events)
            for name in selected
        }


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_run_is_executed_once_and_its_result_arrives_although(
    scenario: str, outcomes: Mapping[str, Future[None]]
) -> None:
    outcomes[scenario].result()
