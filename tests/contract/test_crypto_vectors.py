"""The recorded ciphertexts of the released packages, and ours read by an independent routine."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from vantage6.common.crypto.keys import load_private_key, public_key_text, same_public_key
from vantage6.common.crypto.plain import PlainCryptor
from vantage6.common.crypto.rsa import RsaCryptor
from vantage6.common.encryption import DummyCryptor, RSACryptor

_VECTORS = Path(__file__).parent / "data" / "vectors" / "crypto"
_WITH_KEYS = ("v1_inline_string", "v2_blob_bytes", "v3_stream", "v4_browser_ui_style")


def _vector(name: str) -> dict[str, Any]:
    vector: dict[str, Any] = json.loads((_VECTORS / f"{name}.json").read_text())
    return vector


@pytest.fixture
def key_file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / "key.pem"
    path.write_text(_vector(request.param)["private_key_pem"])
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("name", _WITH_KEYS)
def test_public_key_has_the_recorded_form(name: str, tmp_path: Path) -> None:
    vector = _vector(name)
    path = tmp_path / "key.pem"
    path.write_text(vector["private_key_pem"])
    path.chmod(0o600)
    key = load_private_key(path)

    assert public_key_text(key) == vector["public_key_api_value"]
    assert RSACryptor(path).public_key_bytes.decode() == vector["public_key_pem"]
    assert RSACryptor(path).verify_public_key(vector["public_key_api_value"])
    assert RSACryptor.create_public_key_bytes(key).decode() == vector["public_key_pem"]


def test_key_without_its_last_newline_counts_as_another() -> None:
    vector = _vector("v1_inline_string")
    stripped = base64.b64encode(vector["public_key_pem"].rstrip("\n").encode()).decode()

    assert same_public_key(vector["public_key_api_value"], vector["public_key_api_value"])
    assert not same_public_key(stripped, vector["public_key_api_value"])
    assert not same_public_key("", vector["public_key_api_value"])
    assert not same_public_key(None, vector["public_key_api_value"])


@pytest.mark.parametrize("key_file", ["v1_inline_string"], indirect=True)
def test_recorded_inline_form_is_decrypted(key_file: Path) -> None:
    vector = _vector("v1_inline_string")
    plaintext = bytes.fromhex(vector["plaintext_hex"])

    assert RsaCryptor.from_file(key_file).decrypt(vector["ciphertext"]) == plaintext
    assert RSACryptor(key_file).decrypt(vector["ciphertext"]) == plaintext
    assert RSACryptor(key_file).decrypt_str_to_bytes(vector["ciphertext"]) == plaintext


@pytest.mark.parametrize("key_file", ["v2_blob_bytes"], indirect=True)
def test_recorded_blob_form_is_decrypted(key_file: Path) -> None:
    vector = _vector("v2_blob_bytes")
    plaintext = bytes.fromhex(vector["plaintext_hex"])
    blob = base64.b64decode(vector["ciphertext_base64_of_raw_bytes"])

    assert b"".join(RsaCryptor.from_file(key_file).decrypt_stream([blob])) == plaintext
    assert RSACryptor(key_file).decrypt(blob) == plaintext
    assert RSACryptor(key_file).decrypt_bytes_blob_storage(blob) == plaintext


@pytest.mark.parametrize("key_file", ["v3_stream"], indirect=True)
def test_recorded_stream_form_is_decrypted(key_file: Path) -> None:
    vector = _vector("v3_stream")
    plaintext = bytes.fromhex(vector["plaintext_hex"])
    stream = base64.b64decode(vector["ciphertext_base64_of_raw_bytes"])
    chunks = list(_cut(stream, vector["chunk_lengths"]))

    assert b"".join(chunks) == stream
    assert b"".join(RsaCryptor.from_file(key_file).decrypt_stream(chunks)) == plaintext


@pytest.mark.parametrize("key_file", ["v3_stream"], indirect=True)
def test_our_stream_has_the_recorded_pieces(key_file: Path) -> None:
    vector = _vector("v3_stream")
    plaintext = bytes.fromhex(vector["plaintext_hex"])
    size = vector["chunk_size_used"]
    pieces = [plaintext[start : start + size] for start in range(0, len(plaintext), size)]
    cryptor = RsaCryptor.from_file(key_file)

    chunks = list(cryptor.encrypt_stream(pieces, vector["public_key_api_value"]))

    assert [len(chunk) for chunk in chunks] == vector["chunk_lengths"]
    assert chunks[0].count(b"$") == 2
    assert chunks[0].endswith(b"$")


@pytest.mark.parametrize("key_file", ["v4_browser_ui_style"], indirect=True)
def test_recorded_browser_message_is_decrypted(key_file: Path) -> None:
    vector = _vector("v4_browser_ui_style")
    expected = vector["expected_decrypt_output_utf8"].encode()

    assert RsaCryptor.from_file(key_file).decrypt(vector["ciphertext"]) == expected


@pytest.mark.parametrize("key_file", ["v1_inline_string"], indirect=True)
def test_our_inline_form_is_read_by_the_bare_recipe(key_file: Path) -> None:
    vector = _vector("v1_inline_string")
    plaintext = bytes.fromhex(vector["plaintext_hex"])
    key = load_private_key(key_file)

    text = RsaCryptor(key).encrypt(plaintext, vector["public_key_api_value"])

    wrapped, iv, body = (base64.b64decode(part, validate=True) for part in text.split("$"))
    assert len(wrapped) == vector["encrypted_key_len_bytes"]
    assert len(text) == len(vector["ciphertext"])
    assert _open(key, wrapped, iv, body) == plaintext


@pytest.mark.parametrize("key_file", ["v2_blob_bytes"], indirect=True)
def test_our_blob_form_is_read_by_the_bare_recipe(key_file: Path) -> None:
    vector = _vector("v2_blob_bytes")
    plaintext = bytes.fromhex(vector["plaintext_hex"])
    key = load_private_key(key_file)

    blob = RSACryptor(key_file).encrypt_bytes_to_str(
        plaintext, vector["public_key_api_value"], skip_base64_encoding_of_msg=True
    )

    assert isinstance(blob, bytes)
    assert len(blob) == vector["ciphertext_total_len"]
    head, iv, body = blob.split(b"$", 2)
    assert len(head) + len(iv) + 2 == vector["header_len"]
    assert _open(key, base64.b64decode(head), base64.b64decode(iv), body) == plaintext


@pytest.mark.parametrize("name", ["v1_inline_string", "v2_blob_bytes", "v3_stream"])
def test_recipe_of_this_module_agrees_with_the_recorded_session_keys(name: str) -> None:
    vector = _vector(name)
    if "ciphertext" in vector:
        head, iv, body = (base64.b64decode(part) for part in vector["ciphertext"].split("$"))
    else:
        raw = base64.b64decode(vector["ciphertext_base64_of_raw_bytes"]).split(b"$", 2)
        head, iv, body = base64.b64decode(raw[0]), base64.b64decode(raw[1]), raw[2]
    decryptor = Cipher(AES(bytes.fromhex(vector["aes_key_hex"])), CTR(iv)).decryptor()

    assert iv.hex() == vector["iv_hex"]
    assert decryptor.update(body) == bytes.fromhex(vector["plaintext_hex"])
    assert len(head) == 512


@pytest.mark.parametrize("row", _vector("v5_no_encryption")["rows"], ids=lambda r: r["inline"][:8])
def test_encoding_without_encryption_is_equal_byte_for_byte(row: dict[str, Any]) -> None:
    plaintext = bytes.fromhex(row["plaintext_hex"])
    plain, legacy = PlainCryptor(), DummyCryptor()

    assert plain.encrypt(plaintext) == row["inline"]
    assert legacy.encrypt_bytes_to_str(plaintext, "") == row["inline"]
    assert (
        legacy.encrypt_bytes_to_str(plaintext, "", skip_base64_encoding_of_msg=True)
        == row["inline_with_skip_flag"]
    )
    for size in (1, 2, 3, 5, 1000):
        pieces = [plaintext[start : start + size] for start in range(0, len(plaintext), size)]
        stream = b"".join(plain.encrypt_stream(pieces))
        assert stream.decode("ascii") == row["stream_output_ascii"]
        assert b"".join(plain.decrypt_stream(_cut(stream, [2] * len(stream)))) == plaintext
    assert plain.decrypt(row["inline"]) == plaintext
    assert legacy.decrypt(row["inline"]) == plaintext
    assert legacy.decrypt(row["inline"].encode()) == plaintext


def _open(key: rsa.RSAPrivateKey, wrapped: bytes, iv: bytes, body: bytes) -> bytes:
    """Decrypt as the contract's recipe says, without any of our code."""
    session_key = key.decrypt(wrapped, padding.PKCS1v15())
    assert len(session_key) == 32
    assert len(iv) == 16
    return Cipher(AES(session_key), CTR(iv)).decryptor().update(body)


def _cut(data: bytes, lengths: list[int]) -> Iterator[bytes]:
    start = 0
    for length in lengths:
        yield data[start : start + length]
        start += length
