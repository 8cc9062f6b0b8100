"""Base class and node client under the names of the contract."""

from __future__ import annotations

import base64
import json
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from vantage6.common.client.client_base import ClientBase
from vantage6.common.client.node_client import NodeClient
from vantage6.common.clock import ManualClock
from vantage6.common.crypto.keys import create_private_key, public_key_text
from vantage6.common.encryption import DummyCryptor, RSACryptor
from vantage6.common.errors import ConfigurationError, ConnectionFailedError, PublicKeyError
from vantage6.common.exceptions import AuthenticationException
from vantage6.common.http.auth import TokenAuth
from vantage6.common.testing.crypto import private_key
from vantage6.common.testing.http import ScriptedHandler, html_reply, json_reply, no_connection
from vantage6.common.testing.tokens import make_token, token_answer

_NODE = {
    "name": "North node",
    "organization": {"id": 2},
    "collaboration": {"id": 5},
}


def _base(handler: httpx.BaseTransport) -> ClientBase:
    auth = TokenAuth(make_token(), "refresh")
    return ClientBase("http://server.test", 7601, auth=auth, handler=handler, clock=ManualClock())


def _node(*replies: Any, clock: ManualClock | None = None) -> tuple[NodeClient, ScriptedHandler]:
    handler = ScriptedHandler(
        [json_reply(token_answer()), json_reply(_NODE), json_reply({"name": "North"})]
    )
    client = NodeClient("http://server.test", 7601, handler=handler, clock=clock or ManualClock())
    client.authenticate("key")
    handler.add(*replies)
    handler.requests.clear()
    return client, handler


@pytest.mark.parametrize(
    ("port", "path", "expected"),
    [
        (7601, "/api", "http://server.test:7601/api"),
        (None, "/v6/api/", "http://server.test/v6/api"),
        (0, "", "http://server.test"),
    ],
)
def test_the_address_is_put_together(port: int | None, path: str, expected: str) -> None:
    assert ClientBase("http://server.test", port, path).base_path == expected


def test_a_refusal_is_returned() -> None:
    handler = ScriptedHandler([json_reply({"msg": "No"}, 404), json_reply({"id": 1})])
    client = _base(handler)

    assert client.request("task/1") == {"msg": "No"}
    assert client.request("task", {"name": "x"}, "post", params={"a": 1}) == {"id": 1}
    assert client.headers == {"Authorization": f"Bearer {make_token()}"}
    assert [request.method for request in handler.requests] == ["GET", "POST"]


def test_an_unknown_method_reads() -> None:
    handler = ScriptedHandler([json_reply({})])

    _base(handler).request("task", method="fetch")

    assert handler.requests[0].method == "GET"


def test_a_server_that_is_away_is_an_answer_only_on_demand() -> None:
    client = _base(ScriptedHandler([no_connection() for _ in range(10)]))

    assert client.request("task", attempts_on_timeout=1) == {"msg": "Connection error"}
    with pytest.raises(ConnectionFailedError):
        client.request("task")


def test_an_expired_login_is_told() -> None:
    client = _base(ScriptedHandler([json_reply({"msg": "Expired"}, 401)]))

    with pytest.raises(AuthenticationException, match="authenticate again"):
        client.refresh_token()
    with pytest.raises(ConfigurationError, match="Nobody is logged in"):
        _ = client.name


def test_a_node_learns_who_it_is() -> None:
    client, _ = _node()

    assert (client.node_id, client.collaboration_id, client.name) == (1, 5, "North node")
    assert repr(client.whoami) == "<WhoAmI name=North node, type=node, organization=North, (id=1)>"


def test_an_unknown_key_is_refused() -> None:
    handler = ScriptedHandler([json_reply({"msg": "Unknown key"}, 401)])
    client = NodeClient("http://server.test", 7601, handler=handler, clock=ManualClock())

    with pytest.raises(AuthenticationException, match="Unknown key"):
        client.authenticate("wrong")


def test_encryption_registers_a_key_that_the_server_does_not_have(tmp_path: Path) -> None:
    key = create_private_key(tmp_path / "key.pem", bits=2048)
    client, handler = _node(json_reply({"public_key": ""}), json_reply({}))

    client.setup_encryption(str(tmp_path / "key.pem"))

    assert isinstance(client.cryptor, RSACryptor)
    assert handler.requests[1].method == "PATCH"
    assert handler.requests[1].url.path == "/api/organization/2"
    assert json.loads(handler.requests[1].content) == {"public_key": public_key_text(key)}

    handler.add(json_reply({"public_key": public_key_text(key)}))
    client.setup_encryption(tmp_path / "key.pem")
    assert len(handler.requests) == 3


def test_encryption_replaces_another_key_only_on_demand(tmp_path: Path) -> None:
    create_private_key(tmp_path / "key.pem", bits=2048)
    other = {"public_key": public_key_text(private_key())}
    client, handler = _node(json_reply(other))

    with pytest.raises(PublicKeyError, match="another public key"):
        client.setup_encryption(tmp_path / "key.pem")
    assert client.cryptor is None

    handler.add(json_reply(other), json_reply({}))
    client.setup_encryption(tmp_path / "key.pem", replace=True)
    assert handler.requests[-1].method == "PATCH"


def test_runs_are_listed_with_their_inputs() -> None:
    runs = [
        {"id": 1, "input": base64.b64encode(b"{}").decode(), "blob_storage_used": False},
        {"id": 2, "input": None},
    ]
    client, handler = _node(json_reply({"data": runs, "links": {}}))
    client.setup_encryption(None)

    listed = client.run.list("open", include_task=True)

    assert isinstance(client.cryptor, DummyCryptor)
    assert [run["input"] for run in listed] == [b"{}", None]
    assert dict(handler.requests[0].url.params) == {
        "per_page": "250",
        "state": "open",
        "node_id": "1",
        "include": "task",
    }


def test_results_are_encrypted_for_the_initiating_organization(tmp_path: Path) -> None:
    key = create_private_key(tmp_path / "key.pem", bits=2048)
    theirs = {"public_key": public_key_text(key)}
    client, handler = _node(
        json_reply(theirs), json_reply(theirs), json_reply({"blob_store_enabled": False})
    )
    client.setup_encryption(tmp_path / "key.pem")
    handler.add(json_reply({"id": 7}))

    client.run.patch(7, {"result": b"[1]", "status": "completed"}, init_org_id=3)

    sent = json.loads(handler.requests[-1].content)
    assert sent["status"] == "completed"
    assert RSACryptor(tmp_path / "key.pem").decrypt(sent["result"]) == b"[1]"


def test_nothing_is_decrypted_before_encryption_is_set_up() -> None:
    client, _ = _node(json_reply({"data": [{"id": 1, "input": "e30="}]}))

    with pytest.raises(ConfigurationError, match="setup_encryption"):
        client.run.list()


def test_the_start_of_a_run_is_reported_in_the_form_the_server_takes() -> None:
    client, handler = _node(json_reply({}))

    client.set_task_start_time(7)

    started_at = json.loads(handler.requests[0].content)["started_at"]
    assert started_at == "2026-01-01T00:00:00.000000+00:00"


def test_small_questions_to_the_server() -> None:
    client, handler = _node(json_reply({"container_token": "t"}), json_reply({"encrypted": True}))

    assert client.request_token_for_container(3, "image") == {"container_token": "t"}
    assert client.is_encrypted_collaboration()
    assert json.loads(handler.requests[0].content) == {"task_id": 3, "image": "image"}
    assert handler.requests[1].url.path == "/api/collaboration/5"


def test_vpn_configurations_are_optional(tmp_path: Path) -> None:
    client, handler = _node(json_reply({"msg": "Not configured"}, 501), html_reply(404))
    file = tmp_path / "vpn.ovpn"
    file.write_text("old")

    assert client.get_vpn_config() == (False, "")
    assert not client.refresh_vpn_keypair(file)
    assert file.read_text() == "old"

    handler.add(json_reply({"ovpn_config": "text"}), json_reply({"ovpn_config": "new"}))
    assert client.get_vpn_config() == (True, "text")
    assert client.refresh_vpn_keypair(str(file))
    assert file.read_text() == "new"


@pytest.mark.parametrize(
    ("users", "organizations", "allowed"),
    [
        (["7"], [], True),
        ([7], [], True),
        ([8], ["2"], True),
        ([8], [2], True),
        ([8], ["South"], True),
        ([8], ["North"], False),
        ([8], [9], False),
    ],
)
def test_users_and_organizations_are_matched_by_value(
    users: list[str | int], organizations: list[str | int], allowed: bool
) -> None:
    client, _ = _node(json_reply({"name": "South"}))

    assert client.check_user_allowed_to_send_task(users, organizations, 2, 7) is allowed


def test_stores_are_asked_with_the_nodes_token() -> None:
    client, handler = _node(
        json_reply({"url": "http://store.test/api/"}), json_reply({"data": [{"id": 1}]})
    )
    with pytest.raises(ConfigurationError, match="chosen"):
        client.store.get_algorithm("image")

    client.algorithm_store.set(4)

    assert client.store.get_algorithm("image") == {"data": [{"id": 1}]}
    request = handler.requests[-1]
    assert str(request.url) == "http://store.test/api/algorithm?image=image"
    assert request.headers["server-url"] == "http://server.test:7601/api"
    assert request.headers["client-type"] == "node"
    assert request.headers["authorization"] == client.headers["Authorization"]


def test_tokens_are_renewed_in_the_background() -> None:
    """The fake server's tokens have expired long ago, so that renewal is due at once."""
    renewed = threading.Event()
    client, handler = _node()

    def refresh(_: httpx.Request) -> httpx.Response:
        renewed.set()
        return json_reply(token_answer("second", lifetime=1e12))

    handler.add(refresh)
    client.auto_refresh_token()

    assert renewed.wait(timeout=10)
    client.close()
