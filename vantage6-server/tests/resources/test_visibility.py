"""Lists and single records agree about who sees what."""

from __future__ import annotations

from typing import Any

import pytest

CALLERS = ("root", "alpha_adm", "alpha_res", "alpha_view", "alpha_col", "beta_adm", "gamma_view")
NODES = ("alpha-plain", "gamma-enc")


def _listed(world: Any, who: str, noun: str) -> set[int]:
    answer = world.get(who, f"/{noun}", per_page=200)
    assert answer.status_code == 200
    return {item["id"] for item in answer.json["data"]}


@pytest.mark.parametrize("noun", ["organization", "collaboration", "study", "task"])
def test_what_a_list_shows_can_be_read_and_nothing_else(world: Any, noun: str) -> None:
    for collaboration_id, organization_ids in ((1, (2, 3)), (2, (2, 4))):
        world.add_task(collaboration_id=collaboration_id, organization_ids=organization_ids)
    everything = _listed(world, "root", noun)
    for who in (*CALLERS, *NODES):
        readable = {
            identity
            for identity in everything
            if world.get(who, f"/{noun}/{identity}").status_code == 200
        }
        assert _listed(world, who, noun) == readable, who


def test_nodes_that_are_listed_can_be_read(world: Any) -> None:
    # Reading reaches further: a partner's node in a collaboration one is not in (contract, rbac).
    for who in (*CALLERS, *NODES):
        for identity in _listed(world, who, "node"):
            assert world.get(who, f"/node/{identity}").status_code == 200
    assert world.get("beta_adm", "/node/4").status_code == 200
    assert 4 not in _listed(world, "beta_adm", "node")


def test_users_read_exactly_whom_their_list_shows(world: Any) -> None:
    everybody = _listed(world, "root", "user")
    for who in CALLERS:
        readable = {
            identity
            for identity in everybody
            if world.get(who, f"/user/{identity}").status_code == 200
        }
        assert _listed(world, who, "user") == readable, who


@pytest.mark.parametrize(
    "path",
    ["/organization", "/collaboration", "/study", "/node", "/user", "/task", "/run", "/result"],
)
def test_without_rules_nothing_is_listed(world: Any, path: str) -> None:
    assert world.get("alpha_none", path).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/organization/2",
        "/collaboration/1",
        "/study/1",
        "/node/2",
        "/user/6",
        "/role/4",
        "/task/1",
        "/run/1",
        "/result/1",
    ],
)
def test_without_rules_nothing_is_read(world: Any, path: str) -> None:
    world.add_task()
    assert world.get("alpha_none", path).status_code == 401
