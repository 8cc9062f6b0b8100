"""What a node does about an engine, a disk or a folder that is not as it should be."""

from __future__ import annotations

import base64
import errno
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vantage6.node.runner.base import RunHandle, RunnerUnavailableError, RunOutput, RunSpec
from vantage6.node.runs import manager, worker
from vantage6.node.runs.inputs import InputShelf
from vantage6.node.runs.packing import Packer
from vantage6.node.testing.engine import FakeEngine, FakeRunner
from vantage6.node.testing.simulator import ServerSimulator
from vantage6.node.testing.station import SteppedNode, settings_for_tests


def failing_at_first(times: int, error: Exception, work: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that fails some times before it works."""
    failures = [error] * times

    def fail_at_first(*arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return work(*arguments)

    return fail_at_first


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_FIRST_PAUSE", 0.001)
    monkeypatch.setattr(worker, "_LONGEST_PAUSE", 0.001)


@pytest.mark.usefixtures("hasty")
def test_an_engine_that_restarts_when_a_run_ends_loses_no_result(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = RunnerUnavailableError("The engine is restarting.")
    monkeypatch.setattr(FakeRunner, "collect", failing_at_first(20, away, FakeRunner.collect))
    server.add_run(1)
    SteppedNode(tmp_path, server, engine).settle()

    assert server.runs[1]["status"] == "completed"
    assert base64.b64decode(server.runs[1]["result"]) == b'"done"'


@pytest.mark.usefixtures("hasty")
def test_a_disk_that_is_full_for_a_while_loses_no_result(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(Packer, "_write", failing_at_first(20, full, Packer._write))
    server.add_run(1)
    SteppedNode(tmp_path, server, engine).settle()

    assert server.runs[1]["status"] == "completed"


@pytest.mark.usefixtures("hasty")
def test_an_output_that_cannot_be_read_for_good_fails_its_run(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = OSError(errno.EIO, "Input/output error")
    monkeypatch.setattr(Packer, "_write", failing_at_first(20, broken, Packer._write))
    server.add_run(1)
    SteppedNode(tmp_path, server, engine).settle()

    assert server.runs[1]["status"] == "failed"
    assert "could not be taken" in server.runs[1]["log"]


def test_a_container_that_others_removed_after_its_end_does_not_take_the_result_along(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect = FakeRunner.collect

    def collect_too_late(runner: FakeRunner, handle: RunHandle, folder: Path) -> RunOutput:
        engine.containers.clear()
        return replace(collect(runner, handle, folder), reason="The container was removed.")

    monkeypatch.setattr(FakeRunner, "collect", collect_too_late)
    server.add_run(1)
    SteppedNode(tmp_path, server, engine).settle()

    assert server.runs[1]["status"] == "completed"


def test_a_run_whose_start_went_wrong_half_way_leaves_nothing_behind(
    tmp_path: Path, server: ServerSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FakeEngine()
    start = engine.start

    def start_and_fail(spec: RunSpec) -> None:
        start(spec)
        raise OSError("the connection to the engine broke")

    monkeypatch.setattr(engine, "start", start_and_fail)
    server.add_run(1)
    SteppedNode(tmp_path, server, engine).settle()

    assert server.runs[1]["status"] == "failed"
    assert engine.stops[1] == 1
    assert engine.containers == {}


def test_what_an_earlier_attempt_left_in_the_folder_is_not_followed(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of the station")
    server.add_run(1)
    node = SteppedNode(tmp_path / "node", server, engine)
    node.parts.resync.work_off()
    output = node.folders.run(1) / "output"
    while not output.exists():
        node.turn()
    output.unlink()
    output.symlink_to(secret)
    node.store.close()

    SteppedNode(tmp_path / "node", server, engine).settle()
    assert secret.read_text() == "of the station"
    assert server.runs[1]["status"] == "completed"


def test_a_run_and_its_log_are_forgotten_after_three_months(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine
) -> None:
    server.add_run(1)
    node = SteppedNode(tmp_path, server, engine)
    node.folders.run_log(1).write_text("what the algorithm said")
    node.settle()
    node.clock.advance(89 * 86400)
    node.parts.tidy()
    assert node.parts.journal.find(1) is not None

    node.clock.advance(2 * 86400)
    node.parts.tidy()
    assert node.parts.journal.find(1) is None
    assert not node.folders.run_log(1).exists()


def test_leftovers_of_a_lost_journal_are_adopted_while_the_server_has_the_run(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine
) -> None:
    server.add_run(1)
    node = SteppedNode(tmp_path, server, engine)
    node.parts.resync.work_off()
    while not engine.starts[1]:
        node.turn()
    node.store.close()
    for file in tmp_path.glob("node.sqlite*"):
        file.unlink()

    SteppedNode(tmp_path, server, engine).settle()
    assert engine.starts[1] == 1
    assert server.runs[1]["status"] == "completed"


def test_leftovers_that_the_server_does_not_know_are_removed(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine
) -> None:
    engine.start(RunSpec(9, 9, 9, "img", tmp_path))
    SteppedNode(tmp_path, server, engine).settle()

    assert engine.containers == {}
    assert engine.removals[9] == 1


def test_another_node_in_the_same_folder_reports_nothing_of_the_first(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine
) -> None:
    server.add_run(1)
    node = SteppedNode(tmp_path, server, engine)
    node.parts.resync.work_off()
    while not engine.starts[1]:
        node.turn()
    node.store.close()

    other = settings_for_tests(
        server_url="http://other.test", api_key="6fd4f2f0-2222-4222-8333-444455556666"
    )
    other_server = ServerSimulator()
    other_server.add_run(1, created_at="2026-11-21T00:00:00.000000", image="evil")
    SteppedNode(tmp_path, other_server, engine, settings=other).wait_and_settle()

    assert other_server.statuses.get(1) in (None, ["not allowed"])
    assert engine.containers == {}


@pytest.mark.parametrize(
    "changed",
    [
        {"server_url": "https://new-name.test"},
        {"api_key": "6fd4f2f0-2222-4222-8333-444455556666"},
    ],
)
def test_a_new_address_or_a_new_key_alone_make_no_other_node(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine, changed: dict[str, str]
) -> None:
    server.add_run(1)
    node = SteppedNode(tmp_path, server, engine)
    node.parts.resync.work_off()
    while not engine.starts[1]:
        node.turn()
    node.store.close()

    SteppedNode(tmp_path, server, engine, settings=settings_for_tests(**changed)).settle()
    assert server.runs[1]["status"] == "completed"


def test_inputs_do_not_pile_up_while_nothing_can_be_written(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manager, "_MANY_MESSAGES", 3)
    for run_id in range(1, 7):
        server.add_run(run_id)
    node = SteppedNode(tmp_path, server, engine)
    kept: list[int] = []
    monkeypatch.setattr(
        InputShelf, "put", lambda _shelf, run_id, text: kept.append(run_id) if text else None
    )
    node.parts.resync.work_off()
    node.wait_and_settle()

    assert len(kept) == 3
    assert {run["status"] for run in server.runs.values()} == {"completed"}
