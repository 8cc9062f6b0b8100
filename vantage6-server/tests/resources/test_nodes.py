"""Nodes over REST."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from vantage6.server.models import Node, NodeConfig


def _names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.json
    return [item["name"] for item in answer.json["data"]]


@pytest.mark.parametrize(
    ("who", "names"),
    [
        ("root", ["alpha-plain", "beta-plain", "alpha-enc", "gamma-enc"]),
        ("alpha_view", ["alpha-plain", "beta-plain", "alpha-enc", "gamma-enc"]),
        ("beta_view", ["alpha-plain", "beta-plain"]),
        ("alpha-plain", ["alpha-plain", "alpha-enc"]),
    ],
)
def test_a_list_shows_the_nodes_within_reach(world: Any, who: str, names: list[str]) -> None:
    assert _names(world.get(who, "/node")) == names


def test_a_node_without_collaboration_is_seen_by_its_organization(world: Any) -> None:
    with world.session() as session:
        session.get_one(Node, 2).collaboration_id = None
    assert "alpha-plain" in _names(world.get("alpha_view", "/node"))
    assert "alpha-plain" not in _names(world.get("beta_view", "/node"))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"organization_id": 3}, ["beta-plain"]),
        ({"collaboration_id": 2}, ["alpha-enc", "gamma-enc"]),
        ({"study_id": 1}, ["alpha-plain"]),
        ({"name": "%plain"}, ["alpha-plain", "beta-plain"]),
        ({"status": "online"}, ["beta-plain"]),
        ({"ip": "10.0.0.1"}, ["beta-plain"]),
        ({"last_seen_from": "2026-01-01"}, ["beta-plain"]),
        ({"last_seen_from": "2026-01-01T00:00:01"}, []),
        ({"last_seen_till": "2026-01-01T00:00:00.000000"}, ["beta-plain"]),
        ({"last_seen_till": "2025-12-31T23:59:59Z"}, []),
    ],
)
def test_a_list_can_be_narrowed(world: Any, query: dict[str, Any], names: list[str]) -> None:
    with world.session() as session:
        node = session.get_one(Node, 3)
        node.status, node.ip, node.last_seen = "online", "10.0.0.1", world.clock.now()
    assert _names(world.get("root", "/node", **query)) == names


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("organization_id", "x"),
        ("collaboration_id", "x"),
        ("study_id", "99"),
        ("last_seen_from", "yesterday"),
        ("last_seen_till", "2026-13-01"),
    ],
)
def test_a_bad_filter_is_refused_by_its_name(world: Any, name: str, value: str) -> None:
    answer = world.get("root", "/node", **{name: value})
    assert (answer.status_code, answer.json["field"]) == (400, name)


@pytest.mark.parametrize(
    ("who", "query", "status"),
    [
        ("alpha_view", {"organization_id": 4}, 200),
        ("beta_view", {"organization_id": 4}, 401),
        ("alpha-plain", {"organization_id": 2}, 200),
        ("alpha-plain", {"organization_id": 3}, 401),
        ("alpha-plain", {"study_id": 1}, 401),
        ("beta_view", {"collaboration_id": 1}, 200),
    ],
)
def test_filters_need_rights(world: Any, who: str, query: dict[str, int], status: int) -> None:
    assert world.get(who, "/node", **query).status_code == status


def test_a_new_node_shows_its_key_once_and_can_log_in_with_it(world: Any) -> None:
    world.call("root", "DELETE", "/node/3")
    answer = world.call("beta_adm", "POST", "/node", {"collaboration_id": 1})
    assert answer.status_code == 201
    assert answer.json["name"] == "beta - plain Node"
    assert answer.json["status"] == "offline"
    key = answer.json["api_key"]
    assert UUID(key).version == 4
    login = world.call(None, "POST", "/token/node", {"api_key": key})
    assert login.status_code == 200
    assert login.json["node_url"] == f"/api/node/{answer.json['id']}"
    assert "api_key" not in world.get("beta_adm", f"/node/{answer.json['id']}").json


def test_null_stands_for_the_usual_organization_and_name(world: Any) -> None:
    world.call("root", "DELETE", "/node/3")
    body = {"collaboration_id": 1, "organization_id": None, "name": None}
    assert world.call("beta_adm", "POST", "/node", body).status_code == 201


@pytest.mark.parametrize("name", ["organization_id", "collaboration_id"])
@pytest.mark.parametrize("value", [None, 1, "x"])
def test_organization_and_collaboration_of_a_node_stay(world: Any, name: str, value: Any) -> None:
    answer = world.call("root", "PATCH", "/node/2", {name: value})
    assert (answer.status_code, answer.json["field"]) == (400, name)


def test_an_address_wins_over_clearing_it(world: Any) -> None:
    body = {"ip": "10.1.2.3", "clear_ip": True}
    assert world.call("alpha-plain", "PATCH", "/node/2", body).json["ip"] == "10.1.2.3"
    unchanged = world.call("alpha-plain", "PATCH", "/node/2", {"clear_ip": False, "name": None})
    assert unchanged.json["ip"] == "10.1.2.3"
    assert world.call("alpha-plain", "PATCH", "/node/2", {"clear_ip": True}).json["ip"] is None


@pytest.mark.parametrize(
    ("who", "status"),
    [("alpha-enc", 200), ("alpha_adm", 200), ("beta-plain", 401), ("alpha_view", 401)],
)
def test_only_some_may_change_a_node(world: Any, who: str, status: int) -> None:
    assert world.call(who, "PATCH", "/node/2", {"name": "other"}).status_code == status


@pytest.mark.parametrize(
    ("who", "status"), [("alpha_adm", 401), ("alpha_col", 200), ("root", 200), ("alpha-plain", 403)]
)
def test_only_some_may_delete_a_node(world: Any, who: str, status: int) -> None:
    with world.session() as session:
        session.get_one(Node, 2).config = [NodeConfig(key="k")]
    assert world.call(who, "DELETE", "/node/2").status_code == status


def test_the_tokens_of_a_deleted_node_are_refused(world: Any) -> None:
    world.token("alpha-plain")
    world.call("root", "DELETE", "/node/2")
    assert world.get("alpha-plain", "/node/2").status_code == 401


def test_a_deleted_node_leaves_tasks_and_runs(world: Any) -> None:
    task = world.add_task()
    world.call("root", "DELETE", "/node/2")
    answer = world.get("root", "/run", task_id=task)
    assert answer.json["data"][0]["node"] == {}


def test_being_here_is_noted(world: Any) -> None:
    world.clock.advance(timedelta(hours=1).total_seconds())
    world.get("alpha-plain", "/node/2")
    assert world.get("root", "/node/2").json["last_seen"] == "2026-01-01T01:00:00"


def test_containers_have_no_business_with_nodes(world: Any) -> None:
    world.add_container("algorithm")
    assert world.get("algorithm", "/node").status_code == 403
    assert world.get("algorithm", "/node/2").status_code == 403
