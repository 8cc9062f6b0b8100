"""Inputs of subtasks and their results, inline or in the server's blob storage.

Nothing is encrypted here: the node's proxy does that (contract, serialization section 7).
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from vantage6.common.errors import NotAnApiError, ResponseError
from vantage6.common.wire.paths import Path

if TYPE_CHECKING:
    from vantage6.common.http.transport import Transport

__all__ = ["Payloads"]

_CHUNK_SIZE = 1024 * 1024
_PUBLIC_KEY_HEADER = "X-Public-Key"

_log = logging.getLogger("common")


class Payloads:
    """Hands inputs to the proxy and reads the results it gives.

    Parameters
    ----------
    transport : Transport
        Connection to the proxy.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def inputs(self, data: bytes, organizations: list[int]) -> list[dict[str, Any]]:
        """Return the entry of each organization in the body of a new task.

        Parameters
        ----------
        data : bytes
            The serialized input.
        organizations : list of int
            Who gets it.
        """
        if not organizations:
            return []
        if self._has_blob_storage():
            return [{"id": id_, "input": self._upload(data, id_)} for id_ in organizations]
        text = base64.b64encode(data).decode("ascii")
        return [{"id": id_, "input": text} for id_ in organizations]

    def value(self, item: Mapping[str, Any]) -> Any:
        """Return the value in a result, which must not be empty; None if it cannot be read."""
        text = item["result"]
        in_storage = item.get("blob_storage_used")
        try:
            data = self._download(text) if in_storage else base64.b64decode(text)
            return json.loads(data)
        except ValueError:
            _log.warning("The result of run %s cannot be read", _run_id(item))
            return None

    def _has_blob_storage(self) -> bool:
        try:
            answer = self._transport.get(Path.BLOB_STATUS)
        except (ResponseError, NotAnApiError):
            return False  # servers before 4.13 have no blob storage and do not know the path
        return isinstance(answer, dict) and bool(answer.get("blob_store_enabled"))

    def _upload(self, data: bytes, organization: int) -> str:
        receiver = self._transport.get(Path.ORGANIZATION.format(id=organization))
        key = receiver.get("public_key")
        headers = {_PUBLIC_KEY_HEADER: str(key)} if key else {}
        answer = self._transport.upload(Path.BLOBS, _Chunks(data), headers)
        return str(answer["uuid"])

    def _download(self, reference: str) -> bytes:
        with self._transport.stream_download(Path.BLOB.format(id=reference)) as chunks:
            return b"".join(chunks)


class _Chunks:
    """Bytes in pieces that can be gone through again if an upload has to be repeated."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._data), _CHUNK_SIZE):
            yield self._data[start : start + _CHUNK_SIZE]


def _run_id(item: Mapping[str, Any]) -> Any:
    run = item.get("run")
    return run.get("id") if isinstance(run, dict) else item.get("id")
