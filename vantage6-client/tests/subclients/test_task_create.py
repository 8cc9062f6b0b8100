"""Creating tasks."""

from __future__ import annotations

import base64
import json
from datetime import date
from typing import Any

import httpx
import pytest

from vantage6.client import UserClient
from vantage6.client.exceptions import NotLoggedInError
from vantage6.common.crypto.keys import public_key_text
from vantage6.common.crypto.rsa import RsaCryptor
from vantage6.common.encryption import RSACryptor
from vantage6.common.errors import ConnectionFailedError, CryptoError, PublicKeyError
from vantage6.common.testing.crypto import private_key
from vantage6.common.testing.server import ScriptedServer, Seen, link, page

INPUT = {"method": "partial", "kwargs": {"column": "Age"}}
INPUT_BYTES = b'{"method": "partial", "kwargs": {"column": "Age"}}'
TASK = {"id": 18, "name": "partial", "status": "pending"}
UUID = "15e4beb4-379e-402e-b2c1-a0da1bfab3a2"
ARGUMENTS: dict[str, Any] = {
    "organizations": [2, 3],
    "name": "partial",
    "image": "testalgo:1",
    "description": "desc",
    "input_": INPUT,
    "collaboration": 1,
}


@pytest.fixture
def ready(server: ScriptedServer, client: UserClient) -> ScriptedServer:
    """Return a server with a plain collaboration 1, ready to take tasks."""
    server.on("GET", "/collaboration/1", {"id": 1, "encrypted": False})
    server.on("GET", "/blobstream/status", {"blob_store_enabled": False})
    server.on("POST", "/task", TASK, status=201)
    return server


@pytest.fixture
def encrypted(server: ScriptedServer, client: UserClient) -> ScriptedServer:
    """Return a server with an encrypted collaboration 2; the client has a key."""
    server.on("GET", "/collaboration/2", {"id": 2, "encrypted": True})
    server.on("GET", "/blobstream/status", {"blob_store_enabled": False})
    server.on("POST", "/task", TASK, status=201)
    client.cryptor = rsa_cryptor("ours")
    return server


def rsa_cryptor(name: str) -> RSACryptor:
    cryptor = RSACryptor.__new__(RSACryptor)
    cryptor.private_key = private_key(name)
    return cryptor


def organization(id_: int, name: str, key: str | None = None) -> dict[str, Any]:
    text = public_key_text(private_key(key)) if key else ""
    return {"id": id_, "name": name, "public_key": text}


def test_task_is_sent_as_released_clients_send_it(
    client: UserClient, ready: ScriptedServer
) -> None:
    answer = client.task.create(**ARGUMENTS, databases=[{"label": "default"}])
    input_text = base64.b64encode(INPUT_BYTES).decode()
    assert answer == TASK
    assert json.dumps(ready.last().body) == json.dumps(
        {
            "name": "partial",
            "image": "testalgo:1",
            "description": "desc",
            "organizations": [{"id": 2, "input": input_text}, {"id": 3, "input": input_text}],
            "databases": [{"label": "default"}],
            "collaboration_id": 1,
        }
    )


def test_arguments_may_be_given_by_position(client: UserClient, ready: ScriptedServer) -> None:
    client.task.create([2], "n", "i", "d", INPUT, 1, 4, 5, "https://server.test", "default")
    body = ready.last().body
    assert (body["name"], body["image"], body["description"]) == ("n", "i", "d")
    assert (body["collaboration_id"], body["study_id"], body["store_id"]) == (1, 4, 5)
    assert body["server_url"] == "https://server.test"
    assert body["databases"] == [{"label": "default"}]


def test_chosen_collaboration_and_store_are_the_defaults(
    client: UserClient, ready: ScriptedServer
) -> None:
    client.collaboration_id = 1
    client.store.store_id = 6
    client.task.create([2], "n", "i", "d", INPUT)
    assert ready.last().body["collaboration_id"] == 1
    assert ready.last().body["store_id"] == 6


def test_study_alone_is_enough(client: UserClient, ready: ScriptedServer) -> None:
    ready.on("GET", "/study/4", {"id": 4, "collaboration": link("collaboration", 1)})
    client.task.create([2], "n", "i", "d", INPUT, study=4)
    assert "collaboration_id" not in ready.last().body
    assert ready.last().body["study_id"] == 4


def test_selection_applies_to_the_new_task(client: UserClient, ready: ScriptedServer) -> None:
    assert client.task.create(**ARGUMENTS, field="id") == {"id": 18}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"collaboration": None}, "Neither a collaboration nor a study"),
        ({"organizations": None}, "No organizations are given"),
        ({"databases": [{"query": "x"}]}, "no usable label"),
        ({"databases": [{"label": "no spaces"}]}, "no usable label"),
        ({"databases": [{"label": ""}]}, "no usable label"),
        ({"databases": ["default"]}, "no usable label"),
        ({"databases": {"label": "default"}}, "pass a list"),
    ],
)
def test_unusable_arguments_are_refused_before_anything_is_sent(
    change: dict[str, Any], words: str, client: UserClient, server: ScriptedServer
) -> None:
    with pytest.raises(ValueError, match=words):
        client.task.create(**{**ARGUMENTS, **change})
    assert server.seen == []


@pytest.mark.parametrize("value", [{1, 2}, date(2026, 1, 1), object()])
def test_input_that_is_no_json_is_a_type_error_naming_its_type(
    value: object, client: UserClient, server: ScriptedServer
) -> None:
    with pytest.raises(TypeError, match=type(value).__name__):
        client.task.create(**{**ARGUMENTS, "input_": {"kwargs": {"x": value}}})
    assert server.seen == []


def test_login_has_to_come_first(client: UserClient) -> None:
    client.cryptor = None
    with pytest.raises(NotLoggedInError):
        client.task.create(**ARGUMENTS)


def test_refusal_is_returned(client: UserClient, server: ScriptedServer) -> None:
    server.on("GET", "/collaboration/1", {"id": 1, "encrypted": False})
    server.on("GET", "/blobstream/status", {"blob_store_enabled": False})
    server.on("POST", "/task", {"msg": "Organizations [9] are not in it"}, status=400)
    assert client.task.create(**ARGUMENTS) == {"msg": "Organizations [9] are not in it"}


def test_each_organization_gets_an_input_only_it_can_read(
    client: UserClient, encrypted: ScriptedServer
) -> None:
    encrypted.on(
        "GET",
        "/organization",
        page(organization(2, "alpha", "ours"), organization(3, "beta", "theirs")),
    )
    client.task.create(**{**ARGUMENTS, "collaboration": 2})
    inputs = {item["id"]: item["input"] for item in encrypted.last().body["organizations"]}
    assert RsaCryptor(private_key("ours")).decrypt(inputs[2]) == INPUT_BYTES
    assert RsaCryptor(private_key("theirs")).decrypt(inputs[3]) == INPUT_BYTES
    asked = encrypted.asked("GET", "/organization")[0]
    assert asked.url.params.get_list("ids") == ["2", "3"]


def test_organization_without_key_is_named_and_nothing_is_sent(
    client: UserClient, encrypted: ScriptedServer
) -> None:
    organizations = page(organization(2, "alpha", "ours"), organization(3, "beta"))
    encrypted.on("GET", "/organization", organizations)
    with pytest.raises(PublicKeyError, match=r"beta \(3\)"):
        client.task.create(**{**ARGUMENTS, "collaboration": 2})
    assert encrypted.asked("POST", "/task") == []


def test_organization_that_cannot_be_seen_is_named_and_nothing_is_sent(
    client: UserClient, encrypted: ScriptedServer
) -> None:
    encrypted.on("GET", "/organization", page(organization(2, "alpha", "ours")))
    with pytest.raises(PublicKeyError, match="organization 3"):
        client.task.create(**{**ARGUMENTS, "collaboration": 2})
    assert encrypted.asked("POST", "/task") == []


def test_plain_input_never_reaches_an_encrypted_collaboration(
    client: UserClient, server: ScriptedServer
) -> None:
    server.on("GET", "/collaboration/2", {"id": 2, "encrypted": True})
    with pytest.raises(CryptoError, match=r"Collaboration 2 is encrypted.*setup_encryption"):
        client.task.create(**{**ARGUMENTS, "collaboration": 2})
    assert [seen.method for seen in server.seen] == ["GET"]


def test_encrypting_client_does_not_fall_back_to_plain_text(
    client: UserClient, ready: ScriptedServer
) -> None:
    client.cryptor = rsa_cryptor("ours")
    with pytest.raises(CryptoError, match=r"not encrypted.*setup_encryption\(None\)"):
        client.task.create(**ARGUMENTS)
    assert ready.asked("POST", "/task") == []


def test_collaboration_that_cannot_be_seen_is_left_to_the_server(
    client: UserClient, server: ScriptedServer
) -> None:
    server.on("GET", "/collaboration/1", {"msg": "not for you"}, status=403)
    server.on("GET", "/blobstream/status", {"blob_store_enabled": False})
    server.on("POST", "/task", TASK, status=201)
    assert client.task.create(**ARGUMENTS) == TASK


def test_blob_storage_takes_the_inputs(client: UserClient, server: ScriptedServer) -> None:
    server.on("GET", "/collaboration/1", {"id": 1, "encrypted": False})
    server.on("GET", "/blobstream/status", {"blob_store_enabled": True})
    server.on("POST", "/blobstream", {"uuid": UUID}, status=201)
    server.on("POST", "/task", TASK, status=201)
    client.task.create(**ARGUMENTS)
    assert server.last().body["organizations"] == [
        {"id": 2, "input": UUID},
        {"id": 3, "input": UUID},
    ]
    upload = server.asked("POST", "/blobstream")[0]
    assert base64.b64decode(upload.content) == INPUT_BYTES
    assert upload.headers["content-type"] == "application/octet-stream"
    assert len(server.asked("GET", "/blobstream/status")) == 1


def test_every_task_has_a_key_of_its_own_for_repetitions(
    client: UserClient, ready: ScriptedServer
) -> None:
    client.task.create(**ARGUMENTS)
    client.task.create(**ARGUMENTS)
    first, second = (seen.headers["idempotency-key"] for seen in ready.asked("POST", "/task"))
    assert first != second


def test_lost_answer_leads_to_a_repetition_where_the_server_recognises_it(
    client: UserClient, server: ScriptedServer
) -> None:
    server.on("GET", "/collaboration/1", {"id": 1, "encrypted": False})
    server.on("GET", "/blobstream/status", {"blob_store_enabled": False})
    server.lose_answer("POST", "/task")
    server.reply("POST", "/task", lambda _: httpx.Response(503, text="away"))
    server.on("POST", "/task", TASK, status=201)
    server.on("GET", "/version", {"version": "4.15.2", "release": "4.15.100"})
    assert client.task.create(**ARGUMENTS) == TASK
    posts: list[Seen] = server.asked("POST", "/task")
    assert len(posts) == 3
    assert len({seen.headers["idempotency-key"] for seen in posts}) == 1


def test_lost_answer_of_another_server_is_an_error_rather_than_a_second_task(
    client: UserClient, server: ScriptedServer
) -> None:
    server.on("GET", "/collaboration/1", {"id": 1, "encrypted": False})
    server.on("GET", "/blobstream/status", {"blob_store_enabled": False})
    server.lose_answer("POST", "/task")
    server.on("GET", "/version", {"version": "4.15.2"})
    with pytest.raises(ConnectionFailedError):
        client.task.create(**ARGUMENTS)
    assert len(server.asked("POST", "/task")) == 1
