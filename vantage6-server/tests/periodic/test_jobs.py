"""Work that comes round again and again."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

from vantage6.server.models import Node, Run, User
from vantage6.server.periodic import PeriodicJob, PeriodicJobs
from vantage6.server.periodic.node_status import LONGEST_SILENCE, set_silent_nodes_offline
from vantage6.server.periodic.run_cleanup import run_cleanup_job, wipe_old_results


def test_only_nodes_that_fell_silent_are_set_offline(world: Any) -> None:
    now = world.clock.now()
    with world.session() as session:
        for identity, seen in ((2, now), (3, now - timedelta(seconds=66)), (4, None)):
            node = session.get_one(Node, identity)
            node.status, node.last_seen = "online", seen
        user = session.get_one(User, world.identity("alpha_view"))
        user.status, user.last_seen = "online", now - timedelta(days=1)
    set_silent_nodes_offline(world.services)
    with world.session() as session:
        statuses = [session.get_one(Node, identity).status for identity in (2, 3, 4, 5)]
        assert statuses == ["online", "offline", "offline", "offline"]
        assert session.get_one(User, world.identity("alpha_view")).status == "online"
    world.clock.advance(LONGEST_SILENCE + 1)
    set_silent_nodes_offline(world.services)
    with world.session() as session:
        assert session.get_one(Node, 2).status == "offline"


def add_ended_runs(world: Any) -> None:
    world.add_task(organization_ids=(2, 2, 2, 2))
    ends = {1: ("completed", 31), 2: ("completed", 29), 3: ("crashed", 31), 4: ("pending", 0)}
    with world.session() as session:
        for identity, (status, days) in ends.items():
            run = session.get_one(Run, identity)
            run.status, run.input, run.result, run.log = status, "in", "out", "log"
            if status != "pending":
                run.finished_at = world.clock.now() - timedelta(days=days)


def payloads(world: Any) -> list[tuple[str | None, str | None]]:
    with world.session() as session:
        runs = [session.get_one(Run, identity) for identity in (1, 2, 3, 4)]
        assert all(run.log == "log" for run in runs)
        return [(run.input, run.result) for run in runs]


def test_old_results_of_completed_runs_are_wiped_once(world: Any) -> None:
    add_ended_runs(world)
    assert wipe_old_results(world.services, 30) == 1
    assert payloads(world) == [("in", ""), *[("in", "out")] * 3]
    shown = world.get("alpha_view", "/result/1").json
    assert (shown["result"], shown["cleanup_at"]) == ("", "2026-01-01T00:00:00")
    assert wipe_old_results(world.services, 30) == 0


def test_inputs_are_wiped_too_if_so_configured(make_world: Any) -> None:
    world = make_world(runs_data_cleanup_include_input=True, runs_data_cleanup_days=30)
    add_ended_runs(world)
    job = run_cleanup_job(world.services)
    assert job is not None
    job.work()
    assert payloads(world) == [("", ""), *[("in", "out")] * 3]


def test_without_a_limit_nothing_is_wiped(make_world: Any) -> None:
    assert run_cleanup_job(make_world().services) is None
    assert run_cleanup_job(make_world(runs_data_cleanup_days=0).services) is None


def test_a_job_that_fails_is_tried_again() -> None:
    done = threading.Event()
    attempts: list[int] = []

    def work() -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise OSError("the first time")
        done.set()

    jobs = PeriodicJobs([PeriodicJob("job", 0.01, work, at_start=True)])
    jobs.start()
    assert done.wait(5)
    jobs.stop()
