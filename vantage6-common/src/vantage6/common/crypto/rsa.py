"""The contract's scheme: RSA-PKCS1v1.5 wraps a fresh AES-256-CTR key (contract, crypto 3 to 8).

The scheme has no authentication: who can alter a message on its way can flip bits of it.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from vantage6.common.crypto.encoding import decode_pieces, encode_pieces
from vantage6.common.crypto.keys import (
    fingerprint,
    load_private_key,
    load_public_key,
    public_key_text,
)
from vantage6.common.errors import DecryptionError, UnexpectedContentError

__all__ = ["IV_LENGTH", "SEPARATOR", "SESSION_KEY_LENGTH", "RsaCryptor"]

SEPARATOR = "$"
SESSION_KEY_LENGTH = 32
IV_LENGTH = 16

_PADDING = b"\x00\x02"
_WRAPPED_LENGTHS = (SESSION_KEY_LENGTH, 44)  # the latter as base64 text, by browsers
_SEPARATOR = SEPARATOR.encode()
_SEPARATORS = 2
_LONGEST_HEADER = 8192
_CHUNK_SIZE = 1024 * 1024
# JSON texts begin with one of these, base64 texts never do; the few JSON texts that begin
# otherwise (numbers and literals) are short.
_CERTAINLY_NOT_BASE64 = b'{["- \t\r\n'


class RsaCryptor:
    """Encrypts for the holders of RSA keys, and decrypts what was encrypted for ours.

    Bytes and streams share one path; the forms differ only in whether the body is base64 text.

    Parameters
    ----------
    private_key : RSAPrivateKey
        Key of our organization.
    """

    scheme = "rsa-pkcs1v15-aes256ctr"
    encrypts = True

    def __init__(self, private_key: rsa.RSAPrivateKey) -> None:
        self._private_key = private_key

    @classmethod
    def from_file(cls, path: str | Path) -> RsaCryptor:
        """Read the private key from a file.

        Raises
        ------
        KeyFileError
            If there is no such file, or no such key in it.
        """
        return cls(load_private_key(path))

    @cached_property
    def public_key(self) -> str:
        """Our public key as the interface carries it."""
        return public_key_text(self._private_key)

    @cached_property
    def fingerprint(self) -> str:
        """Our public key in short."""
        return fingerprint(self.public_key)

    def encrypt(self, data: bytes, recipient_key: str) -> str:
        """Return the inline form of `data`, which should be JSON text."""
        stream = self.encrypt_stream((data,), recipient_key)
        header = next(stream)
        # Piece by piece, so that the payload is in memory once as bytes and once as text.
        return "".join(piece.decode("ascii") for piece in chain((header,), encode_pieces(stream)))

    def decrypt(self, text: str) -> bytes:
        """Return the message of an inline form, of a Python or a browser client."""
        separator = text.rfind(SEPARATOR)
        if text.count(SEPARATOR) != _SEPARATORS:
            raise self._damaged("it is not in the form key$iv$body")
        pieces = decode_pieces(_text_pieces(text, separator + 1))
        try:
            message = b"".join(
                self.decrypt_stream(chain((text[: separator + 1].encode(),), pieces))
            )
        except (UnicodeEncodeError, binascii.Error) as error:
            raise self._damaged("its body is not base64 text") from error
        return self._unwrapped(message)

    def is_for_us(self, text: str) -> bool:
        """Tell for certain whether a message was encrypted for our key.

        The library hides a wrong key behind random bytes, against attacks through a service that
        answers differently then (Bleichenbacher 1998), so the padding is looked at here.
        """
        numbers = self._private_key.private_numbers()
        modulus = numbers.public_numbers.n
        size = (self._private_key.key_size + 7) // 8
        try:
            wrapped = base64.b64decode(text.partition(SEPARATOR)[0])
        except ValueError:
            return False
        block = pow(int.from_bytes(wrapped, "big"), numbers.d, modulus).to_bytes(size, "big")
        end_of_padding = block.find(b"\0", len(_PADDING))
        return (
            len(wrapped) == size
            and block.startswith(_PADDING)
            and size - end_of_padding - 1 in _WRAPPED_LENGTHS
        )

    def encrypt_stream(self, chunks: Iterable[bytes], recipient_key: str) -> Iterator[bytes]:
        """Give the blob form piece by piece; the first one is the whole header."""
        session_key = os.urandom(SESSION_KEY_LENGTH)
        iv = os.urandom(IV_LENGTH)
        wrapped = load_public_key(recipient_key).encrypt(session_key, padding.PKCS1v15())
        header = b"".join((base64.b64encode(wrapped), _SEPARATOR, base64.b64encode(iv), _SEPARATOR))
        encryptor = Cipher(AES(session_key), CTR(iv)).encryptor()
        return chain((header,), _through(encryptor, chunks))

    def decrypt_stream(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Give the message of a blob form piece by piece."""
        source = iter(chunks)
        wrapped, iv, beginning = self._header(source)
        decryptor = Cipher(AES(self._session_key(wrapped)), CTR(iv)).decryptor()
        yield from _through(decryptor, chain((beginning,), source))

    def _header(self, source: Iterator[bytes]) -> tuple[bytes, bytes, bytes]:
        """Read up to the second separator: wrapped key, IV, and the beginning of the body."""
        read = b""
        while read.count(_SEPARATOR) < _SEPARATORS:
            chunk = next(source, None)
            if chunk is None or len(read) > _LONGEST_HEADER:
                raise self._damaged("it is cut off, or not in the form key$iv$body")
            read += chunk
        key, iv, beginning = read.split(_SEPARATOR, _SEPARATORS)
        try:
            wrapped, counter = base64.b64decode(key), base64.b64decode(iv)
        except binascii.Error as error:
            raise self._damaged("its header is not base64 text") from error
        if len(counter) != IV_LENGTH:
            raise self._damaged("its initial counter has a wrong length")
        return wrapped, counter, beginning

    def _session_key(self, wrapped: bytes) -> bytes:
        try:
            key = self._private_key.decrypt(wrapped, padding.PKCS1v15())
        except ValueError as error:
            raise self._foreign() from error
        if len(key) != SESSION_KEY_LENGTH:
            key = _from_browser(key)
        if len(key) != SESSION_KEY_LENGTH:
            # With a wrong private key, OpenSSL gives random bytes instead of an error.
            raise self._foreign()
        return key

    def _unwrapped(self, message: bytes) -> bytes:
        """Undo the second encoding that browser clients add to an inline message."""
        if not message.isascii():
            self._require_text(message)
        if not message or message[0] in _CERTAINLY_NOT_BASE64:
            return message
        try:
            json.loads(message)
        except ValueError:
            return self._from_base64(message)
        return message

    def _require_text(self, message: bytes) -> None:
        try:
            message.decode()
        except UnicodeDecodeError as error:
            raise self._unexpected(message) from error

    def _from_base64(self, text: bytes) -> bytes:
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise self._unexpected(text) from error

    def _foreign(self) -> DecryptionError:
        return DecryptionError(
            f"The payload cannot be decrypted with the key {self.fingerprint}, because it was "
            "encrypted for another key; use the private key that belongs to the public key "
            "registered for the organization."
        )

    def _damaged(self, why: str) -> DecryptionError:
        return DecryptionError(
            f"The payload cannot be decrypted with the key {self.fingerprint}, because {why}; "
            "its sender has to encrypt it with the public key registered for the organization."
        )

    def _unexpected(self, content: bytes) -> UnexpectedContentError:
        return UnexpectedContentError(
            f"The payload cannot be read with the key {self.fingerprint}, because it is neither "
            "JSON nor base64 text, or was encrypted for another key; use the private key that "
            "belongs to the public key registered for the organization, and have JSON sent.",
            content,
        )


def _through(context: CipherContext, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Encrypt or decrypt piece by piece; large pieces are cut so that memory stays small."""
    for chunk in chunks:
        view = memoryview(chunk)
        for start in range(0, len(view), _CHUNK_SIZE):
            yield context.update(view[start : start + _CHUNK_SIZE])
    rest = context.finalize()
    if rest:
        yield rest


def _text_pieces(text: str, start: int) -> Iterator[bytes]:
    """Give the characters from `start` on as bytes, piece by piece."""
    return (
        text[position : position + _CHUNK_SIZE].encode("ascii")
        for position in range(start, len(text), _CHUNK_SIZE)
    )


def _from_browser(key: bytes) -> bytes:
    """Decode the session key of a browser client, which wraps base64 text; else return nothing."""
    try:
        return base64.b64decode(key.decode("ascii"), validate=True)
    except (ValueError, binascii.Error):
        return b""
