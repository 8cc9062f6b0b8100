"""Encryption under the names that notebooks and tools of the contract use (crypto section 11).

A thin edge over `vantage6.common.crypto`. Unlike the released classes these are no singletons:
each object has the key it was made with.
"""

from __future__ import annotations

import base64
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from vantage6.common.crypto.base import Cryptor
from vantage6.common.crypto.keys import create_private_key, load_private_key, same_public_key
from vantage6.common.crypto.plain import PlainCryptor
from vantage6.common.crypto.rsa import IV_LENGTH, SEPARATOR, SESSION_KEY_LENGTH, RsaCryptor

__all__ = [
    "IV_LENGTH",
    "SEPARATOR",
    "SHARED_ENCRYPT_KEY_LENGTH",
    "CryptorBase",
    "DummyCryptor",
    "RSACryptor",
]

SHARED_ENCRYPT_KEY_LENGTH = SESSION_KEY_LENGTH
_CHUNK_SIZE = 1024 * 1024


class CryptorBase(ABC):
    """What both cryptors of the contract offer."""

    def __init__(self) -> None:
        self.log = logging.getLogger(__name__)

    @property
    @abstractmethod
    def cryptor(self) -> Cryptor:
        """The scheme behind this object."""

    @staticmethod
    def bytes_to_str(data: bytes) -> str:
        """Return base64 text."""
        return base64.b64encode(data).decode("ascii")

    @staticmethod
    def str_to_bytes(data: str) -> bytes:
        """Return the bytes of base64 text."""
        return base64.b64decode(data)

    def encrypt_stream(
        self,
        stream: BinaryIO,
        pubkey_base64s: str = "",
        chunk_size: int = _CHUNK_SIZE,
    ) -> Iterator[bytes]:
        """Give the blob form of a stream; the first item is the header."""
        return self.cryptor.encrypt_stream(_read(stream, chunk_size), pubkey_base64s)

    def decrypt_stream(self, stream: BinaryIO, chunk_size: int = _CHUNK_SIZE) -> Iterator[bytes]:
        """Give the message of a stream in blob form."""
        return self.cryptor.decrypt_stream(_read(stream, chunk_size))


class DummyCryptor(CryptorBase):
    """Encodes as base64 text, for collaborations without encryption."""

    @property
    def cryptor(self) -> Cryptor:
        """The scheme behind this object."""
        return PlainCryptor()

    def encrypt_bytes_to_str(
        self,
        data: bytes,
        pubkey_base64: str = "",
        skip_base64_encoding_of_msg: bool = False,  # noqa: FBT001, FBT002 - contract's signature
    ) -> str:
        """Return base64 text; key and flag are not used."""
        del skip_base64_encoding_of_msg
        return self.cryptor.encrypt(data, pubkey_base64)

    def decrypt(self, data: str | bytes) -> bytes:
        """Return the bytes of base64 text.

        Raises
        ------
        ValueError
            If `data` is neither text nor bytes, or not base64.
        """
        if isinstance(data, bytes):
            data = data.decode()
        if not isinstance(data, str):
            raise ValueError(f"Expected text or bytes to decrypt, got {type(data).__name__}.")  # noqa: TRY004 - contract
        return self.cryptor.decrypt(data)


class RSACryptor(CryptorBase):
    """Encrypts for organizations and decrypts with the key of our own.

    Parameters
    ----------
    private_key_file : Path
        PEM file with the private key.
    """

    def __init__(self, private_key_file: str | Path) -> None:
        super().__init__()
        self.private_key = load_private_key(private_key_file)

    @property
    def cryptor(self) -> RsaCryptor:
        """The scheme behind this object, with the key it has now."""
        return RsaCryptor(self.private_key)

    @staticmethod
    def create_new_rsa_key(path: str | Path) -> rsa.RSAPrivateKey:
        """Make a private key in a new file, readable by its owner only, and return it.

        Raises
        ------
        KeyFileError
            If the file exists: the released version replaces it and loses what it decrypts.
        """
        return create_private_key(path)

    @staticmethod
    def create_public_key_bytes(private_key: rsa.RSAPrivateKey) -> bytes:
        """Return the PEM file of the public key."""
        return private_key.public_key().public_bytes(
            encoding=serialization.Encoding.PEM,
            format=serialization.PublicFormat.SubjectPublicKeyInfo,
        )

    @property
    def public_key_bytes(self) -> bytes:
        """PEM file of our public key."""
        return self.create_public_key_bytes(self.private_key)

    @property
    def public_key_str(self) -> str:
        """Our public key as the interface carries it."""
        return self.bytes_to_str(self.public_key_bytes)

    def verify_public_key(self, pubkey_base64: str) -> bool:
        """Tell whether the key at the server is ours, byte by byte."""
        return same_public_key(pubkey_base64, self.public_key_str)

    def encrypt_bytes_to_str(
        self,
        data: bytes,
        pubkey_base64s: str,
        skip_base64_encoding_of_msg: bool = False,  # noqa: FBT001, FBT002 - contract's signature
    ) -> str | bytes:
        """Return the inline form, or with the flag the blob form, for the holder of a key."""
        if skip_base64_encoding_of_msg:
            return b"".join(self.cryptor.encrypt_stream((data,), pubkey_base64s))
        return self.cryptor.encrypt(data, pubkey_base64s)

    def decrypt(self, data: Any) -> bytes | None:
        """Return the message of an inline form (text) or blob form (bytes); else nothing."""
        if isinstance(data, bytes):
            return self.decrypt_bytes_blob_storage(data)
        return self.decrypt_str_to_bytes(data) if isinstance(data, str) else None

    def decrypt_str_to_bytes(self, data: str) -> bytes:
        """Return the message of an inline form."""
        return self.cryptor.decrypt(data)

    def decrypt_bytes_blob_storage(self, data: bytes) -> bytes:
        """Return the message of a blob form."""
        return b"".join(self.cryptor.decrypt_stream((data,)))


def _read(stream: BinaryIO, chunk_size: int) -> Iterator[bytes]:
    while chunk := stream.read(chunk_size):
        yield chunk
