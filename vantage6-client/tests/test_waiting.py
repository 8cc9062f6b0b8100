"""Waiting for tasks."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import httpx
import pytest

from vantage6.client import UserClient
from vantage6.client.exceptions import RefusedError, TaskFailedError, WaitTimeoutError
from vantage6.client.waiting import Pauses, Waiter, WaitProgress
from vantage6.common.clock import ManualClock
from vantage6.common.errors import ConnectionFailedError, NotFoundError
from vantage6.common.testing.server import ScriptedServer, Seen, link, page


class Terminal(io.StringIO):
    """Standard output that is a terminal."""

    def isatty(self) -> bool:
        return True


def statuses_until(clock: ManualClock, end: float, last: str = "completed") -> Callable[[], str]:
    """Return a way to read a status that becomes final at some moment."""
    return lambda: last if clock.monotonic() >= end else "active"


def result_of_run(id_: int, result: str | None) -> dict[str, object]:
    return {
        "id": id_,
        "result": result,
        "run": link("run", id_),
        "task": link("task", 5),
        "blob_storage_used": False,
    }


@pytest.mark.parametrize("duration", [0.0, 0.2, 0.7, 1.0])
def test_short_task_is_noticed_within_a_tenth_of_a_second(
    duration: float, clock: ManualClock
) -> None:
    Waiter(5, statuses_until(clock, duration), clock=clock).wait()
    assert clock.monotonic() - duration <= 0.1


@pytest.mark.parametrize("duration", [10.0, 100.0, 2000.0])
def test_long_task_is_noticed_within_a_tenth_of_its_time(
    duration: float, clock: ManualClock
) -> None:
    asked = 0

    def read() -> str:
        nonlocal asked
        asked += 1
        return statuses_until(clock, duration)()

    Waiter(5, read, clock=clock).wait()
    assert clock.monotonic() - duration <= 0.1 * duration
    assert asked < 150


def test_pauses_are_never_longer_than_those_of_released_clients() -> None:
    pauses = Pauses(interval=0.2)
    elapsed, released = 0.0, 0.2
    while released < 300:
        assert pauses.after(elapsed) <= released + 1e-9
        elapsed += released
        released *= 1.5
    assert pauses.after(1e6) == 300


def test_pauses_grow() -> None:
    pauses = [Pauses().after(seconds) for seconds in (0, 1, 5, 60, 600, 3000, 30_000)]
    assert pauses == sorted(pauses)
    assert pauses[0] == 0.05


def test_waiting_ends_at_the_time_limit_and_says_how_to_go_on(clock: ManualClock) -> None:
    waiter = Waiter(5, lambda: "active", timeout=60, clock=clock)
    with pytest.raises(WaitTimeoutError, match=r"still active.*client\.result\.from_task\(5\)"):
        waiter.wait()
    assert clock.monotonic() == pytest.approx(60)
    assert issubclass(WaitTimeoutError, TimeoutError)


def test_progress_is_reported_at_each_look(clock: ManualClock) -> None:
    seen: list[WaitProgress] = []
    answers = iter(["pending", "active", "completed"])
    Waiter(5, lambda: next(answers), on_progress=seen.append, clock=clock).wait()
    assert [(p.status, p.finished) for p in seen] == [
        ("pending", False),
        ("active", False),
        ("completed", True),
    ]
    assert seen[0].task_id == 5
    assert seen[0].seconds < seen[-1].seconds


def test_server_that_is_away_for_a_while_only_delays(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    def read() -> str:
        if clock.monotonic() < 20:
            raise ConnectionFailedError("No connection.")
        return "completed"

    seen: list[WaitProgress] = []
    assert Waiter(5, read, on_progress=seen.append, clock=clock).wait() == "completed"
    assert not any(p.finished for p in seen[:-1])
    assert caplog.text.count("Waiting for task 5 goes on") == 1


def test_task_that_does_not_exist_is_not_waited_for(clock: ManualClock) -> None:
    def read() -> str:
        raise NotFoundError("Task id=5 is not found", 404)

    with pytest.raises(NotFoundError):
        Waiter(5, read, clock=clock).wait()
    assert clock.monotonic() == 0


def test_nothing_is_printed_where_there_is_no_terminal(
    clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    Waiter(5, statuses_until(clock, 3), clock=clock).wait()
    assert capsys.readouterr().out == ""


def test_terminal_shows_one_line_that_tells_the_outcome(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    Waiter(5, statuses_until(clock, 3, "crashed"), clock=clock).wait()
    written = terminal.getvalue()
    assert "Waiting for task 5... (2s)" in written
    assert written.endswith("\n")
    assert written.count("\n") == 1
    assert "Task 5 ended (crashed) in 3 seconds." in written


def test_interrupt_leaves_the_terminal_at_a_new_line(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)

    def read() -> str:
        if clock.monotonic() > 1:
            raise KeyboardInterrupt
        return "active"

    with pytest.raises(KeyboardInterrupt):
        Waiter(5, read, clock=clock).wait()
    assert terminal.getvalue().endswith("\n")


def test_results_of_a_finished_task_are_returned(
    client: UserClient, server: ScriptedServer
) -> None:
    server.on("GET", "/task/5/status", {"status": "active"})
    server.on("GET", "/task/5/status", {"status": "completed"})
    server.on("GET", "/result", page(result_of_run(7, "eyJtZWFuIjogNDIuMH0=")))
    answer = client.wait_for_results(5)
    assert answer["data"][0]["result"] == '{"mean": 42.0}'
    assert server.last().query["task_id"] == "5"


@pytest.fixture
def failed_task(server: ScriptedServer) -> int:
    """Return the id of a task with one good run, one that crashed, and one that was refused."""
    runs = [
        {
            "id": 7,
            "status": "crashed",
            "log": "Traceback\n  line\nKeyError: 'age'\n\n",
            "input": "",
            "organization": link("organization", 3),
        },
        {
            "id": 8,
            "status": "not allowed",
            "log": None,
            "input": "",
            "organization": link("organization", 4),
        },
        {
            "id": 9,
            "status": "completed",
            "log": "fine",
            "input": "",
            "organization": link("organization", 2),
        },
    ]
    server.on("GET", "/task/5/status", {"status": "failed"})
    server.on("GET", "/run", page(*runs))
    server.on("GET", "/organization/3", {"id": 3, "name": "beta"})
    server.on("GET", "/organization/4", {"msg": "not for you"}, status=404)
    server.on("GET", "/result", page(result_of_run(7, ""), result_of_run(8, None)))
    return 5


def test_failure_names_organization_status_and_reason(client: UserClient, failed_task: int) -> None:
    with pytest.raises(TaskFailedError) as caught:
        client.wait_for_results(failed_task, raise_on_failure=True)
    assert str(caught.value) == (
        "Task 5 has failed: crashed at beta (run 7): KeyError: 'age'; "
        "not allowed at organization 4 (run 8)."
    )
    assert [run.run_id for run in caught.value.runs] == [7, 8]


def test_failure_is_a_warning_and_results_as_they_are_by_default(
    client: UserClient, failed_task: int, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.wait_for_results(failed_task)
    assert [result["result"] for result in answer["data"]] == ["", None]
    assert "crashed at beta" in caplog.text


def test_refused_results_are_raised(client: UserClient, server: ScriptedServer) -> None:
    server.on("GET", "/task/5/status", {"status": "completed"})
    server.on("GET", "/result", {"msg": "You may not."}, status=403)
    with pytest.raises(RefusedError, match="You may not"):
        client.wait_for_results(5)


def test_completion_can_be_waited_for_with_another_way_to_ask(
    client: UserClient, clock: ManualClock
) -> None:
    asked = []

    def ask(path: str) -> dict[str, str]:
        asked.append(path)
        return {"status": "completed" if len(asked) > 2 else "pending"}

    client.wait_for_task_completion(ask, 5, interval=0.2, log_animation=False)
    assert asked == ["task/5/status"] * 3
    assert clock.monotonic() > 0


def test_log_level_stays_as_it_was(client: UserClient, server: ScriptedServer) -> None:
    levels = []

    def note(seen: Seen) -> httpx.Response:
        levels.append(client.log.level)
        return httpx.Response(200, json={"status": "completed"})

    server.reply("GET", "/task/5/status", note)
    server.on("GET", "/result", page())
    before = client.log.level
    client.wait_for_results(5)
    assert levels == [before] == [client.log.level]
