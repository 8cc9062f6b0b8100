"""The selected algorithm store."""

from __future__ import annotations

import operator
from typing import Any

import pytest

from vantage6.client import UserClient
from vantage6.common.testing.server import ScriptedServer, page
from vantage6.common.testing.tokens import make_token

PAGE_10 = {"page": "1", "per_page": "10"}
STORE = "https://store.test/api"

CASES: list[tuple[str, dict[str, Any], str, str, dict[str, str], Any]] = [
    ("algorithm.get", {"id_": 1}, "GET", "/algorithm/1", {}, None),
    (
        "algorithm.list",
        {"image": "i", "v6_version": "4", "under_review": True, "invalidated": False},
        "GET",
        "/algorithm",
        PAGE_10 | {"image": "i", "vantage6_version": "4", "under_review": "1"},
        None,
    ),
    (
        "algorithm.create",
        {
            "name": "n",
            "description": "d",
            "image": "i",
            "partitioning": "horizontal",
            "vantage6_version": "4",
            "code_url": "c",
            "functions": [],
        },
        "POST",
        "/algorithm",
        {},
        {
            "name": "n",
            "description": "d",
            "image": "i",
            "partitioning": "horizontal",
            "vantage6_version": "4",
            "code_url": "c",
            "functions": [],
        },
    ),
    (
        "algorithm.update",
        {"id_": 1, "refresh_digest": True},
        "PATCH",
        "/algorithm/1",
        {},
        {"refresh_digest": True},
    ),
    ("algorithm.delete", {"id_": 1}, "DELETE", "/algorithm/1", {}, None),
    ("algorithm.invalidate", {"id_": 1}, "POST", "/algorithm/1/invalidate", {}, None),
    ("store.policy.get", {}, "GET", "/policy", {}, None),
    ("store.policy.get", {"public": True}, "GET", "/policy/public", {}, None),
    ("store.role.list", {"user": 3}, "GET", "/role", PAGE_10 | {"user_id": "3"}, None),
    (
        "store.role.create",
        {"name": "r", "description": "d", "rules": [1]},
        "POST",
        "/role",
        {},
        {"name": "r", "description": "d", "rules": [1]},
    ),
    ("store.role.edit", {"role_id": 1, "name": "r"}, "PATCH", "/role/1", {}, {"name": "r"}),
    ("store.role.delete", {"role_id": 1}, "DELETE", "/role/1", {}, None),
    ("store.rule.list", {"role": 1}, "GET", "/rule", PAGE_10 | {"role_id": "1"}, None),
    (
        "store.rule.list",
        {"username": "ada"},
        "GET",
        "/rule",
        PAGE_10 | {"username": "ada", "server_url": "http://server.test:7601/api"},
        None,
    ),
    ("store.user.list", {"role": 1}, "GET", "/user", PAGE_10 | {"role_id": "1"}, None),
    ("store.user.get", {"id_": 1}, "GET", "/user/1", {}, None),
    (
        "store.user.register",
        {"username": "ada", "roles": [1]},
        "POST",
        "/user",
        {},
        {"username": "ada", "roles": [1]},
    ),
    ("store.user.update", {"id_": 1, "roles": []}, "PATCH", "/user/1", {}, {"roles": []}),
    ("store.user.delete", {"id_": 1}, "DELETE", "/user/1", {}, None),
    (
        "store.review.list",
        {"algorithm": 1, "reviewer": 2, "approved": True},
        "GET",
        "/review",
        PAGE_10 | {"algorithm_id": "1", "reviewer_id": "2", "approved": "1"},
        None,
    ),
    ("store.review.get", {"id_": 1}, "GET", "/review/1", {}, None),
    (
        "store.review.create",
        {"algorithm": 1, "reviewer": 2},
        "POST",
        "/review",
        {},
        {"algorithm_id": 1, "reviewer_id": 2},
    ),
    ("store.review.delete", {"id_": 1}, "DELETE", "/review/1", {}, None),
    (
        "store.review.approve",
        {"id_": 1, "comment": "good"},
        "POST",
        "/review/1/approve",
        {},
        {"comment": "good"},
    ),
    ("store.review.reject", {"id_": 1}, "POST", "/review/1/reject", {}, {}),
]


@pytest.fixture
def selected(client: UserClient, server: ScriptedServer) -> UserClient:
    """Return a client that has selected store 4."""
    server.on("GET", "/algorithmstore/4", {"id": 4, "url": f"{STORE}/"})
    client.store.set(4)
    server.seen.clear()
    return client


@pytest.mark.parametrize(("name", "arguments", "method", "path", "query", "body"), CASES)
def test_method_asks_the_store_and_shows_who_asks(
    name: str,
    arguments: dict[str, Any],
    method: str,
    path: str,
    query: dict[str, str],
    body: Any,
    selected: UserClient,
    server: ScriptedServer,
) -> None:
    server.on(method, path, page() if name.endswith("list") else {"id": 1, "msg": "Done."})
    operator.attrgetter(name)(selected)(**arguments)
    seen = server.last()
    assert str(seen.url).startswith(f"{STORE}{path}")
    assert (seen.method, seen.query, seen.body) == (method, query, body)
    assert seen.headers["server-url"] == "http://server.test:7601/api"
    assert seen.headers["authorization"] == f"Bearer {selected.token}"


def test_selecting_returns_what_the_server_knows(selected: UserClient) -> None:
    assert (selected.store.store_id, selected.store.url) == (4, f"{STORE}/")


def test_store_without_address_is_not_selected(
    client: UserClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.on("GET", "/algorithmstore/4", {"msg": "unknown"}, status=404)
    assert client.store.set(4) == {"msg": "unknown"}
    assert (client.store.store_id, client.store.url) == (None, None)
    assert "not selected" in caplog.text


def test_token_refused_by_the_store_is_renewed_at_the_server(
    selected: UserClient, server: ScriptedServer
) -> None:
    renewed = make_token(21_600, sub=8, jti="second")
    server.on("GET", "/algorithm/1", {"msg": "Token has expired"}, status=401)
    server.on("GET", "/algorithm/1", {"id": 1})
    server.on("POST", "/token/refresh", {"access_token": renewed})
    assert selected.algorithm.get(1) == {"id": 1}
    (refresh,) = server.asked("POST", "/token/refresh")
    assert refresh.url.host == "server.test"
    assert server.last().headers["authorization"] == f"Bearer {renewed}"


def test_another_store_can_be_selected_later(selected: UserClient, server: ScriptedServer) -> None:
    server.on("GET", "/policy", {})
    selected.store.policy.get()
    server.on("GET", "/algorithmstore/5", {"id": 5, "url": "https://other.test/api"})
    selected.store.set(5)
    selected.store.policy.get()
    assert server.last().url.host == "other.test"
