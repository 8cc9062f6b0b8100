"""Subtasks on their way to the server."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from vantage6.common.crypto.rsa import RsaCryptor
from vantage6.node.proxy import tasks

INPUT = b'{"method": "partial"}'
UUID = "fc2c26eb-86d2-496a-9a52-61a4f4c1e5ae"


def body(*organizations: Any) -> dict[str, Any]:
    return {
        "name": "subtask",
        "image": "image:1",
        "collaboration_id": 1,
        "description": "d",
        "organizations": [
            each if isinstance(each, dict) else {"id": each, "input": as_text(INPUT)}
            for each in organizations
        ],
        "databases": [],
    }


def as_text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def created(proxy: Any) -> None:
    proxy.server.answers["POST /task"] = httpx.Response(201, json={"id": 4, "job_id": 2})


def test_without_encryption_a_task_is_passed_on_unchanged(proxy: Any) -> None:
    created(proxy)

    response = proxy.post("/task", json=body(3))

    assert (response.status_code, response.json) == (201, {"id": 4, "job_id": 2})
    assert response.content_type == "application/json"
    assert proxy.server.sent() == body(3)
    assert proxy.server.asked == ["POST /task"]


def test_with_encryption_each_input_is_for_its_organization_only(
    encrypting: Any, other_key: RsaCryptor
) -> None:
    created(encrypting)
    for number, cryptor in ((3, other_key), (4, encrypting.cryptor)):
        encrypting.server.answers[f"GET /organization/{number}"] = {
            "id": number,
            "public_key": cryptor.public_key,
        }

    assert encrypting.post("/task", json=body(3, 4)).status_code == 201

    first, second = encrypting.server.sent()["organizations"]
    assert (first["id"], second["id"]) == (3, 4)
    assert other_key.decrypt(first["input"]) == INPUT
    assert encrypting.cryptor.decrypt(second["input"]) == INPUT
    tokens = {each.headers["Authorization"] for each in encrypting.server.requests}
    assert tokens == {"Bearer the.run.token"}


def test_an_input_that_was_uploaded_stays_a_reference(encrypting: Any) -> None:
    created(encrypting)
    encrypting.server.answers["GET /organization/3"] = {"public_key": encrypting.cryptor.public_key}

    encrypting.post("/task", json=body({"id": 3, "input": UUID}))

    assert encrypting.server.sent()["organizations"] == [{"id": 3, "input": UUID}]


@pytest.mark.parametrize("value", [{"method": "partial"}, ["secret"], 5])
def test_an_input_that_would_go_on_without_encryption_is_refused(
    encrypting: Any, value: Any
) -> None:
    response = encrypting.post("/task", json=body({"id": 1, "input": value}))

    assert response.status_code == 400
    assert "must be text" in response.json["msg"]
    assert encrypting.server.requests == []


def test_a_task_too_large_for_the_node_s_memory_is_refused(
    proxy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "_LARGEST_TASK", 1000)
    created(proxy)

    assert proxy.post("/task", json=body(1)).status_code == 201
    response = proxy.post("/task", json=body({"id": 1, "input": "A" * 1000}))

    assert response.status_code == 413
    assert "at most 1000" in response.json["msg"]


@pytest.mark.parametrize("key", ["", None, "no key"])
def test_an_organization_without_usable_key_is_named(encrypting: Any, key: str | None) -> None:
    encrypting.server.answers["GET /organization/3"] = {"name": "beta", "public_key": key}

    response = encrypting.post("/task", json=body(3))

    assert response.status_code == 400
    assert "rganization 3" in response.json["msg"]
    assert encrypting.server.asked == ["GET /organization/3"]


def test_an_unknown_organization_is_named(encrypting: Any) -> None:
    response = encrypting.post("/task", json=body(9))

    assert response.status_code == 400
    assert "no organization 9" in response.json["msg"]


def test_input_that_is_not_base64_is_told(encrypting: Any) -> None:
    encrypting.server.answers["GET /organization/3"] = {"public_key": encrypting.cryptor.public_key}

    response = encrypting.post("/task", json=body({"id": 3, "input": "a"}))

    assert response.status_code == 400
    assert "organization 3 is not base64 text" in response.json["msg"]


@pytest.mark.parametrize("organizations", [None, [], 0])
def test_a_task_needs_organizations(proxy: Any, organizations: Any) -> None:
    response = proxy.post("/task", json={"name": "x", "organizations": organizations})

    assert response.status_code == 400
    assert response.json == {"msg": "Organizations missing from input"}


@pytest.mark.parametrize("organizations", [{"id": 3}, ["x"], [{"input": "x"}], [{"id": "3"}]])
def test_organizations_that_are_no_list_of_objects_are_refused(
    proxy: Any, organizations: Any
) -> None:
    response = proxy.post("/task", json={"organizations": organizations})

    assert response.status_code == 400
    assert "list of objects" in response.json["msg"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"null"])
def test_a_body_that_is_no_object_is_refused(proxy: Any, content: bytes) -> None:
    response = proxy.post("/task", data=content, content_type="application/json")

    assert response.status_code == 400
    assert "must be a JSON object" in response.json["msg"]


def test_a_lost_answer_is_asked_for_again_under_the_same_key(proxy: Any) -> None:
    proxy.server.answers["POST /task"] = [
        httpx.ReadError("broken"),
        httpx.Response(201, json={"id": 4}),
    ]

    assert proxy.post("/task", json=body(3)).status_code == 201

    first, second = (each.headers["Idempotency-Key"] for each in proxy.server.requests)
    assert first == second
    assert len(first) == 32


def test_two_tasks_have_different_keys(proxy: Any) -> None:
    created(proxy)

    proxy.post("/task", json=body(3))
    proxy.post("/task", json=body(3))

    first, second = (each.headers["Idempotency-Key"] for each in proxy.server.requests)
    assert first != second


def test_a_server_that_does_not_know_keys_gets_a_task_at_most_once(cautious: Any) -> None:
    cautious.server.answers["POST /task"] = httpx.ReadError("broken")

    assert cautious.post("/task", json=body(3)).status_code == 502
    assert cautious.server.asked == ["POST /task"]


def test_a_refusal_of_the_server_reaches_the_algorithm(proxy: Any) -> None:
    refusal = {"msg": "Task is already finished!"}
    proxy.server.answers["POST /task"] = httpx.Response(400, json=refusal)

    response = proxy.post("/task", json=body(3))

    assert (response.status_code, response.json) == (400, refusal)
    assert json.loads(proxy.server.bodies[0]) == body(3)
