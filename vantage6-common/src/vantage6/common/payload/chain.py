"""From bytes to what stands in a run record, and back."""

from __future__ import annotations

from collections.abc import Iterator

from vantage6.common.crypto.base import Cryptor
from vantage6.common.errors import PayloadError
from vantage6.common.payload.reference import BlobStore

__all__ = ["BlobStore", "pack", "unpack"]


def pack(data: bytes, cryptor: Cryptor, recipient_key: str, blobs: BlobStore | None = None) -> str:
    """Encrypt a payload for an organization and say what to write into the run record.

    Parameters
    ----------
    data : bytes
        The serialized input or result.
    cryptor : Cryptor
        Scheme of the collaboration.
    recipient_key : str
        Public key of the receiving organization; of no importance without encryption.
    blobs : BlobStore, optional
        Where to store the payload, if not in the run record itself.

    Returns
    -------
    str
        The inline form, or with `blobs` the uuid of the stored payload.

    Raises
    ------
    PublicKeyError
        If the receiver's key is missing or no key.
    TransportError
        If the payload cannot be stored.
    """
    if blobs is None:
        return cryptor.encrypt(data, recipient_key)
    return blobs.put(_Encrypted(data, cryptor, recipient_key))


def unpack(
    text: str, cryptor: Cryptor, blobs: BlobStore | None = None, *, is_reference: bool = False
) -> bytes:
    """Return the payload that a run record holds or refers to.

    Parameters
    ----------
    text : str
        What stands in the run record.
    cryptor : Cryptor
        Scheme of the collaboration, with our key.
    blobs : BlobStore, optional
        Where payloads are stored that are not in the run record.
    is_reference : bool
        Whether `text` is the uuid of a stored payload (field ``blob_storage_used``).

    Raises
    ------
    DecryptionError
        If the payload cannot be decrypted with our key.
    PayloadError
        If it is a reference but there is nowhere to look it up.
    """
    if not is_reference:
        return cryptor.decrypt(text)
    if blobs is None:
        raise PayloadError(
            f"The payload {text} is kept in the server's blob storage, which was not opened; "
            "connect to a server with blob storage."
        )
    return b"".join(cryptor.decrypt_stream(blobs.open(text)))


class _Encrypted:
    """The blob form of a payload; each pass encrypts anew, so that an upload can be repeated."""

    def __init__(self, data: bytes, cryptor: Cryptor, recipient_key: str) -> None:
        self._data = data
        self._cryptor = cryptor
        self._recipient_key = recipient_key

    def __iter__(self) -> Iterator[bytes]:
        return self._cryptor.encrypt_stream((self._data,), self._recipient_key)
