"""Both schemes: what they share, and what is special about each."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from hypothesis import given, settings
from hypothesis import strategies as st

from vantage6.common.crypto.base import Cryptor
from vantage6.common.crypto.keys import create_private_key, public_key_text
from vantage6.common.crypto.plain import PlainCryptor
from vantage6.common.crypto.rsa import RsaCryptor
from vantage6.common.encryption import (
    IV_LENGTH,
    SEPARATOR,
    SHARED_ENCRYPT_KEY_LENGTH,
    DummyCryptor,
    RSACryptor,
)
from vantage6.common.errors import (
    CryptoError,
    DecryptionError,
    KeyFileError,
    PublicKeyError,
    UnexpectedContentError,
)
from vantage6.common.testing.crypto import CryptorSuite, private_key

_OURS = RsaCryptor(private_key())
_OTHER = RsaCryptor(private_key("other"))


class TestRsa(CryptorSuite):
    def make(self) -> Cryptor:
        return RsaCryptor(private_key())


class TestPlain(CryptorSuite):
    def make(self) -> Cryptor:
        return PlainCryptor()


def _message(
    body: bytes, *, key: bytes = b"k" * 32, wrapped_key: bytes | None = None, iv: bytes = b"i" * 16
) -> str:
    """Build an inline form by hand."""
    wrapped = private_key().public_key().encrypt(wrapped_key or key, padding.PKCS1v15())
    encrypted = Cipher(AES(key), CTR(iv[:16].ljust(16))).encryptor().update(body)
    return "$".join(base64.b64encode(part).decode() for part in (wrapped, iv, encrypted))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=50)))
def test_bytes_and_streams_are_the_same_form(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    key = _OURS.public_key

    stream = b"".join(_OURS.encrypt_stream(pieces, key))
    whole = b"".join(_OURS.encrypt_stream([data], key))

    assert len(stream) == len(whole)
    assert b"".join(_OURS.decrypt_stream([stream])) == data
    assert b"".join(_OURS.decrypt_stream(bytes([byte]) for byte in whole)) == data


@settings(max_examples=40, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_any_json_survives_the_inline_form(value: object) -> None:
    data = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")

    assert _OURS.decrypt(_OURS.encrypt(data, _OURS.public_key)) == data


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=20)))
def test_encoding_in_pieces_equals_encoding_at_once(pieces: list[bytes]) -> None:
    plain = PlainCryptor()
    data = b"".join(pieces)

    encoded = b"".join(plain.encrypt_stream(pieces))

    assert encoded == base64.b64encode(data)
    assert b"".join(plain.decrypt_stream(bytes([byte]) for byte in encoded)) == data


@pytest.mark.parametrize(
    ("plaintext", "expected"),
    [
        (b"null", b"null"),
        (b"12345678", b"12345678"),
        (b"NaN", b"NaN"),
        (b'"x"', b'"x"'),
        (b"", b""),
        (b' {"a": 1}', b' {"a": 1}'),
        (b"hell", b"\x85\xe9\x65"),
        (base64.b64encode(b'{"a": 1}'), b'{"a": 1}'),
    ],
)
def test_inline_form_carries_json_or_base64_text(plaintext: bytes, expected: bytes) -> None:
    """The table of the contract, crypto section 8."""
    assert _OURS.decrypt(_OURS.encrypt(plaintext, _OURS.public_key)) == expected


@pytest.mark.parametrize(
    "plaintext", [b"hello", b"\xff\xfe\x00", b"caf\xe9", "é!".encode(), b"Hello all"]
)
def test_inline_form_of_anything_else_is_refused(plaintext: bytes) -> None:
    with pytest.raises(UnexpectedContentError, match="neither JSON nor base64") as caught:
        _OURS.decrypt(_OURS.encrypt(plaintext, _OURS.public_key))
    assert _OURS.fingerprint in str(caught.value)
    assert caught.value.content == plaintext


@pytest.mark.parametrize("plaintext", [b"hell", b"hello", b"\xff\xfe", b"", b"null"])
def test_stream_form_carries_anything(plaintext: bytes) -> None:
    stream = _OURS.encrypt_stream([plaintext], _OURS.public_key)

    assert b"".join(_OURS.decrypt_stream(stream)) == plaintext


def test_session_key_of_a_browser_is_base64_text() -> None:
    key = bytes(range(32))
    text = _message(base64.b64encode(b"[1]"), key=key, wrapped_key=base64.b64encode(key))

    assert _OURS.decrypt(text) == b"[1]"


def test_session_key_that_happens_to_be_text_is_used_as_it_is() -> None:
    assert _OURS.decrypt(_message(b"[1]", key=b"a" * 32)) == b"[1]"


def test_counter_wraps_around() -> None:
    body = b"[" + b" " * 100 + b"]"

    assert _OURS.decrypt(_message(body, iv=b"\xff" * 16)) == body


def test_every_message_has_a_fresh_key_and_counter() -> None:
    first, second = (_OURS.encrypt(b"{}", _OURS.public_key).split("$") for _ in range(2))

    assert all(a != b for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no separators",
        "only$one",
        "a$b$c$d",
        "not base64!$x$y",
        _message(b"[]", iv=b"short"),
        _message(b"[]", wrapped_key=b"too short"),
        _message(b"[]", wrapped_key=b"x" * 44),
        _message(b"[]")[:-1] + "é",
        base64.b64encode(b"{}").decode(),
    ],
)
def test_damaged_messages_are_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(DecryptionError) as caught:
        _OURS.decrypt(text)

    message = str(caught.value)
    assert _OURS.fingerprint in message
    assert "public key registered for the organization" in message
    assert message.count(".") == 1
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("message", [_OURS.encrypt(b"\xff", _OURS.public_key), _message(b"")])
def test_whose_message_it_is_can_be_told_for_certain(message: str) -> None:
    key = bytes(range(32))
    browser = _message(b"[1]", key=key, wrapped_key=base64.b64encode(key))

    assert _OURS.is_for_us(message)
    assert _OURS.is_for_us(browser)
    assert not _OTHER.is_for_us(message)
    assert not _OURS.is_for_us(message[1:])
    assert not _OURS.is_for_us(_message(b"", wrapped_key=b"x" * 31))
    assert not _OURS.is_for_us("")
    assert PlainCryptor().is_for_us("e30=")
    assert not PlainCryptor().is_for_us(message)


def test_the_wrong_key_is_told_with_its_fingerprint() -> None:
    text = _OTHER.encrypt(b'{"a": 1}', _OTHER.public_key)

    with pytest.raises(DecryptionError, match=r"another key; use the private key") as caught:
        _OURS.decrypt(text)
    assert _OURS.fingerprint in str(caught.value)


@pytest.mark.parametrize(
    "chunks", [[], [b""], [b"abc"], [b"abc$def"], [b"x" * 1000] * 20], ids=range(5)
)
def test_streams_that_are_cut_off_or_foreign_are_refused(chunks: list[bytes]) -> None:
    with pytest.raises(DecryptionError, match="cut off"):
        list(_OURS.decrypt_stream(chunks))


def test_a_key_of_another_length_is_told() -> None:
    blob = b"$".join((base64.b64encode(b"x" * 512), base64.b64encode(b"i" * 16), b"body"))

    with pytest.raises(DecryptionError, match="another key"):
        list(_OURS.decrypt_stream([blob]))


@pytest.mark.parametrize("key", ["", "nonsense", base64.b64encode(b"nonsense").decode()])
def test_a_missing_or_broken_recipient_key_is_told_at_the_call(key: str) -> None:
    with pytest.raises(PublicKeyError):
        _OURS.encrypt(b"{}", key)
    with pytest.raises(PublicKeyError):
        _OURS.encrypt_stream([b"{}"], key)


@pytest.mark.parametrize("text", [_OURS.encrypt(b"{}", _OURS.public_key), "a$b$c"])
def test_an_encrypted_message_without_a_key_is_told(text: str) -> None:
    with pytest.raises(DecryptionError, match="set up encryption"):
        PlainCryptor().decrypt(text)
    with pytest.raises(DecryptionError, match="set up encryption"):
        list(PlainCryptor().decrypt_stream([text.encode()]))


@pytest.mark.parametrize("text", ["abc", "é", "a"])
def test_text_that_is_not_base64_is_told(text: str) -> None:
    with pytest.raises(DecryptionError, match="not base64"):
        PlainCryptor().decrypt(text)


def test_base64_is_read_leniently() -> None:
    assert PlainCryptor().decrypt("e3\n0 =") == b"{}"
    assert b"".join(PlainCryptor().decrypt_stream([b"e3\n", b"0"])) == b"{}"
    with pytest.raises(DecryptionError):
        list(PlainCryptor().decrypt_stream([b"e30=e"]))


def test_contract_names_and_constants() -> None:
    assert (SEPARATOR, SHARED_ENCRYPT_KEY_LENGTH, IV_LENGTH) == ("$", 32, 16)
    assert RSACryptor.bytes_to_str(b"{}") == "e30="
    assert DummyCryptor.str_to_bytes("e30=") == b"{}"


def test_contract_classes_of_two_organizations_keep_their_own_keys(tmp_path: Path) -> None:
    """The released class is a singleton, and mixes them up."""
    first, second = tmp_path / "a.pem", tmp_path / "b.pem"
    create_private_key(first, bits=2048)
    create_private_key(second, bits=2048)
    ours, other = RSACryptor(first), RSACryptor(second)

    assert ours.public_key_str != other.public_key_str
    assert other.decrypt(ours.encrypt_bytes_to_str(b"[]", other.public_key_str)) == b"[]"
    assert not ours.verify_public_key(other.public_key_str)


def test_contract_streams_read_and_give_pieces(tmp_path: Path) -> None:
    path = tmp_path / "a.pem"
    RSACryptor.create_new_rsa_key(path)
    cryptor = RSACryptor(path)
    source = io.BytesIO(b"x" * 100)

    pieces = list(cryptor.encrypt_stream(source, cryptor.public_key_str, chunk_size=40))

    assert [len(piece) for piece in pieces[1:]] == [40, 40, 20]
    encrypted = io.BytesIO(b"".join(pieces))
    assert b"".join(cryptor.decrypt_stream(encrypted, chunk_size=9)) == b"x" * 100
    with pytest.raises(KeyFileError, match="exists already"):
        RSACryptor.create_new_rsa_key(path)


def test_contract_class_follows_a_replaced_key(tmp_path: Path) -> None:
    path = tmp_path / "a.pem"
    create_private_key(path, bits=2048)
    cryptor = RSACryptor(path)

    cryptor.private_key = private_key("other")

    assert cryptor.public_key_str == public_key_text(private_key("other"))


def test_contract_decrypt_takes_text_and_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.pem"
    create_private_key(path, bits=2048)

    assert RSACryptor(path).decrypt(None) is None
    assert DummyCryptor().decrypt(b"e30=") == b"{}"
    with pytest.raises(ValueError, match="NoneType"):
        DummyCryptor().decrypt(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [lambda: _OURS, PlainCryptor])
def test_errors_are_all_crypto_errors(make: Callable[[], Cryptor]) -> None:
    with pytest.raises(CryptoError):
        make().decrypt("$$$")
