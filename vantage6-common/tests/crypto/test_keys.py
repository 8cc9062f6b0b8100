"""Key files: how they are written, and what is accepted."""

from __future__ import annotations

import base64
import logging
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from vantage6.common.crypto.keys import (
    create_private_key,
    fingerprint,
    load_private_key,
    public_key_problem,
    public_key_text,
)
from vantage6.common.errors import KeyFileError, PublicKeyError
from vantage6.common.testing.crypto import private_key


def _pem(
    form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
    passphrase: bytes | None = None,
) -> bytes:
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        protection = serialization.BestAvailableEncryption(passphrase)
    return private_key().private_bytes(serialization.Encoding.PEM, form, protection)


def test_a_new_key_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "key.pem"

    key = create_private_key(path, bits=2048)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("-----BEGIN RSA PRIVATE KEY-----\n")
    assert public_key_text(load_private_key(path)) == public_key_text(key)


def test_a_key_has_the_contracts_size_unless_told_otherwise(tmp_path: Path) -> None:
    key = create_private_key(tmp_path / "key.pem")

    assert key.key_size == 4096
    assert key.public_key().public_numbers().e == 65537
    assert len(public_key_text(key)) == 1068


def test_an_existing_key_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(b"precious")

    with pytest.raises(KeyFileError, match="exists already"):
        create_private_key(path, bits=2048)
    assert path.read_bytes() == b"precious"


def test_an_existing_key_is_replaced_on_demand(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(b"old")
    path.chmod(0o644)

    key = create_private_key(path, overwrite=True, bits=2048)

    assert public_key_text(load_private_key(str(path))) == public_key_text(key)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")

    with pytest.raises(KeyFileError, match="cannot be written"):
        create_private_key(blocked / "key.pem", bits=2048)


@pytest.mark.parametrize(
    "form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL]
)
def test_both_forms_of_key_files_are_accepted(
    form: serialization.PrivateFormat, tmp_path: Path
) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(_pem(form))

    assert public_key_text(load_private_key(path)) == public_key_text(private_key())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"nonsense", "no private key in PEM form"),
        (b"", "no private key in PEM form"),
        (_pem(passphrase=b"secret"), "passphrase"),
        (
            ec.generate_private_key(ec.SECP256R1()).private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
            "no RSA key",
        ),
    ],
)
def test_files_without_a_usable_key_are_told(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)

    with pytest.raises(KeyFileError, match=words) as caught:
        load_private_key(path)
    assert str(path) in str(caught.value)


def test_a_missing_key_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="There is no private key at"):
        load_private_key(tmp_path / "key.pem")
    with pytest.raises(KeyFileError, match="cannot be read"):
        load_private_key(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="Permission bits are those of POSIX")
def test_a_key_that_others_can_read_is_warned_about(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(_pem())
    path.chmod(0o640)

    with caplog.at_level(logging.WARNING):
        load_private_key(path)
    assert f"chmod 600 {path}" in caplog.text

    caplog.clear()
    path.chmod(0o600)
    load_private_key(path)
    assert caplog.text == ""


def test_fingerprints_name_keys_and_ignore_line_ends() -> None:
    text = public_key_text(private_key())
    stripped = base64.b64encode(base64.b64decode(text).rstrip()).decode()

    assert fingerprint(text).startswith("SHA256:")
    assert len(fingerprint(text)) == len("SHA256:") + 43
    assert fingerprint(stripped) == fingerprint(text)
    assert fingerprint(public_key_text(private_key("other"))) != fingerprint(text)
    with pytest.raises(PublicKeyError):
        fingerprint("nonsense")


def test_problems_of_public_keys_are_told() -> None:
    elliptic = ec.generate_private_key(ec.SECP256R1()).public_key()
    elliptic_text = base64.b64encode(
        elliptic.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    ).decode()

    assert public_key_problem(public_key_text(private_key())) is None
    assert "no public key" in (public_key_problem("") or "")
    assert "no public key" in (public_key_problem(None) or "")
    assert "not the base64 text" in (public_key_problem("é") or "")
    assert "no RSA key" in (public_key_problem(elliptic_text) or "")
