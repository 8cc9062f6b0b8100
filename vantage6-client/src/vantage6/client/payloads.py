"""Inputs and results: between bytes in memory and what the server keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vantage6.client.encryption import recipient_keys
from vantage6.client.log import logger
from vantage6.common.crypto.base import Cryptor
from vantage6.common.crypto.plain import PlainCryptor
from vantage6.common.errors import UnexpectedContentError
from vantage6.common.http.transport import Transport
from vantage6.common.payload.chain import pack
from vantage6.common.payload.reference import ServerBlobStore, server_blob_store

__all__ = ["as_text", "pack_inputs", "read_payload"]

_LONGEST_HEADER = 8192
_SEPARATOR = b"$"


def pack_inputs(
    transport: Transport, cryptor: Cryptor, organizations: Sequence[int], data: bytes
) -> list[dict[str, Any]]:
    """Return the input of each organization, as ``POST /task`` takes it.

    Parameters
    ----------
    transport : Transport
        Connection to the server.
    cryptor : Cryptor
        Scheme of the collaboration.
    organizations : sequence of int
        Whom the input is for.
    data : bytes
        The serialized input.

    Raises
    ------
    PublicKeyError
        If an organization has no usable key.
    TransportError
        If the server does not answer or refuses.
    """
    keys: Mapping[int, str] = recipient_keys(transport, organizations) if cryptor.encrypts else {}
    blobs = server_blob_store(transport)
    return [
        {"id": id_, "input": pack(data, cryptor, keys.get(id_, ""), blobs)} for id_ in organizations
    ]


def as_text(data: bytes) -> str | bytes:
    """Return bytes as text; those that are not UTF-8 stay bytes."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def read_payload(transport: Transport, cryptor: Cryptor, text: str, *, is_reference: bool) -> bytes:
    """Return the bytes of an input or result; of something else than JSON as well.

    Parameters
    ----------
    transport : Transport
        Connection to the server.
    cryptor : Cryptor
        Scheme in use. What is not encrypted can be read with any.
    text : str
        What the server has in its record.
    is_reference : bool
        Whether that is the uuid of a stored payload.

    Raises
    ------
    DecryptionError
        If the payload cannot be decrypted.
    TransportError
        If it cannot be fetched.
    """
    if is_reference:
        stored = b"".join(ServerBlobStore(transport).open(text))
        scheme = cryptor if _SEPARATOR in stored[:_LONGEST_HEADER] else PlainCryptor()
        return b"".join(scheme.decrypt_stream((stored,)))
    scheme = cryptor if _SEPARATOR.decode() in text else PlainCryptor()
    try:
        return scheme.decrypt(text)
    except UnexpectedContentError as error:
        if not scheme.is_for_us(text):
            raise
        logger.warning("An input or result is not JSON and is given as it is.")
        return error.content
