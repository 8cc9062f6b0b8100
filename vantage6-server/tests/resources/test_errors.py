"""Every refusal has the same shape, and none of them is the server's fault."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from vantage6.server.resources.auth import services


def test_an_error_names_the_request_in_body_header_and_log(
    world: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        answer = world.call("root", "GET", "/task/1", headers={"X-Request-ID": "proxy-7"})
    assert answer.status_code == 404
    assert answer.json["request_id"] == answer.headers["X-Request-ID"] == "proxy-7"
    assert answer.json["code"] == "not_found"
    assert "GET /api/task/1 -> 404 not_found" in caplog.text


def test_a_request_id_that_could_forge_log_lines_is_replaced(world: Any) -> None:
    answer = world.call("root", "GET", "/task/1", headers={"X-Request-ID": "a b"})
    assert answer.json["request_id"] != "a b"


def test_an_unexpected_error_is_logged_with_its_cause_and_answered_without(
    world: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(world.services.database, "is_reachable", lambda: 1 / 0)
    answer = world.get(None, "/health")
    assert answer.status_code == 500
    assert set(answer.json) == {"msg", "code", "request_id"}
    assert "ZeroDivisionError" in caplog.text
    assert "ZeroDivisionError" not in answer.text


def test_a_database_that_does_not_answer_is_not_an_internal_error(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OperationalError("SELECT 1", {}, OSError("gone"))

    monkeypatch.setattr(world.services.database, "is_reachable", fail)
    answer = world.get(None, "/health")
    assert answer.status_code == 503
    assert "gone" not in answer.text


def test_an_unknown_route_gets_a_page(world: Any) -> None:
    answer = world.get("root", "/nothing")
    assert answer.status_code == 404
    assert answer.mimetype == "text/html"


def test_framework_errors_carry_the_key_of_the_contract(world: Any) -> None:
    method = world.call("root", "PUT", "/task")
    assert method.status_code == 405
    assert {"GET", "POST"} <= set(method.headers["Allow"].split(", "))
    for answer in (method, world.call(None, "POST", "/token/user")):
        assert answer.json["message"] == answer.json["msg"]
        assert answer.json["request_id"]


def test_text_that_no_database_stores_is_refused(world: Any) -> None:
    body = {"image": "img\u0000", "collaboration_id": 1, "organizations": [{"id": 2}]}
    assert world.call("alpha_res", "POST", "/task", body).status_code == 400
    client = world.app.test_client()
    answer = client.post(
        "/api/token/user",
        data='{"username": "\\ud800", "password": "x"}',
        content_type="application/json",
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("query", ["collaboration_id=x", "page=0", "per_page=-1", "sort=nothing"])
def test_nonsense_in_the_query_is_the_callers_fault(world: Any, query: str) -> None:
    assert world.call("root", "GET", f"/task?{query}").status_code == 400


def test_any_page_may_read_answers_by_default(world: Any) -> None:
    client = world.app.test_client()
    assert client.get("/api/version").headers["Access-Control-Allow-Origin"] == "*"
    answer = client.get("/api/version", headers={"Origin": "https://a.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_preflight_is_answered_without_a_token(world: Any) -> None:
    headers = {
        "Origin": "https://a.example",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization",
    }
    answer = world.app.test_client().options("/api/run/1", headers=headers)
    assert answer.status_code == 200
    assert not answer.data
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization"
    assert answer.headers["Access-Control-Allow-Methods"] == (
        "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
    )


def test_only_the_configured_pages_may_read_answers(make_world: Any) -> None:
    world = make_world(cors_allowed_origins=["https://.*[.]example", "https://b.org"])
    client = world.app.test_client()

    def allowed(origin: str) -> bool:
        headers = client.get("/api/version", headers={"Origin": origin}).headers
        return headers.get("Access-Control-Allow-Origin") == origin

    assert allowed("https://a.example")
    assert allowed("https://b.org")
    assert not allowed("https://b.org.evil.net")
    assert "Access-Control-Allow-Origin" not in client.get("/api/version").headers


def test_two_apps_in_one_process_do_not_share_anything(make_world: Any) -> None:
    first, second = make_world(), make_world(jwt_secret_key="t" * 48)
    task = first.add_task()
    assert first.get("root", f"/task/{task}").status_code == 200
    assert second.get("root", f"/task/{task}").status_code == 404
    second.add_token("foreign", first.token("root"))
    assert second.get("foreign", "/task").status_code == 422
    with first.app.app_context():
        here = services()
    with second.app.app_context():
        assert services() is not here
