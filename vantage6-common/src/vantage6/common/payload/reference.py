"""Payloads that are stored outside the run record, and referred to by a uuid."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

from vantage6.common.errors import NotAnApiError, ResponseError
from vantage6.common.wire.paths import Path

if TYPE_CHECKING:
    from vantage6.common.http.transport import Transport

__all__ = ["BlobStore", "ServerBlobStore", "is_uuid", "server_blob_store"]

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_CREATED = 201


class BlobStore(Protocol):
    """Where payloads are kept outside the run record."""

    def put(self, chunks: Iterable[bytes]) -> str:
        """Store a payload and return its uuid."""
        ...

    def open(self, uuid: str) -> Iterator[bytes]:
        """Give a stored payload piece by piece."""
        ...


class ServerBlobStore:
    """The payloads kept by a server, or by the proxy of a node.

    Parameters
    ----------
    transport : Transport
        Connection to the server or proxy.
    headers : dict, optional
        Sent with each upload.
    """

    def __init__(self, transport: Transport, headers: dict[str, str] | None = None) -> None:
        self._transport = transport
        self._headers = headers

    def put(self, chunks: Iterable[bytes]) -> str:
        """Upload a payload and return its uuid.

        Raises
        ------
        TransportError
            If the server does not take it.
        """
        answer = self._transport.upload(Path.BLOBS, chunks, headers=self._headers)
        uuid = answer.get("uuid") if isinstance(answer, dict) else None
        if not isinstance(uuid, str):
            raise NotAnApiError(
                f"The upload to {self._transport.base_url} was answered without a uuid; "
                "check that the address is that of a vantage6 server.",
                _CREATED,
            )
        return uuid

    def open(self, uuid: str) -> Iterator[bytes]:
        """Give a payload piece by piece as it is downloaded.

        Raises
        ------
        TransportError
            If the server does not have it, or the connection breaks.
        """
        with self._transport.stream_download(Path.BLOB.format(id=uuid)) as chunks:
            yield from chunks


def server_blob_store(transport: Transport) -> ServerBlobStore | None:
    """Ask a server whether it keeps payloads outside run records.

    Returns
    -------
    ServerBlobStore or None
        None if it does not, or does not know the question (contract, serialization section 5).
    """
    try:
        answer = transport.get(Path.BLOB_STATUS)
    except (ResponseError, NotAnApiError):
        return None
    enabled = isinstance(answer, dict) and bool(answer.get("blob_store_enabled"))
    return ServerBlobStore(transport) if enabled else None


def is_uuid(value: object) -> bool:
    """Tell whether a value is a uuid in its canonical lower-case text form."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None
