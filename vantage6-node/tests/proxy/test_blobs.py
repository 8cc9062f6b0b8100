"""Large payloads through the proxy."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from vantage6.common.crypto.rsa import RsaCryptor

RESULT = b'{"x": 1}' * 400_000
UUID = "fc2c26eb-86d2-496a-9a52-61a4f4c1e5ae"


def stored(content: bytes) -> httpx.Response:
    return httpx.Response(
        200, content=content, headers={"Content-Type": "application/octet-stream"}
    )


def known(proxy: Any) -> None:
    """Let the algorithm be told about a stored result of its job."""
    proxy.server.answers |= {
        "GET /task/4": {"id": 4, "job_id": 2},
        "GET /result": {
            "data": [{"id": 1, "result": UUID, "blob_storage_used": True}],
            "links": {},
        },
    }
    assert proxy.get("/result?task_id=4").status_code == 200


def encrypted(cryptor: Any) -> bytes:
    return b"".join(cryptor.encrypt_stream([RESULT], cryptor.public_key))


def test_a_stored_result_is_decrypted(encrypting: Any) -> None:
    known(encrypting)
    encrypting.server.answers[f"GET /blobstream/{UUID}"] = stored(encrypted(encrypting.cryptor))

    response = encrypting.get(f"/blobstream/{UUID}")

    assert response.data == RESULT
    assert response.content_type == "application/octet-stream"


def test_without_encryption_a_stored_result_is_base64(proxy: Any) -> None:
    known(proxy)
    proxy.server.answers[f"GET /blobstream/{UUID}"] = stored(base64.b64encode(RESULT))

    assert proxy.get(f"/blobstream/{UUID}").data == RESULT


def test_a_result_for_someone_else_is_told(encrypting: Any, other_key: RsaCryptor) -> None:
    known(encrypting)
    encrypting.server.answers[f"GET /blobstream/{UUID}"] = stored(b"no message at all")

    response = encrypting.get(f"/blobstream/{UUID}")

    assert response.status_code == 500
    assert "cannot be decrypted at this node" in response.json["msg"]


def test_a_refusal_of_the_server_is_passed_on(proxy: Any) -> None:
    known(proxy)
    proxy.server.answers[f"GET /blobstream/{UUID}"] = httpx.Response(501, json={"msg": "None."})

    response = proxy.get(f"/blobstream/{UUID}")

    assert (response.status_code, response.json) == (501, {"msg": "None."})


def test_a_payload_of_another_job_is_not_given(proxy: Any) -> None:
    proxy.server.answers |= {
        "GET /task": {"data": [{"id": 4}], "links": {}},
        "GET /result": {"data": [], "links": {}},
        f"GET /blobstream/{UUID}": stored(b""),
    }

    response = proxy.get(f"/blobstream/{UUID}")

    assert response.status_code == 403
    assert f"GET /blobstream/{UUID}" not in proxy.server.asked
    assert any(
        asked.startswith("GET /task?") and "job_id=2" in asked for asked in proxy.server.asked
    )


def test_a_restarted_proxy_finds_the_payloads_of_the_job_again(proxy: Any) -> None:
    proxy.server.answers |= {
        "GET /task": {"data": [{"id": 4}], "links": {}},
        "GET /result": {
            "data": [{"id": 1, "result": UUID, "blob_storage_used": True}],
            "links": {},
        },
        f"GET /blobstream/{UUID}": stored(base64.b64encode(RESULT)),
    }

    assert proxy.get(f"/blobstream/{UUID}").data == RESULT


def test_an_upload_is_encrypted_for_its_receiver(encrypting: Any, other_key: RsaCryptor) -> None:
    encrypting.server.answers["POST /blobstream"] = httpx.Response(201, json={"uuid": UUID})

    response = encrypting.post(
        "/blobstream", data=RESULT, headers={"X-Public-Key": other_key.public_key}
    )

    assert (response.status_code, response.json) == (201, {"uuid": UUID})
    assert b"".join(other_key.decrypt_stream([encrypting.server.bodies[0]])) == RESULT
    assert encrypting.server.requests[0].headers["Authorization"] == "Bearer the.run.token"


def test_without_encryption_an_upload_needs_no_key(proxy: Any) -> None:
    proxy.server.answers["POST /blobstream"] = httpx.Response(201, json={"uuid": UUID})

    assert proxy.post("/blobstream", data=RESULT).status_code == 201
    assert base64.b64decode(proxy.server.bodies[0]) == RESULT


@pytest.mark.parametrize("headers", [{}, {"X-Public-Key": "no key"}])
def test_with_encryption_an_upload_needs_a_key(encrypting: Any, headers: dict[str, str]) -> None:
    response = encrypting.post("/blobstream", data=RESULT, headers=headers)

    assert response.status_code == 400
    assert "X-Public-Key" in response.json["msg"]
    assert encrypting.server.requests == []
