"""Which request each method sends (contract, client-api section 5)."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import pytest

from vantage6.client import UserClient
from vantage6.common.testing.server import ScriptedServer, page

PAGE_20 = {"page": "1", "per_page": "20"}
PAGE_10 = {"page": "1", "per_page": "10"}
BASE = "http://server.test:7601/api"

# Method, arguments → HTTP method, path, query, body.
Case = tuple[str, dict[str, Any], str, str, Mapping[str, str], Any]

SERVICE: list[Case] = [
    ("util.get_server_version", {}, "GET", "/version", {}, None),
    ("util.get_server_health", {}, "GET", "/health", {}, None),
    (
        "util.change_my_password",
        {"current_password": "old", "new_password": "new"},
        "PATCH",
        "/password/change",
        {},
        {"current_password": "old", "new_password": "new"},
    ),
    (
        "util.reset_my_password",
        {"email": "a@b.org"},
        "POST",
        "/recover/lost",
        {},
        {"email": "a@b.org"},
    ),
    (
        "util.reset_my_password",
        {"username": "ada"},
        "POST",
        "/recover/lost",
        {},
        {"username": "ada"},
    ),
    (
        "util.set_my_password",
        {"token": "t", "password": "new"},
        "POST",
        "/recover/reset",
        {},
        {"reset_token": "t", "password": "new"},
    ),
    (
        "util.reset_two_factor_auth",
        {"password": "p", "username": "ada"},
        "POST",
        "/recover/2fa/lost",
        {},
        {"username": "ada", "password": "p"},
    ),
    (
        "util.set_two_factor_auth",
        {"token": "t"},
        "POST",
        "/recover/2fa/reset",
        {},
        {"reset_token": "t"},
    ),
]
COLLABORATIONS: list[Case] = [
    (
        "collaboration.list",
        {},
        "GET",
        "/collaboration",
        PAGE_20 | {"organization_id": "2"},
        None,
    ),
    (
        "collaboration.list",
        {"scope": "global", "organization": 7, "name": "x%", "encrypted": False},
        "GET",
        "/collaboration",
        PAGE_20 | {"organization_id": "7", "name": "x%", "encrypted": "0"},
        None,
    ),
    (
        "collaboration.list",
        {"encrypted": True, "algorithm_store": 3, "page": 2, "per_page": 5},
        "GET",
        "/collaboration",
        {
            "page": "2",
            "per_page": "5",
            "encrypted": "1",
            "algorithm_store_id": "3",
            "organization_id": "2",
        },
        None,
    ),
    ("collaboration.get", {"id_": 1}, "GET", "/collaboration/1", {}, None),
    (
        "collaboration.create",
        {"name": "c", "organizations": (2, 3), "encrypted": True},
        "POST",
        "/collaboration",
        {},
        {"name": "c", "organization_ids": [2, 3], "encrypted": True},
    ),
    (
        "collaboration.update",
        {"id_": 1, "encrypted": False, "organizations": [2]},
        "PATCH",
        "/collaboration/1",
        {},
        {"encrypted": False, "organization_ids": [2]},
    ),
    ("collaboration.delete", {"id_": 1}, "DELETE", "/collaboration/1", {}, None),
    (
        "collaboration.delete",
        {"id_": 1, "delete_dependents": True},
        "DELETE",
        "/collaboration/1",
        {"delete_dependents": "1"},
        None,
    ),
    (
        "collaboration.add_organization",
        {"organization": 4, "collaboration": 1},
        "POST",
        "/collaboration/1/organization",
        {},
        {"id": 4},
    ),
    (
        "collaboration.remove_organization",
        {"organization": 4, "collaboration": 1},
        "DELETE",
        "/collaboration/1/organization",
        {},
        {"id": 4},
    ),
]
ORGANIZATIONS: list[Case] = [
    ("organization.list", {}, "GET", "/organization", {}, None),
    (
        "organization.list",
        {"name": "a%", "country": "NL", "collaboration": 1, "study": 2, "page": 3, "per_page": 4},
        "GET",
        "/organization",
        {
            "name": "a%",
            "country": "NL",
            "collaboration_id": "1",
            "study_id": "2",
            "page": "3",
            "per_page": "4",
        },
        None,
    ),
    ("organization.get", {}, "GET", "/organization/2", {}, None),
    ("organization.get", {"id_": 5}, "GET", "/organization/5", {}, None),
    (
        "organization.create",
        {
            "name": "n",
            "address1": "a1",
            "address2": "a2",
            "zipcode": "z",
            "country": "c",
            "domain": "d",
        },
        "POST",
        "/organization",
        {},
        {
            "name": "n",
            "address1": "a1",
            "address2": "a2",
            "zipcode": "z",
            "country": "c",
            "domain": "d",
        },
    ),
    (
        "organization.update",
        {"name": "n", "public_key": "k"},
        "PATCH",
        "/organization/2",
        {},
        {"name": "n", "public_key": "k"},
    ),
    ("organization.delete", {"id_": 5}, "DELETE", "/organization/5", {}, None),
    (
        "organization.delete",
        {"id_": 5, "delete_dependents": True},
        "DELETE",
        "/organization/5",
        {"delete_dependents": "1"},
        None,
    ),
]
USERS: list[Case] = [
    ("user.list", {}, "GET", "/user", PAGE_20, None),
    (
        "user.list",
        {"username": "a%", "organization": 2, "role": 3, "rule": 4, "last_seen_from": "2026"},
        "GET",
        "/user",
        PAGE_20
        | {
            "username": "a%",
            "organization_id": "2",
            "role_id": "3",
            "rule_id": "4",
            "last_seen_from": "2026",
        },
        None,
    ),
    ("user.get", {"id_": 9}, "GET", "/user/9", {}, None),
    ("user.get", {}, "GET", "/user/8", {}, None),
    (
        "user.create",
        {
            "username": "u",
            "firstname": "f",
            "lastname": "l",
            "password": "p",
            "email": "e",
            "roles": [1],
        },
        "POST",
        "/user",
        {},
        {
            "username": "u",
            "firstname": "f",
            "lastname": "l",
            "password": "p",
            "email": "e",
            "roles": [1],
            "rules": [],
        },
    ),
    (
        "user.update",
        {"roles": [], "email": "e"},
        "PATCH",
        "/user/8",
        {},
        {"roles": [], "email": "e"},
    ),
    ("user.delete", {"id_": 9}, "DELETE", "/user/9", {}, None),
]
ROLES_AND_RULES: list[Case] = [
    ("role.list", {}, "GET", "/role", PAGE_20, None),
    (
        "role.list",
        {"organization": 2, "rule": 3, "user": 4, "include_root": True},
        "GET",
        "/role",
        PAGE_20 | {"organization_id": "2", "rule_id": "3", "user_id": "4", "include_root": "1"},
        None,
    ),
    ("role.list", {"include_root": False}, "GET", "/role", PAGE_20, None),
    ("role.get", {"id_": 1}, "GET", "/role/1", {}, None),
    (
        "role.create",
        {"name": "r", "description": "d", "rules": [1, 2]},
        "POST",
        "/role",
        {},
        {"name": "r", "description": "d", "rules": [1, 2], "organization_id": 2},
    ),
    ("role.update", {"role": 1, "rules": []}, "PATCH", "/role/1", {}, {"rules": []}),
    ("role.delete", {"role": 1}, "DELETE", "/role/1", {}, None),
    ("rule.get", {"id_": 1}, "GET", "/rule/1", {}, None),
    (
        "rule.list",
        {"name": "task", "operation": "VIEW", "scope": "OWN", "role": 2},
        "GET",
        "/rule",
        PAGE_20 | {"name": "task", "operation": "VIEW", "scope": "OWN", "role_id": "2"},
        None,
    ),
]
NODES: list[Case] = [
    ("node.get", {"id_": 1}, "GET", "/node/1", {}, None),
    ("node.list", {"is_online": True}, "GET", "/node", PAGE_20 | {"status": "online"}, None),
    ("node.list", {"is_online": False}, "GET", "/node", PAGE_20 | {"status": "offline"}, None),
    (
        "node.list",
        {"organization": 2, "collaboration": 1, "study": 3, "ip": "10.0.0.1"},
        "GET",
        "/node",
        PAGE_20
        | {"organization_id": "2", "collaboration_id": "1", "study_id": "3", "ip": "10.0.0.1"},
        None,
    ),
    (
        "node.create",
        {"collaboration": 1},
        "POST",
        "/node",
        {},
        {"organization_id": 2, "collaboration_id": 1},
    ),
    (
        "node.create",
        {"collaboration": 1, "organization": 3, "name": "n"},
        "POST",
        "/node",
        {},
        {"organization_id": 3, "collaboration_id": 1, "name": "n"},
    ),
    ("node.update", {"id_": 1, "clear_ip": True}, "PATCH", "/node/1", {}, {"clear_ip": True}),
    ("node.delete", {"id_": 1}, "DELETE", "/node/1", {}, None),
    ("node.kill_tasks", {"id_": 1}, "POST", "/kill/node/tasks", {}, {"id": 1}),
]
TASKS: list[Case] = [
    ("task.get", {"id_": 5}, "GET", "/task/5", {}, None),
    (
        "task.get",
        {"id_": 5, "include_results": True},
        "GET",
        "/task/5",
        {"include": "results"},
        None,
    ),
    ("task.list", {}, "GET", "/task", PAGE_20, None),
    (
        "task.list",
        {
            "initiating_org": 1,
            "initiating_user": 2,
            "collaboration": 3,
            "study": 4,
            "store": 5,
            "image": "i",
            "parent": 6,
            "job": 7,
            "name": "n",
            "include_results": True,
            "description": "d",
            "database": "b",
            "run": 8,
            "status": "active",
            "user_created": True,
        },
        "GET",
        "/task",
        PAGE_20
        | {
            "init_org_id": "1",
            "init_user_id": "2",
            "collaboration_id": "3",
            "study_id": "4",
            "store_id": "5",
            "image": "i",
            "parent_id": "6",
            "job_id": "7",
            "name": "n",
            "include": "results",
            "description": "d",
            "database": "b",
            "run_id": "8",
            "status": "active",
            "is_user_created": "1",
        },
        None,
    ),
    (
        "task.list",
        {"user_created": False},
        "GET",
        "/task",
        PAGE_20 | {"is_user_created": "0"},
        None,
    ),
    ("task.delete", {"id_": 5}, "DELETE", "/task/5", {}, None),
    ("task.kill", {"id_": 5}, "POST", "/kill/task", {}, {"id": 5}),
]
RUNS: list[Case] = [
    ("run.get", {"id_": 7, "include_task": True}, "GET", "/run/7", {"include": "task"}, None),
    (
        "run.list",
        {
            "task": 5,
            "organization": 2,
            "state": "open",
            "node": 3,
            "include_task": True,
            "started": ("a", "b"),
            "assigned": ("c", None),
            "finished": ("e", "f"),
            "port": 80,
            "page": 1,
            "per_page": 9,
        },
        "GET",
        "/run",
        {
            "task_id": "5",
            "organization_id": "2",
            "state": "open",
            "node_id": "3",
            "include": "task",
            "started_from": "a",
            "started_till": "b",
            "assigned_from": "c",
            "finished_from": "e",
            "finished_till": "f",
            "port": "80",
            "page": "1",
            "per_page": "9",
        },
        None,
    ),
]
STUDIES: list[Case] = [
    ("study.get", {"id_": 1}, "GET", "/study/1", {}, None),
    (
        "study.list",
        {"organization": 2, "collaboration": 3, "include_organizations": True},
        "GET",
        "/study",
        PAGE_20 | {"organization_id": "2", "collaboration_id": "3", "include": "organizations"},
        None,
    ),
    (
        "study.create",
        {"name": "s", "organizations": [2], "collaboration": 1},
        "POST",
        "/study",
        {},
        {"name": "s", "organization_ids": [2], "collaboration_id": 1},
    ),
    (
        "study.update",
        {"id_": 1, "organizations": [2, 3]},
        "PATCH",
        "/study/1",
        {},
        {"organization_ids": [2, 3]},
    ),
    ("study.delete", {"id_": 1}, "DELETE", "/study/1", {}, None),
    (
        "study.add_organization",
        {"organization": 3, "study": 1},
        "POST",
        "/study/1/organization",
        {},
        {"id": 3},
    ),
    (
        "study.remove_organization",
        {"organization": 3, "study": 1},
        "DELETE",
        "/study/1/organization",
        {},
        {"id": 3},
    ),
]
STORES: list[Case] = [
    ("store.get", {"id_": 1}, "GET", "/algorithmstore/1", {}, None),
    (
        "store.list",
        {"name": "s", "url": "u", "collaboration": 2},
        "GET",
        "/algorithmstore",
        PAGE_10 | {"name": "s", "url": "u", "collaboration_id": "2"},
        None,
    ),
    (
        "store.create",
        {"algorithm_store_url": "https://store.test/api", "name": "s", "collaboration": 2},
        "POST",
        "/algorithmstore",
        {},
        {
            "algorithm_store_url": "https://store.test/api",
            "name": "s",
            "force": False,
            "server_url": BASE,
            "collaboration_id": 2,
        },
    ),
    (
        "store.create",
        {
            "algorithm_store_url": "https://store.test/api",
            "name": "s",
            "all_collaborations": True,
            "force": True,
        },
        "POST",
        "/algorithmstore",
        {},
        {
            "algorithm_store_url": "https://store.test/api",
            "name": "s",
            "force": True,
            "server_url": BASE,
        },
    ),
    (
        "store.update",
        {"id_": 1, "name": "s", "all_collaborations": True},
        "PATCH",
        "/algorithmstore/1",
        {},
        {"name": "s", "collaboration_id": None},
    ),
    ("store.delete", {"id_": 1}, "DELETE", "/algorithmstore/1", {"server_url": BASE}, None),
]
ALL = [
    *SERVICE,
    *COLLABORATIONS,
    *ORGANIZATIONS,
    *USERS,
    *ROLES_AND_RULES,
    *NODES,
    *TASKS,
    *RUNS,
    *STUDIES,
    *STORES,
]
METHODS_WITHOUT_ANSWER = ("delete", "kill")


@pytest.mark.parametrize(("name", "arguments", "method", "path", "query", "body"), ALL)
def test_method_sends_its_request(
    name: str,
    arguments: dict[str, Any],
    method: str,
    path: str,
    query: Mapping[str, str],
    body: Any,
    client: UserClient,
    server: ScriptedServer,
) -> None:
    answer = page() if name.endswith("list") else {"id": 1, "msg": "Done."}
    server.forget(method, path)  # what was answered to the login
    server.on(method, path, answer)

    returned = operator.attrgetter(name)(client)(**arguments)

    seen = server.last()
    assert (seen.method, seen.path, seen.query) == (method, path, query)
    assert seen.body == body
    assert len(server.seen) == 1
    is_silent = name.rpartition(".")[2] in METHODS_WITHOUT_ANSWER
    assert returned == (None if is_silent else answer)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("collaboration.update", {"name": "n"}),
        ("collaboration.delete", {}),
        ("collaboration.add_organization", {"organization": 2}),
        ("collaboration.remove_organization", {"organization": 2}),
        ("node.create", {}),
        ("study.create", {"name": "s", "organizations": [2]}),
        ("study.delete", {}),
        ("study.add_organization", {"organization": 2}),
        ("store.create", {"algorithm_store_url": "https://store.test", "name": "s"}),
        ("store.delete", {}),
        ("algorithm.list", {}),
        ("store.user.list", {}),
    ],
)
def test_missing_id_is_a_value_error_that_says_how_to_give_it(
    name: str, arguments: dict[str, Any], client: UserClient, server: ScriptedServer
) -> None:
    with pytest.raises(ValueError, match=r"pass its id|store\.set"):
        operator.attrgetter(name)(client)(**arguments)
    assert server.seen == []


@pytest.mark.parametrize(
    ("name", "arguments", "query"),
    [
        ("task.list", {}, {"collaboration_id": "3"}),
        ("node.list", {}, {"collaboration_id": "3"}),
        ("organization.list", {}, {"collaboration_id": "3"}),
        ("store.list", {}, {"collaboration_id": "3"}),
    ],
)
def test_lists_are_those_of_the_chosen_collaboration(
    name: str,
    arguments: dict[str, Any],
    query: dict[str, str],
    client: UserClient,
    server: ScriptedServer,
) -> None:
    client.collaboration_id = 3
    noun = {"store": "algorithmstore"}.get(name.partition(".")[0], name.partition(".")[0])
    server.on("GET", f"/{noun}", page())
    operator.attrgetter(name)(client)(**arguments)
    assert query.items() <= server.last().query.items()


def test_wrong_password_is_sent_once(client: UserClient, server: ScriptedServer) -> None:
    server.on("PATCH", "/password/change", {"msg": "Your current password is wrong"}, status=401)
    assert client.util.change_my_password("a", "b") == {"msg": "Your current password is wrong"}
    assert len(server.seen) == 1


def test_lost_password_needs_a_name_or_an_address(
    client: UserClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.util.reset_my_password() is None
    assert "Neither email nor username" in caplog.text
    with pytest.raises(AssertionError, match="Neither email nor username"):
        client.util.reset_two_factor_auth("p")
    assert server.seen == []


def test_new_second_factor_is_shown(
    client: UserClient, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = "otpauth://totp/vantage6:ada?secret=ABCDEFGH"
    server.on("POST", "/recover/2fa/reset", {"qr_uri": uri, "otp_secret": "ABCDEFGH", "msg": "."})
    client.util.set_two_factor_auth("t")
    assert "ABCDEFGH" in capsys.readouterr().out


def test_what_the_server_says_about_something_done_is_logged(
    client: UserClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.on("DELETE", "/role/1", {"msg": "Role deleted."})
    server.on("DELETE", "/role/2", {"msg": "You lack the permission."}, status=403)
    client.role.delete(1)
    assert "--> Role deleted." in caplog.text
    client.role.delete(2)
    assert caplog.text.count("You lack the permission.") == 1


def test_unknown_scope_is_logged(
    client: UserClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.on("GET", "/collaboration", page())
    client.collaboration.list(scope="everything")
    assert "'everything' is unknown" in caplog.text
