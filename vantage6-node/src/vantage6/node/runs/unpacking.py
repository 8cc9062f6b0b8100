"""From an input as it travels to the file the algorithm reads."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path

from vantage6.common.crypto.base import Cryptor
from vantage6.common.errors import DecryptionError

__all__ = ["write_blob_input", "write_inline_input"]

_OWNER_ONLY = 0o600
_LARGE = 1024 * 1024
_CHUNK_SIZE = 4 * 256 * 1024
_BEGINNINGS_OF_JSON = frozenset(b'{["')


def write_inline_input(cryptor: Cryptor, text: str, path: Path) -> None:
    """Decrypt an input in its inline form into a file.

    A large one goes through memory in pieces where that is possible.

    Raises
    ------
    DecryptionError
        If it cannot be decrypted with our key.
    """
    if len(text) >= _LARGE and _write_in_pieces(cryptor, text, path):
        return
    _write(path, (cryptor.decrypt(text),))


def write_blob_input(cryptor: Cryptor, chunks: Iterable[bytes], path: Path) -> None:
    """Decrypt an input in its blob form into a file.

    Raises
    ------
    DecryptionError
        If it cannot be decrypted with our key.
    """
    _write(path, cryptor.decrypt_stream(chunks))


def _write_in_pieces(cryptor: Cryptor, text: str, path: Path) -> bool:
    """Decrypt piece by piece; False if the message has to be looked at as a whole.

    Browsers encrypt base64 text, which the contract tells from JSON by trying (crypto section 8).
    What begins like a JSON object, list or text is no base64.
    """
    try:
        plain = cryptor.decrypt_stream(_blob_form(cryptor, text))
        first = next(plain, b"")
        while not first.strip():
            following = next(plain, None)
            if following is None:
                return False
            first += following
        if cryptor.encrypts and first.lstrip()[0] not in _BEGINNINGS_OF_JSON:
            return False
        _write(path, _chained(first, plain))
    except (DecryptionError, ValueError):
        return False
    return True


def _blob_form(cryptor: Cryptor, text: str) -> Iterator[bytes]:
    """Give the blob form of a message in its inline form (contract, crypto sections 4, 5, 7)."""
    start = 0
    if cryptor.encrypts:
        start = text.index("$", text.index("$") + 1) + 1
        yield text[:start].encode("ascii")
    for position in range(start, len(text), _CHUNK_SIZE):
        piece = text[position : position + _CHUNK_SIZE].encode("ascii")
        yield base64.b64decode(piece, validate=True) if cryptor.encrypts else piece


def _chained(first: bytes, others: Iterable[bytes]) -> Iterator[bytes]:
    yield first
    yield from others


def _write(path: Path, chunks: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        path.chmod(_OWNER_ONLY)
        for chunk in chunks:
            file.write(chunk)
