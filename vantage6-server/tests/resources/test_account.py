"""Changing the own password, and a node's key."""

from __future__ import annotations

from typing import Any

import pytest

OLD, NEW = "Passw0rd!", "Passw0rd!2"


def _change(world: Any, current: str, new: str, who: str = "alpha_view") -> Any:
    body = {"current_password": current, "new_password": new}
    return world.call(who, "PATCH", "/password/change", body)


def _log_in(world: Any, password: str) -> int:
    body = {"username": "alpha_view", "password": password}
    return int(world.call(None, "POST", "/token/user", body).status_code)


def test_the_new_password_replaces_the_old_one(world: Any) -> None:
    assert _change(world, OLD, NEW).status_code == 200
    assert (_log_in(world, OLD), _log_in(world, NEW)) == (401, 200)


@pytest.mark.parametrize(
    ("current", "new", "status"), [("x", NEW, 401), (OLD, OLD, 400), (OLD, "weak", 400)]
)
def test_other_changes_are_refused(world: Any, current: str, new: str, status: int) -> None:
    assert _change(world, current, new).status_code == status
    assert _log_in(world, OLD) == 200


def test_only_users_have_a_password(world: Any) -> None:
    assert _change(world, OLD, NEW, "alpha-plain").status_code == 403


def test_a_new_key_of_a_node_replaces_the_old_one(world: Any) -> None:
    answer = world.call("alpha_adm", "POST", "/recover/node", {"id": 2})
    assert answer.status_code == 200
    for key, status in ((answer.json["api_key"], 200), (world.api_keys["alpha-plain"], 401)):
        login = world.call(None, "POST", "/token/node", {"api_key": key})
        assert login.status_code == status


@pytest.mark.parametrize(
    ("who", "body", "status"),
    [
        ("root", {"id": 999}, 404),
        ("alpha_adm", {"id": 3}, 401),
        ("alpha_res", {"id": 2}, 401),
        ("root", {}, 400),
        ("alpha-plain", {"id": 2}, 403),
    ],
)
def test_a_key_is_given_to_few(world: Any, who: str, body: dict[str, int], status: int) -> None:
    assert world.call(who, "POST", "/recover/node", body).status_code == status
