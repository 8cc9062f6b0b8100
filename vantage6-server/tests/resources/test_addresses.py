"""Which ports an algorithm finds."""

from __future__ import annotations

from typing import Any

import pytest

from vantage6.server.models import AlgorithmPort, Node, Run, Task


@pytest.fixture
def family(world: Any) -> dict[str, int]:
    """Store a task with parent, child and one that is not related, each with a port per run."""
    parent = world.add_task(organization_ids=(2, 3))
    own = world.add_task(organization_ids=(2, 3), parent_id=parent)
    child = world.add_task(organization_ids=(3,), parent_id=own)
    other = world.add_task(organization_ids=(2,))
    world.add_container("me", task_id=own)
    world.add_container("parent", task_id=parent)
    with world.session() as session:
        for run in session.query(Run):
            port = 1000 * run.task_id + run.organization_id
            session.add(AlgorithmPort(run_id=run.id, port=port, label=f"of {run.organization_id}"))
    return {"parent": parent, "own": own, "child": child, "other": other}


def _ask(world: Any, who: str = "me", **query: str) -> set[tuple[int, int]]:
    answer = world.get(who, "/vpn/algorithm/addresses", **query)
    assert answer.status_code == 200, answer.json
    return {(one["task_id"], one["organization_id"]) for one in answer.json["addresses"]}


OWN = {("own", 2), ("own", 3)}
CHILD = {("child", 3)}
PARENT = {("parent", 2), ("parent", 3)}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, OWN),
        ({"include_children": "1"}, OWN | CHILD),
        ({"include_parent": "1"}, OWN | PARENT),
        ({"include_parent": "1", "include_children": "1"}, OWN | PARENT | CHILD),
        ({"only_children": "1"}, CHILD),
        ({"only_parent": "1"}, PARENT),
        ({"only_self": "1"}, {("own", 2)}),
        ({"only_siblings": "1"}, {("own", 3)}),
        ({"only_children": "1", "include_children": "1"}, CHILD),
        ({"only_self": "1", "include_children": "1"}, {("own", 2)} | CHILD),
        ({"label": "of 3"}, {("own", 3)}),
        ({"label": "of 3", "include_children": "1"}, {("own", 3)} | CHILD),
        ({"label": "of%"}, set()),
        ({"only_self": "0", "include_children": "False"}, OWN),
    ],
)
def test_the_question_decides_which_tasks_count(
    world: Any, family: dict[str, int], query: dict[str, str], expected: set[tuple[str, int]]
) -> None:
    wanted = {(family[name], organization) for name, organization in expected}
    assert _ask(world, **query) == wanted


@pytest.mark.parametrize("query", [{"only_parent": "1"}, {"include_parent": "1"}])
def test_without_parent_the_own_task_counts(
    world: Any, family: dict[str, int], query: dict[str, str]
) -> None:
    assert _ask(world, "parent", **query) == {(family["parent"], 2), (family["parent"], 3)}


def test_an_address_is_complete(world: Any, family: dict[str, int]) -> None:
    with world.session() as session:
        session.get_one(Node, 2).ip = "10.76.0.5"
    answer = world.get("me", "/vpn/algorithm/addresses", only_self="1")
    assert answer.json == {
        "addresses": [
            {
                "port": 1000 * family["own"] + 2,
                "label": "of 2",
                "ip": "10.76.0.5",
                "organization_id": 2,
                "task_id": family["own"],
                "parent_id": family["parent"],
            }
        ]
    }


def test_the_address_is_that_of_the_node_in_this_collaboration(
    world: Any, family: dict[str, int]
) -> None:
    with world.session() as session:
        session.get_one(Node, 4).ip = "10.76.0.6"
    answer = world.get("me", "/vpn/algorithm/addresses", only_self="1")
    assert answer.json["addresses"][0]["ip"] is None


@pytest.mark.usefixtures("family")
def test_two_restrictions_are_refused(world: Any) -> None:
    query = {"only_self": "1", "only_children": "1"}
    assert world.get("me", "/vpn/algorithm/addresses", **query).status_code == 400


@pytest.mark.usefixtures("family")
@pytest.mark.parametrize("who", ["root", "alpha-plain"])
def test_only_algorithms_may_ask(world: Any, who: str) -> None:
    assert world.get(who, "/vpn/algorithm/addresses").status_code == 403


def test_the_task_has_to_exist(world: Any) -> None:
    world.add_container("lost", task_id=999)
    assert world.get("lost", "/vpn/algorithm/addresses").status_code == 404


def test_nothing_outside_the_collaboration_of_the_token_is_found(
    world: Any, family: dict[str, int]
) -> None:
    with world.session() as session:
        session.get_one(Task, family["child"]).collaboration_id = 2
    assert _ask(world, only_children="1") == set()
