"""What every encryption scheme has to fulfil, and keys to try it with.

Use it in a test module::

    class TestRsa(CryptorSuite):
        def make(self) -> Cryptor:
            return RsaCryptor(private_key())
"""

from __future__ import annotations

import functools
import tracemalloc
from collections.abc import Iterable, Iterator

from cryptography.hazmat.primitives.asymmetric import rsa

from vantage6.common.crypto.base import Cryptor

__all__ = ["CryptorSuite", "MemoryBlobStore", "private_key"]

_BITS = 2048
_EXPONENT = 65537
_MEBIBYTE = 1024 * 1024


@functools.cache
def private_key(name: str = "ours") -> rsa.RSAPrivateKey:
    """Return a key for tests: short, and the same for the same name."""
    del name
    return rsa.generate_private_key(public_exponent=_EXPONENT, key_size=_BITS)


class MemoryBlobStore:
    """Keeps payloads in memory, under made-up uuids.

    Attributes
    ----------
    blobs : dict
        uuid to stored bytes.
    """

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def put(self, chunks: Iterable[bytes]) -> str:
        """Store a payload and return its uuid."""
        uuid = f"00000000-0000-4000-8000-{len(self.blobs):012d}"
        self.blobs[uuid] = b"".join(chunks)
        return uuid

    def open(self, uuid: str) -> Iterator[bytes]:
        """Give a stored payload in small pieces."""
        blob = self.blobs[uuid]
        return (blob[start : start + 1000] for start in range(0, len(blob), 1000))


class CryptorSuite:
    """Tests of the interface `Cryptor`; subclasses say which scheme."""

    def make(self) -> Cryptor:
        """Return the scheme under test, with a key pair if it has one."""
        raise NotImplementedError

    def recipient(self, cryptor: Cryptor) -> str:
        """Return the key with which messages for `cryptor` are encrypted."""
        return cryptor.public_key or ""

    def test_text_form_comes_back(self) -> None:
        """JSON text, the empty message, and characters outside ASCII."""
        cryptor = self.make()
        for data in (b"{}", b"", '{"é": "日本"}'.encode(), b"null", b'"x"', b"[1, 2]"):
            text = cryptor.encrypt(data, self.recipient(cryptor))
            assert isinstance(text, str)
            assert cryptor.decrypt(text) == data

    def test_stream_form_comes_back_whatever_the_pieces(self) -> None:
        """All bytes survive, and pieces may be cut differently on the way."""
        cryptor = self.make()
        data = bytes(range(256)) * 41
        for size in (1, 3, 64, 1000, len(data)):
            pieces = [data[start : start + size] for start in range(0, len(data), size)]
            stream = b"".join(cryptor.encrypt_stream(pieces, self.recipient(cryptor)))
            cut = [stream[start : start + 7] for start in range(0, len(stream), 7)]
            assert b"".join(cryptor.decrypt_stream(cut)) == data
            assert b"".join(cryptor.decrypt_stream([stream])) == data

    def test_empty_stream_comes_back(self) -> None:
        """No piece at all is a message, too."""
        cryptor = self.make()
        stream = list(cryptor.encrypt_stream([], self.recipient(cryptor)))
        assert b"".join(cryptor.decrypt_stream(stream)) == b""

    def test_streams_do_not_hold_the_payload(self) -> None:
        """32 MiB pass through with a few MiB of memory."""
        cryptor = self.make()
        piece = bytes(_MEBIBYTE)
        total = 0
        tracemalloc.start()
        try:
            encrypted = cryptor.encrypt_stream((piece for _ in range(32)), self.recipient(cryptor))
            for chunk in cryptor.decrypt_stream(encrypted):
                total += len(chunk)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert total == 32 * _MEBIBYTE
        assert peak < 12 * _MEBIBYTE

    def test_scheme_has_a_name(self) -> None:
        """Further schemes stand beside it under names of their own."""
        assert self.make().scheme
