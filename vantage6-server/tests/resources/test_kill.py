"""Stopping tasks, and everything a node runs."""

from __future__ import annotations

from typing import Any

from vantage6.server.events.domain import KilledRun, NodeTasksKilled, RunsKilled
from vantage6.server.models import Node, Run


def kill(world: Any, task_id: int, who: str = "alpha_col") -> Any:
    return world.call(who, "POST", "/kill/task", {"id": task_id})


def test_a_kill_reaches_everything_below_the_task(world: Any) -> None:
    top = world.add_task(organization_ids=(2, 3))
    child = world.add_task(organization_ids=(3,), parent_id=top)
    grandchild = world.add_task(organization_ids=(2,), parent_id=child)
    other = world.add_task(organization_ids=(2,))
    world.call("beta-plain", "PATCH", "/run/2", {"status": "completed", "result": ""})
    heard: list[Any] = []
    world.services.bus.subscribe(heard.append)
    assert kill(world, top).status_code == 200
    killed = (KilledRun(top, 1, 2), KilledRun(child, 3, 3), KilledRun(grandchild, 4, 2))
    assert heard == [RunsKilled(1, killed)]
    with world.session() as session:
        statuses = [session.get_one(Run, identity).status for identity in (1, 2, 3, 4, 5)]
        assert session.get_one(Run, 1).finished_at == world.clock.now()
    assert statuses == [
        "killed by user",
        "completed",
        "killed by user",
        "killed by user",
        "pending",
    ]
    assert world.get("alpha_view", f"/task/{other}/status").json["status"] == "pending"


def test_what_still_runs_can_be_stopped_although_the_task_has_failed(world: Any) -> None:
    task_id = world.add_task(organization_ids=(2, 3), status="active")
    world.call("alpha-plain", "PATCH", "/run/1", {"status": "crashed"})
    assert world.get("alpha_view", f"/task/{task_id}/status").json["status"] == "crashed"
    assert kill(world, task_id).status_code == 200


def test_nothing_to_stop_is_said_and_nobody_is_told(world: Any) -> None:
    task_id = world.add_task()
    world.call("alpha-plain", "PATCH", "/run/1", {"status": "completed", "result": ""})
    heard: list[Any] = []
    world.services.bus.subscribe(heard.append)
    assert kill(world, task_id).status_code == 400
    assert kill(world, 999).status_code == 404
    assert heard == []


def test_a_member_of_another_collaboration_stops_nothing(world: Any) -> None:
    assert kill(world, world.add_task(), "gamma_adm").status_code == 401


def test_a_node_that_is_connected_can_be_told_to_stop_everything(world: Any) -> None:
    heard: list[Any] = []
    world.services.bus.subscribe(heard.append)

    def stop(who: str) -> int:
        status: int = world.call(who, "POST", "/kill/node/tasks", {"id": 2}).status_code
        return status

    assert stop("root") == 400
    with world.session() as session:
        session.get_one(Node, 2).status = "online"
    assert [stop(who) for who in ("alpha_res", "gamma_adm", "beta_adm")] == [401, 401, 401]
    assert heard == []
    assert [stop(who) for who in ("root", "alpha_col", "alpha_adm")] == [200, 200, 200]
    assert heard == 3 * [NodeTasksKilled(2, 1)]
