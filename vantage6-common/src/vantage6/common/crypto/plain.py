"""The scheme of collaborations without encryption: base64 (contract, crypto section 7)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator

from vantage6.common.crypto.encoding import decode_pieces, encode_pieces
from vantage6.common.errors import DecryptionError

__all__ = ["PlainCryptor"]

_SEPARATORS_OF_ENCRYPTED = 2


class PlainCryptor:
    """Encodes without encrypting; everyone can read the messages."""

    scheme = "none"
    encrypts = False
    public_key: str | None = None

    def encrypt(self, data: bytes, recipient_key: str = "") -> str:
        """Return `data` as base64 text; the key is not used."""
        return base64.b64encode(data).decode("ascii")

    def decrypt(self, text: str) -> bytes:
        """Return the bytes of a base64 text, skipping characters that do not belong in one.

        Raises
        ------
        DecryptionError
            If the text is an encrypted message, or cut off.
        """
        if text.count("$") >= _SEPARATORS_OF_ENCRYPTED:
            raise _encrypted()
        try:
            return base64.b64decode(text)
        except (ValueError, binascii.Error) as error:
            raise _not_base64() from error

    def is_for_us(self, text: str) -> bool:
        """Tell whether a text is not encrypted."""
        return text.count("$") < _SEPARATORS_OF_ENCRYPTED

    def encrypt_stream(
        self,
        chunks: Iterable[bytes],
        recipient_key: str = "",
    ) -> Iterator[bytes]:
        """Give the base64 text of all chunks together; the key is not used."""
        return encode_pieces(chunks)

    def decrypt_stream(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Give the bytes of a base64 text that comes in pieces; a missing end is padded."""
        try:
            yield from decode_pieces(_not_encrypted(chunks))
        except binascii.Error as error:
            raise _not_base64() from error


def _not_encrypted(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Pass the chunks on, unless they begin like an encrypted message."""
    beginning = True
    for chunk in chunks:
        if beginning and chunk.count(b"$") >= _SEPARATORS_OF_ENCRYPTED:
            raise _encrypted()
        beginning = beginning and not chunk
        yield chunk


def _encrypted() -> DecryptionError:
    return DecryptionError(
        "The payload is encrypted, but no private key is set; "
        "set up encryption with the private key of your organization first."
    )


def _not_base64() -> DecryptionError:
    return DecryptionError(
        "The payload is not base64 text, as it should be in a collaboration without encryption; "
        "check that both sides agree on whether the collaboration is encrypted."
    )
