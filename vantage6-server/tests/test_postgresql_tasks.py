"""The life of tasks on PostgreSQL, where several transactions really run at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from vantage6.server.models import Node, Run
from vantage6.server.periodic.node_status import set_silent_nodes_offline
from vantage6.server.periodic.run_cleanup import wipe_old_results


@pytest.fixture
def world(postgresql_world: Any) -> Any:
    return postgresql_world


def create(world: Any, *organization_ids: int, key: str | None = None) -> Any:
    body = {
        "image": "img:1",
        "collaboration_id": 1,
        "organizations": [{"id": identity, "input": "e30="} for identity in organization_ids],
        "databases": [{"label": "d", "query": "SELECT 1"}],
    }
    headers = {} if key is None else {"Idempotency-Key": key}
    return world.call("alpha_res", "POST", "/task", body, headers=headers)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    answers: dict[int, Any] = {}
    barrier = threading.Barrier(len(calls))

    def carry_out(index: int) -> None:
        barrier.wait()
        answers[index] = calls[index]()

    threads = [threading.Thread(target=carry_out, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answers[index] for index in range(len(calls))]


def test_every_filter_and_every_part_of_a_task(world: Any) -> None:
    assert create(world, 2, 3).status_code == 201
    world.call("alpha-plain", "PATCH", "/run/1", {"status": "completed", "result": "cg=="})
    user_id = world.identity("alpha_res")
    for query, found in (
        ({}, 1),
        ({"status": "pending"}, 1),
        ({"status": "failed"}, 0),
        ({"status": "crashed"}, 0),
        ({"collaboration_id": 1, "job_id": 1, "run_id": 2, "database": "d"}, 1),
        ({"init_org_id": 2, "init_user_id": user_id, "image": "img%", "is_user_created": 1}, 1),
        ({"include": "runs,results", "name": ""}, 1),
    ):
        answer = world.get("alpha_view", "/task", **query)
        assert answer.status_code == 200, answer.json
        assert len(answer.json["data"]) == found, query
    for query, found in (
        ({"state": "open", "include": "task"}, 1),
        ({"task_id": 1, "organization_id": 2, "collaboration_id": 1}, 1),
        ({"node_id": world.identity("alpha-plain"), "assigned_from": "2020-01-01"}, 1),
        ({"port": 5, "finished_till": "2020-01-01"}, 0),
    ):
        answer = world.get("alpha_view", "/run", **query)
        assert answer.status_code == 200, answer.json
        assert len(answer.json["data"]) == found, query
    assert world.get("alpha_view", "/result/1").json["result"] == "cg=="
    assert world.call("alpha_col", "POST", "/kill/task", {"id": 1}).status_code == 200
    assert world.call("alpha_res", "DELETE", "/task/1").status_code == 200
    assert world.get("alpha_view", "/task").json["data"] == []


def test_requests_with_one_key_at_the_same_time_make_one_task(world: Any) -> None:
    world.token("alpha_res")
    answers = at_once(*[lambda: create(world, 2, 3, key="k")] * 6)
    assert {(answer.status_code, answer.json["id"]) for answer in answers} == {(201, 1)}
    assert len(world.get("alpha_view", "/run").json["data"]) == 2


def test_tasks_created_at_the_same_time_get_different_jobs(world: Any) -> None:
    world.token("alpha_res")
    answers = at_once(*[lambda: create(world, 2)] * 6)
    assert sorted(answer.json["job_id"] for answer in answers) == [1, 2, 3, 4, 5, 6]


def test_a_run_ends_once_even_if_kill_and_result_come_together(world: Any) -> None:
    for name in ("alpha_col", "alpha-plain"):
        world.token(name)
    for task_id in range(1, 6):
        create(world, 2)
        said = {"status": "completed", "result": "cg==", "log": "done"}
        killed, reported = at_once(
            lambda: world.call("alpha_col", "POST", "/kill/task", {"id": task_id}),  # noqa: B023
            lambda: world.call("alpha-plain", "PATCH", f"/run/{task_id}", said),  # noqa: B023
        )
        with world.session() as session:
            run = session.get_one(Run, task_id)
            end = (run.status, run.result)
        if reported.status_code == 200:
            assert end == ("completed", "cg==")
        else:
            assert (killed.status_code, reported.status_code) == (200, 400)
            assert end == ("killed by user", None)


def test_sockets_and_periodic_jobs_work_there_too(world: Any) -> None:
    create(world, 2)
    sockets = world.app.extensions["socketio"]
    headers = {"Authorization": f"Bearer {world.token('alpha-plain')}"}
    node = sockets.test_client(world.app, namespace="/tasks", headers=headers)
    node.emit("node_info_update", {"encryption": True, "x": ["a", None]}, namespace="/tasks")
    for piece in ("one", "two\n", "three"):
        node.emit("algorithm_log", {"run_id": 1, "log": piece}, namespace="/tasks")
    node.emit("ping", namespace="/tasks")
    with world.session() as session:
        found = session.get_one(Node, world.identity("alpha-plain"))
        assert found.status == "online"
        assert [(row.key, row.value) for row in found.config] == [
            ("encryption", "1"),
            ("x", "a"),
            ("x", None),
        ]
        assert session.get_one(Run, 1).log == "one\ntwo\nthree"
    world.clock.advance(100)
    set_silent_nodes_offline(world.services)
    world.call("alpha-plain", "PATCH", "/run/1", {"status": "completed", "result": "cg=="})
    world.clock.advance(3 * 86_400)
    assert wipe_old_results(world.services, 2) == 1
    with world.session() as session:
        assert session.get_one(Node, world.identity("alpha-plain")).status == "offline"
