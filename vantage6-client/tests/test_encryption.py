"""Keys of the user's organization."""

from __future__ import annotations

import base64
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from vantage6.client import UserClient
from vantage6.client.exceptions import NotLoggedInError
from vantage6.common.crypto.keys import fingerprint, load_private_key, public_key_text
from vantage6.common.encryption import DummyCryptor, RSACryptor
from vantage6.common.errors import CryptoError, KeyFileError
from vantage6.common.testing.crypto import private_key
from vantage6.common.testing.server import ScriptedServer

NewClient = Callable[..., UserClient]
OWN = "/organization/2"


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_key(tmp_path_factory.mktemp("keys") / "ours.pem", "ours")


def write_key(path: Path, name: str) -> Path:
    pem = private_key(name).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    path.write_bytes(pem)
    path.chmod(0o600)
    return path


def logged_in(server: ScriptedServer, new_client: NewClient, public_key: str) -> UserClient:
    server.accept_user(8, 2, public_key)
    client = new_client()
    client.authenticate("ada", "Passw0rd!")
    server.seen.clear()
    return client


def test_login_has_to_come_first(new_client: NewClient, key_file: Path) -> None:
    with pytest.raises(NotLoggedInError) as caught:
        new_client().setup_encryption(key_file)
    assert isinstance(caught.value, AssertionError)


def test_no_file_means_no_encryption_and_no_request(
    client: UserClient, server: ScriptedServer
) -> None:
    client.setup_encryption(None)
    assert isinstance(client.cryptor, DummyCryptor)
    assert server.seen == []


def test_first_key_is_registered(
    server: ScriptedServer, new_client: NewClient, key_file: Path
) -> None:
    client = logged_in(server, new_client, "")
    server.on("PATCH", OWN, {"id": 2})
    client.setup_encryption(str(key_file))
    assert server.last().body == {"public_key": public_key_text(private_key("ours"))}
    assert isinstance(client.cryptor, RSACryptor)


def test_registered_key_is_left_alone(
    server: ScriptedServer, new_client: NewClient, key_file: Path
) -> None:
    client = logged_in(server, new_client, public_key_text(private_key("ours")))
    client.setup_encryption(key_file)
    assert [seen.method for seen in server.seen] == ["GET"]
    assert isinstance(client.cryptor, RSACryptor)


def test_same_key_in_another_notation_is_brought_into_that_of_released_clients(
    server: ScriptedServer, new_client: NewClient, key_file: Path
) -> None:
    canonical = public_key_text(private_key("ours"))
    without_newline = base64.b64encode(base64.b64decode(canonical).rstrip()).decode()
    client = logged_in(server, new_client, without_newline)
    server.on("PATCH", OWN, {"id": 2})
    client.setup_encryption(key_file)
    assert server.last().body == {"public_key": canonical}


def test_other_key_is_not_replaced_and_both_are_named(
    server: ScriptedServer, new_client: NewClient, key_file: Path
) -> None:
    other = public_key_text(private_key("theirs"))
    client = logged_in(server, new_client, other)
    with pytest.raises(CryptoError, match="replace=True") as caught:
        client.setup_encryption(key_file)
    assert fingerprint(other) in str(caught.value)
    assert fingerprint(public_key_text(private_key("ours"))) in str(caught.value)
    assert [seen.method for seen in server.seen] == ["GET"]
    assert isinstance(client.cryptor, DummyCryptor)


@pytest.mark.parametrize("stored", [public_key_text(private_key("theirs")), "bm8ga2V5"])
def test_other_key_is_replaced_on_request(
    stored: str, server: ScriptedServer, new_client: NewClient, key_file: Path
) -> None:
    client = logged_in(server, new_client, stored)
    server.on("PATCH", OWN, {"id": 2})
    client.setup_encryption(key_file, replace=True)
    assert server.last().body == {"public_key": public_key_text(private_key("ours"))}


def test_refused_registration_is_an_error_and_no_key_is_set(
    server: ScriptedServer, new_client: NewClient, key_file: Path
) -> None:
    client = logged_in(server, new_client, "")
    server.on("PATCH", OWN, {"msg": "You lack the permission to do that!"}, status=403)
    with pytest.raises(CryptoError, match=r"organization 2.*You lack the permission"):
        client.setup_encryption(key_file)
    assert isinstance(client.cryptor, DummyCryptor)


def test_missing_and_unusable_key_files_are_named(client: UserClient, tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    with pytest.raises(KeyFileError, match=r"no private key at .*missing\.pem"):
        client.setup_encryption(missing)
    unusable = tmp_path / "unusable.pem"
    unusable.write_text("hello")
    with pytest.raises(KeyFileError, match=r"unusable\.pem"):
        client.setup_encryption(unusable)


def test_clients_of_two_organizations_use_their_own_keys(
    server: ScriptedServer, new_client: NewClient, key_file: Path, tmp_path: Path
) -> None:
    ours = logged_in(server, new_client, public_key_text(private_key("ours")))
    other_server = ScriptedServer()
    other_server.accept_user(9, 3, public_key_text(private_key("theirs")))
    theirs = new_client(handler=other_server.handler)
    theirs.authenticate("bob", "Passw0rd!")
    ours.setup_encryption(key_file)
    theirs.setup_encryption(write_key(tmp_path / "theirs.pem", "theirs"))
    assert isinstance(ours.cryptor, RSACryptor)
    assert isinstance(theirs.cryptor, RSACryptor)
    message = theirs.cryptor.encrypt_bytes_to_str(b'"hello"', ours.cryptor.public_key_str)
    assert ours.cryptor.decrypt(message) == b'"hello"'


def test_generated_key_is_registered_and_only_its_owner_can_read_it(
    server: ScriptedServer, new_client: NewClient, tmp_path: Path
) -> None:
    client = logged_in(server, new_client, "")
    server.on("PATCH", OWN, {"id": 2})
    path = tmp_path / "new.pem"
    client.util.generate_private_key(str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert server.last().body == {"public_key": public_key_text(load_private_key(path))}


def test_generated_key_is_written_to_the_current_folder_by_default(
    server: ScriptedServer,
    new_client: NewClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = logged_in(server, new_client, "")
    server.on("PATCH", OWN, {"id": 2})
    monkeypatch.chdir(tmp_path)
    client.util.generate_private_key()
    assert load_private_key(tmp_path / "private_key.pem").key_size == 4096


def test_generating_never_overwrites_a_file(
    server: ScriptedServer, new_client: NewClient, key_file: Path
) -> None:
    client = logged_in(server, new_client, "")
    before = key_file.read_bytes()
    with pytest.raises(KeyFileError, match="exists already"):
        client.util.generate_private_key(str(key_file), replace=True)
    assert key_file.read_bytes() == before


def test_generating_writes_nothing_if_a_key_is_registered(
    server: ScriptedServer, new_client: NewClient, tmp_path: Path
) -> None:
    client = logged_in(server, new_client, public_key_text(private_key("theirs")))
    with pytest.raises(CryptoError, match="replace=True"):
        client.util.generate_private_key(str(tmp_path / "new.pem"))
    assert list(tmp_path.iterdir()) == []
