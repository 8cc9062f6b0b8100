"""Results on their way to the algorithm: decrypted, and of its own job only."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from vantage6.common.crypto.rsa import RsaCryptor

RESULT = b'{"x": 1}'
UUID = "fc2c26eb-86d2-496a-9a52-61a4f4c1e5ae"
OWN_TASK = {"id": 4, "job_id": 2}


def as_text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def result(number: int, value: str | None, *, blob: bool = False) -> dict[str, Any]:
    return {"id": number, "task": {"id": 4}, "result": value, "blob_storage_used": blob}


def page(*results: dict[str, Any]) -> dict[str, Any]:
    return {"data": list(results), "links": {"next": "/api/result?task_id=4&page=2"}}


def test_without_encryption_results_are_passed_on(proxy: Any) -> None:
    proxy.server.answers |= {
        "GET /task/4": OWN_TASK,
        "GET /result": page(result(1, as_text(RESULT)), result(2, None)),
    }

    response = proxy.get("/result?task_id=4&page=1")

    assert response.json == page(result(1, as_text(RESULT)), result(2, None))
    assert proxy.server.asked[-1] == "GET /result?task_id=4&page=1"


def test_with_encryption_results_are_decrypted(encrypting: Any) -> None:
    secret = encrypting.cryptor.encrypt(RESULT, encrypting.cryptor.public_key)
    encrypting.server.answers |= {
        "GET /task/4": OWN_TASK,
        "GET /result": page(result(1, secret), result(2, None), result(3, UUID, blob=True)),
    }

    response = encrypting.get("/result?task_id=4")

    assert response.json == page(
        result(1, as_text(RESULT)), result(2, None), result(3, UUID, blob=True)
    )


def test_a_result_for_someone_else_stays_as_it_is(encrypting: Any, other_key: RsaCryptor) -> None:
    foreign = other_key.encrypt(RESULT, other_key.public_key)
    encrypting.server.answers |= {
        "GET /task/4": OWN_TASK,
        "GET /result": page(result(1, foreign), result(2, "nonsense"), result(3, "")),
    }

    response = encrypting.get("/result?task_id=4")

    assert [each["result"] for each in response.json["data"]] == [foreign, "nonsense", ""]


def test_a_single_result_is_decrypted_too(encrypting: Any) -> None:
    secret = encrypting.cryptor.encrypt(RESULT, encrypting.cryptor.public_key)
    encrypting.server.answers |= {"GET /task/4": OWN_TASK, "GET /result/1": result(1, secret)}

    assert encrypting.get("/result/1").json == result(1, as_text(RESULT))


@pytest.mark.parametrize("query", ["", "?page=1", "?task_id=x"])
def test_the_task_must_be_named(proxy: Any, query: str) -> None:
    response = proxy.get(f"/result{query}")

    assert response.status_code == 400
    assert "task_id=<number>" in response.json["msg"]
    assert proxy.server.requests == []


def test_results_of_another_job_are_not_given(proxy: Any) -> None:
    proxy.server.answers |= {
        "GET /task/4": {"id": 4, "job_id": 99},
        "GET /result": page(result(1, as_text(RESULT))),
        "GET /result/1": result(1, as_text(RESULT)),
    }

    responses = [proxy.get("/result?task_id=4"), proxy.get("/result/1")]

    assert [response.status_code for response in responses] == [403, 403]
    assert "not of the same job" in responses[0].json["msg"]
    assert "GET /result?task_id=4" not in proxy.server.asked


def test_the_job_of_a_task_is_asked_for_once(proxy: Any) -> None:
    proxy.server.answers |= {"GET /task/4": OWN_TASK, "GET /result": page()}

    proxy.get("/result?task_id=4")
    proxy.get("/result?task_id=4")

    assert proxy.server.asked.count("GET /task/4") == 1


def test_the_job_of_a_subtask_is_known_from_its_creation(proxy: Any) -> None:
    proxy.server.answers |= {
        "POST /task": httpx.Response(201, json=OWN_TASK),
        "GET /result": page(),
    }
    proxy.post("/task", json={"organizations": [{"id": 1, "input": "e30="}]})

    assert proxy.get("/result?task_id=4").status_code == 200
    assert proxy.server.asked == ["POST /task", "GET /result?task_id=4"]


def test_a_task_that_may_not_be_seen_gives_the_server_s_refusal(proxy: Any) -> None:
    proxy.server.answers["GET /task/4"] = httpx.Response(401, json={"msg": "No."})

    response = proxy.get("/result?task_id=4")

    assert (response.status_code, response.json) == (401, {"msg": "No."})


def test_runs_of_the_own_job_are_passed_on(encrypting: Any) -> None:
    run = {"id": 8, "task": {"id": 4}, "input": "ciphertext", "status": "completed"}
    encrypting.server.answers |= {
        "GET /task/4": OWN_TASK,
        "GET /run": page(run),
        "GET /run/8": run,
    }

    assert encrypting.get("/run?task_id=4&page=1").json == page(run)
    assert encrypting.get("/run/8").json == run


def test_runs_of_another_job_are_not_given(proxy: Any) -> None:
    proxy.server.answers |= {
        "GET /task/4": {"id": 4, "job_id": 99},
        "GET /run": page({"id": 8, "input": "e30="}),
        "GET /run/8": {"id": 8, "task": {"id": 4}, "input": "e30="},
    }

    responses = [proxy.get("/run?task_id=4"), proxy.get("/run/8"), proxy.get("/run")]

    assert [response.status_code for response in responses] == [403, 403, 400]
    assert not any("e30=" in response.text for response in responses)


def test_a_run_whose_task_was_deleted_is_not_given(proxy: Any) -> None:
    proxy.server.answers["GET /run/8"] = {"id": 8, "task": None}

    response = proxy.get("/run/8")

    assert response.status_code == 404
    assert "belongs to no task" in response.json["msg"]


def test_only_the_task_that_was_checked_is_asked_for(proxy: Any) -> None:
    proxy.server.answers |= {"GET /task/4": OWN_TASK, "GET /result": page(), "GET /run": page()}

    proxy.get("/result?task_id=4&task_id=99")
    proxy.get("/run?task_id=0_4&task_id=99")

    assert proxy.server.asked[-2:] == ["GET /result?task_id=4", "GET /run?task_id=4"]


def test_results_within_tasks_are_those_of_the_own_job_too(proxy: Any) -> None:
    own = {**OWN_TASK, "results": [result(1, as_text(RESULT))]}
    proxy.server.answers |= {
        "GET /task": page(own),
        "GET /task/4": own,
        "GET /task/5": {"id": 5, "job_id": 99, "results": [result(2, as_text(RESULT))]},
    }

    given = [proxy.get("/task?include=results&job_id=2"), proxy.get("/task/4?include=results,runs")]
    refused = [
        proxy.get("/task?include=results"),
        proxy.get("/task?include=runs&job_id=99"),
        proxy.get("/task?include=results&job_id=2&job_id=99"),
        proxy.get("/task?include=&include=results"),
        proxy.get("/task/5?include=runs"),
    ]

    assert [response.status_code for response in given] == [200, 200]
    assert [response.status_code for response in refused] == [403] * 5
    assert not any(as_text(RESULT) in response.text for response in refused)
