"""Killing the node at any moment: each run starts once and has one result."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vantage6.node.runner.base import RunSpec
from vantage6.node.settings import NodeSettings
from vantage6.node.testing.engine import FakeEngine
from vantage6.node.testing.simulator import ServerSimulator
from vantage6.node.testing.station import CrashError, CrashPlan, SteppedNode, settings_for_tests

OTHER = settings_for_tests(
    server_url="http://other.test", api_key="6fd4f2f0-2222-4222-8333-444455556666"
)


def sum_of_input(spec: RunSpec) -> tuple[int, bytes]:
    call = json.loads((spec.folder / "input").read_bytes())
    return 0, json.dumps({"answer": call["method"]}).encode()


def live(
    folder: Path,
    server: ServerSimulator,
    engine: FakeEngine,
    plan: CrashPlan,
    settings: NodeSettings | None = None,
) -> bool:
    """Run one life of the node; tells whether it lived to the end of its work."""
    try:
        node = SteppedNode(folder, server, engine, plan, settings)
        node.settle()
        node.wait_and_settle()
    except CrashError:
        return False
    node.store.close()
    return True


def moments_of_a_life(folder: Path, runs: int) -> int:
    server, engine, plan = ServerSimulator(), FakeEngine(sum_of_input), CrashPlan()
    for run_id in range(1, runs + 1):
        server.add_run(run_id)
    assert live(folder, server, engine, plan)
    return len(plan.moments)


def assert_each_run_ended_once(folder: Path, server: ServerSimulator, engine: FakeEngine) -> None:
    for run_id, run in server.runs.items():
        assert engine.starts[run_id] == 1
        assert server.results[run_id] == 1
        assert run["status"] == "completed"
        assert run["finished_at"] is not None
    assert engine.containers == {}
    assert list((folder / "runs").glob("task-*")) == []
    assert list((folder / "outbox").iterdir()) == []


def test_a_crash_at_each_single_moment_leads_to_one_start_and_one_result(tmp_path: Path) -> None:
    count = moments_of_a_life(tmp_path / "probe", runs=2)
    assert count > 60
    for at in range(1, count + 1):
        folder = tmp_path / str(at)
        server, engine = ServerSimulator(), FakeEngine(sum_of_input)
        server.add_run(1)
        server.add_run(2)

        assert not live(folder, server, engine, CrashPlan(at))
        assert live(folder, server, engine, CrashPlan())

        assert_each_run_ended_once(folder, server, engine)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(crashes=st.lists(st.integers(min_value=1, max_value=80), min_size=2, max_size=6))
def test_repeated_crashes_lead_to_one_start_and_one_result(
    tmp_path_factory: pytest.TempPathFactory, crashes: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("node")
    server, engine = ServerSimulator(), FakeEngine(sum_of_input)
    for run_id in (1, 2, 3):
        server.add_run(run_id)

    for at in crashes:
        live(folder, server, engine, CrashPlan(at))
    assert live(folder, server, engine, CrashPlan())

    assert_each_run_ended_once(folder, server, engine)


def test_a_run_killed_before_a_crash_ends_once_and_leaves_nothing(tmp_path: Path) -> None:
    for at in range(1, 50):
        folder = tmp_path / str(at)
        server, engine = ServerSimulator(), FakeEngine(sum_of_input)
        server.add_run(1)
        try:
            node = SteppedNode(folder, server, engine, CrashPlan(at))
            node.parts.resync.work_off()
            node.turn()
            node.parts.manager.kill(1)
            node.work_off()
        except CrashError:
            server.finish(1)
        assert live(folder, server, engine, CrashPlan())

        assert engine.starts[1] <= 1
        assert engine.containers == {}
        assert server.runs[1]["finished_at"] is not None
        assert list((folder / "runs").glob("task-*")) == []


def test_crashes_while_a_folder_changes_hands_mix_no_results(tmp_path: Path) -> None:
    for at in range(1, 60):
        folder = tmp_path / str(at)
        engine = FakeEngine(sum_of_input)
        first, second = ServerSimulator(), ServerSimulator()
        add_run(first, 1, "delivered too late")
        add_run(first, 2, "still running")
        life_without_reports(folder, first, engine)

        add_run(second, 1, "of the second", created_at="2026-11-20T00:00:00.000000")
        add_run(second, 2, "of the second", created_at="2026-11-20T00:00:00.000000")
        live(folder, second, engine, CrashPlan(at), OTHER)
        node = SteppedNode(folder, second, engine, settings=OTHER)
        node.work_off()  # reports do not wait for the comparison with the server
        node.settle()
        node.wait_and_settle()
        node.store.close()

        results = [base64.b64decode(run["result"] or "") for run in second.runs.values()]
        assert results == [b'{"answer": "of the second"}'] * 2
        assert engine.containers == {}


def add_run(server: ServerSimulator, run_id: int, method: str, **task: Any) -> None:
    call = json.dumps({"method": method}).encode()
    server.add_run(run_id, input_text=base64.b64encode(call).decode(), **task)


def life_without_reports(folder: Path, server: ServerSimulator, engine: FakeEngine) -> None:
    """Let a node work until its runs have ended, and die before it could say so."""
    node = SteppedNode(folder, server, engine)
    node.parts.resync.work_off()
    while sum(engine.starts.values()) < len(server.runs):
        node.turn()
    server.is_down = True
    for _ in range(3):
        node.turn()
    assert server.results.total() == 0
    node.store.close()
