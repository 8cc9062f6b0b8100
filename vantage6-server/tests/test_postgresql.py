"""What could differ on PostgreSQL: the same requests as on SQLite, in one sweep per topic."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def world(postgresql_world: Any) -> Any:
    return postgresql_world


def test_lists_filters_and_sorting_work(world: Any) -> None:
    task = world.add_task(organization_ids=(2, 3), study_id=1)
    requests = {
        "/organization?name=al%25&country=NL&ids=2&ids=3&sort=-name": 1,
        "/organization?collaboration_id=1": 2,
        "/organization?study_id=1": 1,
        "/collaboration?encrypted=True&include=organizations": 1,
        "/collaboration?organization_id=2&sort=encrypted": 2,
        "/study?organization_id=2&collaboration_id=1&include=organizations": 1,
        "/node?study_id=1&status=offline&sort=-last_seen": 1,
        "/node?last_seen_from=2020-01-01&last_seen_till=2030-01-01T00:00:00": 0,
        "/user?role_id=4&username=%25view&sort=last_seen,-type": 3,
        "/user?collaboration_id=1&rule_id=29": 0,
        "/role?name=V%25&name=R%25&rule_id=29": 3,
        "/role?organization_id=2&include_root=1": 7,
        "/rule?operation=v&scope=glo&role_id=1": 9,
        "/rule?operation=nothing": 0,
        "/rule?user_id=6": 25,
        f"/task?study_id=1&name=t&include=runs&parent_id={task}": 0,
        "/task?study_id=1&include=runs&include=results": 1,
        f"/run?task_id={task}&state=open&include=task": 2,
        f"/result?task_id={task}&organization_id=3": 1,
    }
    for path, total in requests.items():
        answer = world.call("root", "GET", path)
        assert answer.status_code == 200, (path, answer.json)
        assert answer.headers["total-count"] == str(total), path


@pytest.mark.parametrize(
    "path",
    [
        f"/organization?collaboration_id={10**30}",
        f"/organization?ids={10**15}",
        f"/organization?page={10**9}&per_page={10**9}",
        "/user?username=%00",
        "/node?ip=%00",
    ],
)
def test_nothing_a_caller_sends_is_an_error_of_the_server(world: Any, path: str) -> None:
    assert world.call("root", "GET", path).status_code in {200, 400}


def test_everything_can_be_created_changed_and_deleted(world: Any) -> None:
    def call(method: str, path: str, body: Any = None, **query: Any) -> Any:
        answer = world.call("root", method, path, body, query=query)
        assert answer.status_code in {200, 201}, (method, path, answer.json)
        return answer.json

    organization = call("POST", "/organization", {"name": "new", "public_key": "S0VZ"})["id"]
    call("PATCH", f"/organization/{organization}", {"domain": "x"})
    body = {"name": "c", "organization_ids": [organization, 2], "encrypted": True}
    collaboration = call("POST", "/collaboration", body)["id"]
    call("POST", f"/collaboration/{collaboration}/organization", {"id": 3})
    body = {"name": "s", "collaboration_id": collaboration, "organization_ids": [2, 3]}
    study = call("POST", "/study", body)["id"]
    call("DELETE", f"/study/{study}/organization", {"id": 2})
    call("DELETE", f"/collaboration/{collaboration}/organization", {"id": 3})
    body = {"collaboration_id": collaboration, "organization_id": organization}
    node = call("POST", "/node", body)
    login = world.call(None, "POST", "/token/node", {"api_key": node["api_key"]})
    assert login.status_code == 200
    role = call("POST", "/role", {"name": "r", "rules": [1, 2], "organization_id": organization})
    call("POST", f"/role/{role['id']}/rule/3")
    body = {
        "username": "newuser",
        "email": "new@x.org",
        "password": "Passw0rd!",
        "organization_id": organization,
        "roles": [role["id"]],
        "rules": [5],
    }
    user = call("POST", "/user", body)["id"]
    call("PATCH", f"/user/{user}", {"rules": [6], "roles": []})
    body = {"username": "newuser", "password": "Passw0rd!"}
    assert world.call(None, "POST", "/token/user", body).status_code == 200
    task = world.add_task(collaboration_id=collaboration, organization_ids=(2, organization))
    world.add_task(collaboration_id=collaboration, organization_ids=(organization,), parent_id=task)
    call("DELETE", f"/role/{role['id']}")
    call("DELETE", f"/collaboration/{collaboration}", delete_dependents="1")
    call("DELETE", f"/organization/{organization}", delete_dependents="1")
    assert world.get("root", f"/user/{user}").status_code == 404


def test_lock_out_counts_under_a_lock(world: Any) -> None:
    wrong = {"username": "alpha_adm", "password": "wrong"}
    right = {"username": "alpha_adm", "password": "Passw0rd!"}
    for _ in range(5):
        assert world.call(None, "POST", "/token/user", wrong).status_code == 401
    assert world.call(None, "POST", "/token/user", right).status_code == 401
    world.clock.advance(15 * 60)
    assert world.call(None, "POST", "/token/user", right).status_code == 200
