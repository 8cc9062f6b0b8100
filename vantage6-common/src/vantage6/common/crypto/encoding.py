"""Base64 text that comes and goes in pieces."""

from __future__ import annotations

import base64
import string
from collections.abc import Iterable, Iterator

__all__ = ["decode_pieces", "encode_pieces"]

_ALPHABET = (string.ascii_letters + string.digits + "+/=").encode()
_FOREIGN = bytes(set(range(256)) - set(_ALPHABET))
_BYTES_PER_GROUP = 3
_CHARACTERS_PER_GROUP = 4


def encode_pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Give the base64 text of all chunks together, without line breaks."""
    rest = b""
    for chunk in chunks:
        data = rest + chunk if rest else chunk
        whole = len(data) - len(data) % _BYTES_PER_GROUP
        rest = data[whole:]
        if whole:
            yield base64.b64encode(data[:whole])
    if rest:
        yield base64.b64encode(rest)


def decode_pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Give the bytes of a base64 text that comes in pieces.

    Characters that do not belong in base64 text are skipped, and a missing end is padded
    (contract, crypto section 7).

    Raises
    ------
    binascii.Error
        If the text is cut off within a character group.
    """
    rest = b""
    for chunk in chunks:
        text = rest + chunk.translate(None, _FOREIGN)
        whole = len(text) - len(text) % _CHARACTERS_PER_GROUP
        rest = text[whole:]
        if whole:
            yield base64.b64decode(text[:whole])
    if rest:
        yield base64.b64decode(rest + b"=" * (-len(rest) % _CHARACTERS_PER_GROUP))
