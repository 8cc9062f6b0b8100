"""Reading results, and inputs of runs."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from vantage6.client import UserClient
from vantage6.client.exceptions import RefusedError
from vantage6.common.crypto.keys import fingerprint, public_key_text
from vantage6.common.crypto.rsa import RsaCryptor
from vantage6.common.encryption import RSACryptor
from vantage6.common.errors import DecryptionError
from vantage6.common.testing.crypto import private_key
from vantage6.common.testing.server import ScriptedServer, link, page

UUID = "15e4beb4-379e-402e-b2c1-a0da1bfab3a2"
JSON = '{"mean": 42.0, "naam": "één"}'
PLAIN = base64.b64encode(JSON.encode()).decode()


def encrypted_for(name: str, data: bytes = JSON.encode()) -> str:
    return RsaCryptor(private_key("sender")).encrypt(data, public_key_text(private_key(name)))


def use_key(client: UserClient, name: str = "ours") -> None:
    cryptor = RSACryptor.__new__(RSACryptor)
    cryptor.private_key = private_key(name)
    client.cryptor = cryptor


def result(id_: int, text: str | None, *, blob: bool = False) -> dict[str, Any]:
    return {
        "id": id_,
        "result": text,
        "run": link("run", id_),
        "task": link("task", 5),
        "cleanup_at": None,
        "blob_storage_used": blob,
    }


def run(id_: int, text: str | None, organization: int = 2, *, blob: bool = False) -> dict[str, Any]:
    return {
        "id": id_,
        "input": text,
        "status": "completed",
        "organization": link("organization", organization),
        "blob_storage_used": blob,
    }


def test_result_is_text_and_everything_else_stays(
    client: UserClient, server: ScriptedServer
) -> None:
    server.on("GET", "/result", page(result(27, PLAIN), result(26, "")))
    answer = client.result.from_task(18)
    assert answer["data"] == [result(27, JSON), result(26, "")]
    assert answer["links"] == page()["links"]


def test_run_without_result_gives_none_and_failed_one_the_empty_text(
    client: UserClient, server: ScriptedServer
) -> None:
    server.on("GET", "/result", page(result(1, None), result(2, "")))
    assert [item["result"] for item in client.result.from_task(5)["data"]] == [None, ""]


def test_bytes_that_are_no_text_stay_bytes(client: UserClient, server: ScriptedServer) -> None:
    server.on("GET", "/result/3", result(3, base64.b64encode(b"\xff\xfe").decode()))
    assert client.result.get(3) == b"\xff\xfe"


def test_results_of_all_pages_are_returned(client: UserClient, server: ScriptedServer) -> None:
    def one_of_three(seen: Any) -> httpx.Response:
        number = int(seen.query["page"])
        following = f"/api/result?task_id=5&page={number + 1}" if number < 3 else None
        return httpx.Response(200, json=page(result(number, PLAIN), following=following))

    server.reply("GET", "/result", one_of_three)
    answer = client.result.from_task(5)
    assert [item["id"] for item in answer["data"]] == [1, 2, 3]
    assert "next" not in answer["links"]
    assert {seen.query["task_id"] for seen in server.seen} == {"5"}


def test_encrypted_result_is_read_with_our_key(client: UserClient, server: ScriptedServer) -> None:
    use_key(client)
    server.on("GET", "/result", page(result(1, encrypted_for("ours"))))
    assert client.result.from_task(5)["data"][0]["result"] == JSON
    server.on("GET", "/result/1", result(1, encrypted_for("ours")))
    assert client.result.get(1) == JSON


@pytest.mark.parametrize(
    ("written", "read"), [(b"no JSON!", "no JSON!"), (b"\xff\x00\xff", b"\xff\x00\xff")]
)
def test_what_an_algorithm_wrote_instead_of_json_is_given_as_it_is(
    written: bytes,
    read: str | bytes,
    client: UserClient,
    server: ScriptedServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    use_key(client)
    server.on(
        "GET",
        "/result",
        page(result(1, encrypted_for("ours")), result(2, encrypted_for("ours", written))),
    )
    results = client.result.from_task(5)["data"]
    assert [each["result"] for each in results] == [JSON, read]
    assert "not JSON and is given as it is" in caplog.text


def test_failed_run_of_an_encrypted_collaboration_gives_the_empty_text(
    client: UserClient, server: ScriptedServer
) -> None:
    use_key(client)
    server.on("GET", "/result", page(result(1, encrypted_for("ours", b""))))
    assert client.result.from_task(5)["data"][0]["result"] == ""


def test_plain_result_is_read_although_a_key_is_set(
    client: UserClient, server: ScriptedServer
) -> None:
    use_key(client)
    server.on("GET", "/result", page(result(1, PLAIN)))
    assert client.result.from_task(5)["data"][0]["result"] == JSON


def test_result_for_another_key_names_run_key_and_remedy(
    client: UserClient, server: ScriptedServer
) -> None:
    use_key(client)
    server.on("GET", "/result", page(result(41, encrypted_for("theirs"))))
    with pytest.raises(DecryptionError, match="result of run 41") as caught:
        client.result.from_task(5)
    assert fingerprint(public_key_text(private_key("ours"))) in str(caught.value)
    assert "use the private key" in str(caught.value)


def test_encrypted_result_without_key_asks_for_one(
    client: UserClient, server: ScriptedServer
) -> None:
    server.on("GET", "/result/41", result(41, encrypted_for("ours")))
    with pytest.raises(DecryptionError, match=r"run 41.*no private key is set"):
        client.result.get(41)


@pytest.mark.parametrize("encrypted", [True, False])
def test_stored_result_is_fetched(
    encrypted: bool, client: UserClient, server: ScriptedServer
) -> None:
    use_key(client)
    blob = PLAIN.encode()
    if encrypted:
        key = public_key_text(private_key("ours"))
        blob = b"".join(RsaCryptor(private_key("sender")).encrypt_stream([JSON.encode()], key))
    server.on("GET", "/result", page(result(1, UUID, blob=True)))
    server.reply("GET", f"/blobstream/{UUID}", lambda _: httpx.Response(200, content=blob))
    assert client.result.from_task(5)["data"][0]["result"] == JSON


def test_refused_results_are_raised_as_the_key_error_of_released_clients(
    client: UserClient, server: ScriptedServer
) -> None:
    server.on("GET", "/result", {"msg": "Task 5 is unknown"}, status=400)
    server.on("GET", "/result/5", {"msg": "Run 5 is unknown"}, status=404)
    with pytest.raises(RefusedError, match="Task 5 is unknown") as caught:
        client.result.from_task(5)
    assert isinstance(caught.value, KeyError)
    assert caught.value.status == 400
    with pytest.raises(RefusedError, match="Run 5 is unknown"):
        client.result.get(5)


def test_input_of_a_run_becomes_text(client: UserClient, server: ScriptedServer) -> None:
    server.on("GET", "/run/7", run(7, PLAIN))
    assert client.run.get(7)["input"] == JSON
    assert client.run.get(7, decrypt_input=False)["input"] == PLAIN
    assert client.run.get(7, field="id") == {"id": 7}


def test_inputs_for_others_stay_encrypted(
    client: UserClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    use_key(client)
    theirs = encrypted_for("theirs")
    server.on("GET", "/run", page(run(1, encrypted_for("ours")), run(2, theirs, organization=3)))
    inputs = [item["input"] for item in client.run.list(task=5)["data"]]
    assert inputs == [JSON, theirs]
    assert "input of run 2 stays encrypted" in caplog.text


def test_input_for_us_that_cannot_be_read_is_an_error_with_a_way_out(
    client: UserClient, server: ScriptedServer
) -> None:
    use_key(client)
    lost = encrypted_for("lost")
    server.on("GET", "/run", page(run(1, lost)))
    with pytest.raises(DecryptionError, match=r"run 1.*decrypt_input=False"):
        client.run.list()
    assert client.run.list(decrypt_input=False)["data"][0]["input"] == lost
    assert client.run.from_task(5, decrypt_input=False)["data"][0]["input"] == lost


def test_runs_can_be_looked_at_without_a_key(client: UserClient, server: ScriptedServer) -> None:
    server.on("GET", "/run", page(run(1, encrypted_for("ours"))))
    assert client.run.list()["data"][0]["status"] == "completed"


def test_runs_of_all_pages_are_returned(client: UserClient, server: ScriptedServer) -> None:
    def one_of_two(seen: Any) -> httpx.Response:
        number = int(seen.query["page"])
        following = "/api/run?task_id=5&page=2" if number == 1 else None
        return httpx.Response(200, json=page(run(number, PLAIN), following=following))

    server.reply("GET", "/run", one_of_two)
    answer = client.run.from_task(5, include_task=True)
    assert [item["input"] for item in answer["data"]] == [JSON, JSON]
    assert {seen.query["include"] for seen in server.seen} == {"task"}
    assert client.run.from_task(5, field="id") == [{"id": 1}, {"id": 2}]


def test_input_that_cannot_be_fetched_stays_a_reference(
    client: UserClient, server: ScriptedServer
) -> None:
    server.on("GET", "/run/7", run(7, UUID, blob=True))
    server.on("GET", f"/blobstream/{UUID}", {"msg": "You may not."}, status=403)
    assert client.run.get(7)["input"] == UUID


def test_refused_runs_are_returned_by_get_and_list(
    client: UserClient, server: ScriptedServer
) -> None:
    server.on("GET", "/run/7", {"msg": "Run 7 is unknown"}, status=404)
    server.on("GET", "/run", {"msg": "Task 5 is unknown"}, status=400)
    assert client.run.get(7) == {"msg": "Run 7 is unknown"}
    assert client.run.list(task=5) == {"msg": "Task 5 is unknown"}
    with pytest.raises(RefusedError, match="Task 5 is unknown"):
        client.run.from_task(5)
