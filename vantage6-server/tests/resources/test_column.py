"""Asking for the names of columns."""

from __future__ import annotations

from typing import Any

import pytest

from vantage6.server.models import NodeConfig, Task

BODY = {
    "db_label": "default",
    "collaboration_id": 1,
    "organizations": [{"id": 2, "input": "e30="}],
}


def _ask(world: Any, who: str = "alpha_res", **changes: Any) -> Any:
    return world.call(who, "POST", "/column", BODY | changes)


def _share(world: Any, node_id: int, label: str, *columns: str | None) -> None:
    with world.session() as session:
        session.add_all(
            NodeConfig(node_id=node_id, key=f"columns_{label}", value=column) for column in columns
        )


def test_columns_come_from_the_first_node_that_shares_them(world: Any) -> None:
    _share(world, 3, "default", "b", "c")
    _share(world, 2, "default", "z", "a")
    answer = _ask(world)
    assert (answer.status_code, answer.json) == (200, {"columns": ["z", "a"]})


def test_columns_of_other_labels_and_collaborations_are_not_meant(world: Any) -> None:
    _share(world, 2, "other", "x")
    _share(world, 4, "default", "y")
    assert _ask(world).status_code == 201


def test_without_shared_columns_a_task_asks_for_them(world: Any) -> None:
    answer = _ask(world, sheet_name="s", query="q")
    assert answer.status_code == 201
    with world.services.work(write=False) as work:
        task = work.session.get_one(Task, answer.json["id"])
        assert task.name == "get_column_names"
        assert task.image == "ghcr.io/vantage6/algorithm-basics:latest"
        assert [(one.database, one.parameters) for one in task.databases] == [
            ("default", '{"sheet_name":"s","query":"q"}')
        ]
        assert [(run.organization_id, run.input) for run in task.runs] == [(2, "e30=")]


@pytest.mark.parametrize(
    ("who", "changes", "status"),
    [
        ("alpha_view", {}, 401),
        ("gamma_res", {}, 401),
        ("alpha_res", {"collaboration_id": 99}, 404),
        ("alpha_res", {"organizations": [{"id": 4, "input": "e30="}]}, 400),
        ("alpha_res", {"organizations": []}, 400),
        ("alpha_res", {"db_label": ""}, 400),
        ("alpha_res", {"db_label": None}, 400),
        ("alpha_res", {"sheet_name": 1}, 400),
        ("alpha_res", {"label": "x"}, 400),
        ("alpha-plain", {}, 403),
    ],
)
def test_others_are_refused(world: Any, who: str, changes: dict[str, Any], status: int) -> None:
    assert _ask(world, who, **changes).status_code == status


def test_shared_columns_are_not_shown_to_strangers(world: Any) -> None:
    _share(world, 2, "default", "secret")
    assert _ask(world, "gamma_res").status_code == 401
    assert _ask(world, "alpha_view").status_code == 401
