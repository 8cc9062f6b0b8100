"""Agreement on encryption and keys at the start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from vantage6.common.crypto.keys import create_private_key, fingerprint, public_key_text
from vantage6.common.http.auth import NodeAuth
from vantage6.common.http.transport import Transport
from vantage6.node.identity import NodeIdentity
from vantage6.node.link.encryption import open_cryptor, private_key_path
from vantage6.node.link.rest import ServerApi
from vantage6.node.supervisor import FatalError
from vantage6.node.testing.simulator import API_KEY, ServerSimulator

NODE = NodeIdentity(
    node_id=7,
    node_name="n",
    organization_id=1,
    organization_name="Hospital",
    collaboration_id=1,
    encrypted=True,
)


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "ours.pem"
    create_private_key(path, bits=2048)
    return path


@pytest.fixture(scope="module")
def other_key(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("keys") / "other.pem"
    return public_key_text(create_private_key(path, bits=2048))


def api_of(server: ServerSimulator) -> ServerApi:
    auth = NodeAuth(API_KEY)
    transport = Transport("http://server.test/api", auth=auth, handler=server)
    auth.login(transport)
    return ServerApi(transport)


def test_a_key_that_the_server_does_not_have_is_uploaded(key_file: Path) -> None:
    server = ServerSimulator(encrypted=True)
    cryptor = open_cryptor(NODE, is_enabled=True, key_path=key_file, api=api_of(server))

    assert cryptor.encrypts
    assert server.keys[1] == cryptor.public_key


def test_another_key_at_the_server_ends_the_node_with_both_fingerprints(
    key_file: Path, other_key: str
) -> None:
    server = ServerSimulator(encrypted=True)
    own = open_cryptor(NODE, is_enabled=True, key_path=key_file, api=api_of(server)).public_key
    server.keys[1] = other_key
    with pytest.raises(FatalError) as caught:
        open_cryptor(NODE, is_enabled=True, key_path=key_file, api=api_of(server))

    assert fingerprint(own or "") in str(caught.value)
    assert fingerprint(other_key) in str(caught.value)
    assert server.keys[1] == other_key


def test_garbage_at_the_server_is_not_overwritten(key_file: Path) -> None:
    server = ServerSimulator(encrypted=True)
    server.keys[1] = "bm90IGEga2V5"
    with pytest.raises(FatalError, match="not a key"):
        open_cryptor(NODE, is_enabled=True, key_path=key_file, api=api_of(server))
    assert server.keys[1] == "bm90IGEga2V5"


def test_a_missing_key_file_ends_the_node(tmp_path: Path) -> None:
    api = api_of(ServerSimulator(encrypted=True))
    with pytest.raises(FatalError, match=r"absent\.pem"):
        open_cryptor(NODE, is_enabled=True, key_path=tmp_path / "absent.pem", api=api)


@pytest.mark.parametrize("is_enabled", [True, False])
def test_a_setting_against_the_collaboration_ends_the_node(
    key_file: Path, is_enabled: bool
) -> None:
    identity = replace(NODE, encrypted=not is_enabled)
    api = api_of(ServerSimulator())
    with pytest.raises(FatalError, match=r"encryption\.enabled"):
        open_cryptor(identity, is_enabled=is_enabled, key_path=key_file, api=api)


def test_without_encryption_no_key_is_read(tmp_path: Path) -> None:
    identity = replace(NODE, encrypted=False)
    api = api_of(ServerSimulator())
    cryptor = open_cryptor(identity, is_enabled=False, key_path=tmp_path / "absent", api=api)

    assert not cryptor.encrypts


def test_the_key_is_looked_for_in_the_order_of_the_contract(tmp_path: Path) -> None:
    assert private_key_path("", tmp_path, {}) == tmp_path / "private_key.pem"
    assert private_key_path("sub/k.pem", tmp_path, {}) == tmp_path / "sub/k.pem"
    assert private_key_path("/abs/k.pem", tmp_path, {}) == Path("/abs/k.pem")
    variables = {"PRIVATE_KEY": "/mnt/private_key.pem"}
    assert private_key_path("k.pem", tmp_path, variables) == Path("/mnt/private_key.pem")
