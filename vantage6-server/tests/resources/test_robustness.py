"""Nothing a caller sends is an error of the server."""

from __future__ import annotations

from typing import Any

import pytest

LISTS = {
    "/organization": ("name", "country", "collaboration_id", "study_id", "ids"),
    "/collaboration": ("name", "encrypted", "organization_id", "algorithm_store_id", "include"),
    "/study": ("name", "organization_id", "collaboration_id", "include"),
    "/node": (
        "name",
        "organization_id",
        "collaboration_id",
        "study_id",
        "status",
        "ip",
        "last_seen_from",
        "last_seen_till",
    ),
    "/user": (
        "username",
        "firstname",
        "lastname",
        "email",
        "organization_id",
        "collaboration_id",
        "role_id",
        "rule_id",
        "last_seen_from",
        "last_seen_till",
    ),
    "/role": (
        "name",
        "description",
        "organization_id",
        "collaboration_id",
        "include_root",
        "rule_id",
        "user_id",
    ),
    "/rule": ("name", "operation", "scope", "role_id", "user_id", "no_pagination"),
}
VALUES = (
    "",
    "-1",
    "1.5",
    "x",
    "\0",
    "\u0661",
    "%",
    "\\",
    "'; DROP TABLE user; --",
    "9" * 40,
    "a" * 60_000,
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-02-30",
    "None",
    "\U0001f600",
)
BODIES: tuple[Any, ...] = (
    [],
    "text",
    1,
    True,
    {},
    {"name": {"a": 1}},
    {"name": "\0"},
    {"name": "x", "organization_ids": {"a": 1}, "encrypted": []},
    {"name": "x", "organization_ids": list(range(1, 40_000)), "encrypted": False},
    {"name": "x", "rules": [10**30]},
    {"id": 10**30},
    {"id": -1},
    {"id": 1.5},
    {"id": True},
    {"roles": [[1]], "rules": "all"},
    {"username": "abc", "email": "a@b.org", "password": "Passw0rd!", "roles": [2**31 - 1]},
)
PATHS = (
    "/organization",
    "/collaboration",
    "/study",
    "/node",
    "/user",
    "/role",
    "/collaboration/1/organization",
    "/collaboration/1/node",
    "/study/1/organization",
    "/recover/node",
    "/recover/lost",
    "/recover/reset",
    "/recover/2fa/lost",
    "/recover/2fa/reset",
    "/column",
    "/token/user",
    "/token/node",
)


@pytest.mark.parametrize(("path", "names"), LISTS.items())
def test_strange_filters_are_answered(world: Any, path: str, names: tuple[str, ...]) -> None:
    for name in names:
        for value in VALUES:
            answer = world.get("root", path, **{name: value})
            assert answer.status_code in {200, 400, 404}, (name, value, answer.json)
            if answer.status_code == 400:
                assert answer.json["field"] == name


@pytest.mark.parametrize("path", PATHS)
def test_strange_bodies_are_answered(world: Any, path: str) -> None:
    for body in BODIES:
        answer = world.call("root", "POST", path, body)
        assert answer.status_code < 500, (body, answer.json)
        assert isinstance(answer.json, dict | list)


@pytest.mark.parametrize(
    "path", ["/organization/2", "/collaboration/1", "/study/1", "/node/2", "/user/6", "/role/4"]
)
def test_strange_changes_are_answered(world: Any, path: str) -> None:
    for body in BODIES:
        answer = world.call("root", "PATCH", path, body)
        assert answer.status_code < 500, (body, answer.json)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "\ud800", "{", '"\\ud800"'])
def test_text_that_is_no_usable_json_is_answered(world: Any, text: str) -> None:
    answer = world.app.test_client().post(
        "/api/token/user",
        data=text.encode("utf-8", "surrogatepass"),
        content_type="application/json",
    )
    assert answer.status_code == 400
