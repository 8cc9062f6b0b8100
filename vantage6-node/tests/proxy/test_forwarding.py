"""Who may ask the proxy, for what, and how answers come back."""

from __future__ import annotations

from typing import Any

import httpx
import pytest


def test_a_request_goes_on_with_the_token_of_the_run(proxy: Any) -> None:
    proxy.server.answers["GET /task/3"] = {"id": 3}

    response = proxy.get("/task/3")

    assert response.json == {"id": 3}
    assert response.content_type == "application/json"
    assert proxy.server.requests[0].headers["Authorization"] == "Bearer the.run.token"


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer other"}, {"Authorization": "the.run.token"}]
)
def test_who_is_not_an_active_run_is_refused(proxy: Any, header: dict[str, str]) -> None:
    response = proxy.client.get("/task/3", headers=header)

    assert response.status_code == 401
    assert "not belong to a run that is active at this node" in response.json["msg"]
    assert proxy.server.requests == []


def test_a_token_counts_no_more_when_its_run_has_ended(proxy: Any) -> None:
    proxy.server.answers["GET /task/3"] = {"id": 3}
    assert proxy.get("/task/3").status_code == 200

    proxy.tokens.forget(7)

    assert proxy.get("/task/3").status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/version",
        "/organization",
        "/organization/2",
        "/collaboration/1",
        "/study",
        "/study/1",
        "/task",
        "/task/3",
        "/task/3/status",
        "/vpn/algorithm/addresses",
        "/blobstream/status",
    ],
)
def test_what_the_algorithm_client_reads_is_offered(proxy: Any, path: str) -> None:
    proxy.server.answers[f"GET {path}"] = {"fine": True}

    assert proxy.get(path).json == {"fine": True}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/user"),
        ("GET", "/node"),
        ("GET", "/role/1"),
        ("POST", "/token/container"),
        ("POST", "/kill/task"),
        ("GET", "/task/3/../../user"),
        ("GET", "/task/%2e%2e/user"),
        ("GET", "/task/..%2fuser"),
        ("GET", "//user"),
        ("GET", "//task/3"),
        ("GET", "/task/3%2fstatus%2f..%2f..%2fuser"),
        ("GET", "/blobstream/not-a-uuid"),
        ("GET", "http://elsewhere.test/task/3"),
    ],
)
def test_nothing_else_is(proxy: Any, method: str, path: str) -> None:
    response = proxy.request(method, path)

    assert response.status_code in {403, 404}
    assert response.json["msg"]
    assert all(asked == "GET /task/3" for asked in proxy.server.asked)


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/task/3"), ("PATCH", "/run/7"), ("PATCH", "/organization/2"), ("PUT", "/task")],
)
def test_nothing_can_be_changed(proxy: Any, method: str, path: str) -> None:
    response = proxy.request(method, path, json={})

    assert response.status_code == 405
    assert response.json["msg"]
    assert proxy.server.requests == []


def test_numbers_reach_the_server_in_their_plain_form(proxy: Any) -> None:
    proxy.server.answers["GET /task/3"] = {"id": 3}

    proxy.get("/task/003")
    proxy.get("/task/٣")

    assert proxy.server.asked[0] == "GET /task/3"
    assert set(proxy.server.asked) == {"GET /task/3"}


def test_the_query_is_passed_on_with_repeated_names(proxy: Any) -> None:
    proxy.server.answers["GET /organization"] = {"data": []}

    proxy.get("/organization?collaboration_id=1&page=2&ids=1&ids=2")

    assert proxy.server.asked == ["GET /organization?collaboration_id=1&page=2&ids=1&ids=2"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500])
def test_a_refusal_comes_back_as_the_server_put_it(proxy: Any, status: int) -> None:
    body = {"msg": "No.", "errors": {"x": ["y"]}}
    proxy.server.answers["GET /study/7"] = httpx.Response(status, json=body)

    response = proxy.get("/study/7")

    assert (response.status_code, response.json) == (status, body)


def test_reading_is_repeated_when_the_server_is_away_for_a_moment(proxy: Any) -> None:
    proxy.server.answers["GET /study/7"] = [
        httpx.ConnectError("refused"),
        httpx.Response(503, html="<html>away</html>"),
        {"id": 7},
    ]

    assert proxy.get("/study/7").json == {"id": 7}


def test_a_server_that_stays_away_is_told_in_one_sentence(proxy: Any) -> None:
    proxy.server.answers["GET /study/7"] = httpx.ConnectError("refused")

    response = proxy.get("/study/7")

    assert response.status_code == 502
    assert response.json == {"msg": "The server of this node does not answer; try again later."}


def test_an_answer_that_is_no_json_is_told(proxy: Any) -> None:
    proxy.server.answers["GET /study/7"] = httpx.Response(403, html="<html>blocked</html>")

    response = proxy.get("/study/7")

    assert response.status_code == 502
    assert "did not answer as expected" in response.json["msg"]


def test_paging_headers_are_passed_on(proxy: Any) -> None:
    proxy.server.answers["GET /study"] = httpx.Response(
        200, json={"data": []}, headers={"total-count": "5", "Link": "</api/study>; rel=self"}
    )

    headers = proxy.get("/study").headers

    assert headers["total-count"] == "5"
    assert headers["Link"] == "</api/study>; rel=self"


def test_a_fault_of_the_proxy_is_json_too(
    proxy: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.server.answers["GET /study/7"] = RuntimeError("unforeseen")

    response = proxy.get("/study/7")

    assert response.status_code == 500
    assert response.json == {"msg": "The proxy of the node failed; see the log of the node."}
    assert "unforeseen" in caplog.text
    assert "the.run.token" not in caplog.text
