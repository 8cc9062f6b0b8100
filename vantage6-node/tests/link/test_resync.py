"""When the server is asked for open runs, and what follows."""

from __future__ import annotations

from vantage6.common.clock import ManualClock
from vantage6.common.errors import ConnectionFailedError
from vantage6.common.http.auth import NodeAuth
from vantage6.common.http.retry import RetryPolicy
from vantage6.common.http.transport import Transport
from vantage6.node.link.rest import ServerApi
from vantage6.node.link.resync import RESYNC_INTERVAL, Resync
from vantage6.node.runs.model import OfferedRun
from vantage6.node.testing.simulator import API_KEY, ServerSimulator


class Runs:
    def __init__(self) -> None:
        self.offered: list[int] = []
        self.killed: list[int] = []
        self.here: frozenset[int] = frozenset()

    def offer(self, run: OfferedRun, listed_at: float) -> None:
        self.offered.append(run.facts.run_id)

    def kill(self, run_id: int) -> None:
        self.killed.append(run_id)

    def open_run_ids(self) -> frozenset[int]:
        return self.here


class Leftovers:
    def __init__(self) -> None:
        self.found: list[int] = []
        self.discarded: list[int] = []

    def found_ids(self) -> list[int]:
        return self.found

    def discard_found(self, run_id: int) -> None:
        self.discarded.append(run_id)


class Bench:
    def __init__(self, *, has_socket: bool = True) -> None:
        self.server, self.runs, self.leftovers = ServerSimulator(), Runs(), Leftovers()
        self.clock = ManualClock()
        self.connections = 0
        auth = NodeAuth(API_KEY)
        transport = Transport(
            "http://server.test/api",
            auth=auth,
            handler=self.server,
            retry=RetryPolicy(attempts=1),
        )
        auth.login(transport)
        self.resync = Resync(
            ServerApi(transport),
            7,
            self.runs,
            self.leftovers,
            self._connected,
            lambda: has_socket,
            self.clock,
        )
        self.resync.work_off()
        self.server.calls.clear()

    def _connected(self) -> None:
        self.connections += 1


def test_a_new_task_leads_to_a_question_about_that_task_only() -> None:
    bench = Bench()
    bench.server.add_run(1, task_id=11)
    bench.server.add_run(2, task_id=12)
    bench.resync.request_task(12)
    bench.resync.work_off()

    assert bench.runs.offered == [2]


def test_many_new_tasks_at_once_lead_to_one_question() -> None:
    bench = Bench()
    for task_id in range(100, 130):
        bench.resync.request_task(task_id)
    bench.resync.work_off()

    assert bench.server.calls == ["GET /run"]


def test_everything_is_compared_again_after_the_interval() -> None:
    bench = Bench()
    bench.server.add_run(1)
    bench.resync.work_off()
    assert bench.runs.offered == []

    bench.clock.advance(RESYNC_INTERVAL)
    bench.resync.work_off()
    assert bench.runs.offered == [1]


def test_large_inputs_are_fetched_less_often_while_the_socket_is_open() -> None:
    for has_socket in (True, False):
        bench = Bench(has_socket=has_socket)
        bench.server.add_run(1, input_text="x" * 5_000_000)
        bench.resync.connected()
        bench.resync.work_off()
        bench.clock.advance(RESYNC_INTERVAL)
        bench.resync.work_off()

        assert bench.runs.offered == ([1] if has_socket else [1, 1])


def test_a_new_connection_is_announced_after_the_comparison() -> None:
    bench = Bench()
    bench.resync.connected()
    bench.resync.work_off()

    assert bench.connections == 1


def test_a_failed_comparison_is_made_up_for() -> None:
    bench = Bench()
    bench.server.add_run(1)
    bench.resync.connected()
    bench.server.is_down = True
    try:
        bench.resync.work_off()
    except ConnectionFailedError:
        bench.server.is_down = False
    assert bench.connections == 0

    bench.resync.work_off()
    assert bench.runs.offered == [1]
    assert bench.connections == 1


def test_a_run_that_is_finished_or_unknown_there_is_ended_here() -> None:
    bench = Bench()
    bench.server.add_run(1)
    bench.server.finish(1)
    bench.runs.here = frozenset({1, 99})
    bench.resync.connected()
    bench.resync.work_off()

    assert bench.runs.killed == [1, 99]


def test_a_run_that_was_only_missing_in_the_list_goes_on() -> None:
    bench = Bench()
    bench.server.add_run(1)
    bench.runs.here = frozenset({1})
    listed, bench.server.runs = bench.server.runs, {}
    bench.server.before = lambda moment: (
        setattr(bench.server, "runs", listed) if moment == "before GET /run/1" else None
    )
    bench.resync.connected()
    bench.resync.work_off()

    assert bench.runs.killed == []


def test_leftovers_are_discarded_only_if_the_server_is_done_with_them() -> None:
    bench = Bench()
    bench.server.add_run(1)
    bench.leftovers.found = [1, 50]
    bench.resync.connected()
    bench.resync.work_off()

    assert bench.leftovers.discarded == [50]


def test_a_task_the_server_does_not_know_is_no_reason_to_ask_again() -> None:
    bench = Bench()
    bench.server.calls.clear()
    bench.resync.request_task(5)
    bench.resync.work_off()
    bench.resync.work_off()

    assert bench.server.calls == ["GET /run"]
