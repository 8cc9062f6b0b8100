"""Payloads kept outside run records, encrypted and decrypted while they stream through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from typing import IO

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import NotFound

from vantage6.common.crypto.base import Cryptor
from vantage6.common.errors import PublicKeyError, RequestError
from vantage6.common.http.transport import Transport
from vantage6.common.payload.reference import is_uuid
from vantage6.common.wire.paths import Path
from vantage6.node.proxy.callers import current_caller
from vantage6.node.proxy.jobs import Jobs

__all__ = ["blob_routes"]

_KEY_HEADER = "X-Public-Key"
_CHUNK = 1024 * 1024
_BAD_REQUEST = 400
_CREATED = 201


def blob_routes(transport: Transport, cryptor: Cryptor, jobs: Jobs) -> Blueprint:
    """Return the routes for large payloads."""
    routes = Blueprint("blobs", __name__)

    @routes.get("/blobstream/<uuid>")
    def download(uuid: str) -> Response:
        if not is_uuid(uuid):
            raise NotFound
        jobs.require_blob(current_caller(), uuid)
        stack = ExitStack()
        with stack:
            chunks = stack.enter_context(transport.stream_download(Path.BLOB.format(id=uuid)))
            plain = cryptor.decrypt_stream(chunks)
            # A wrong key shows at once, while the status can still say so.
            first = next(plain, b"")
            after = stack.pop_all()
        response = Response(chain((first,), plain), mimetype="application/octet-stream")
        response.call_on_close(after.close)
        return response

    @routes.post("/blobstream")
    def upload() -> tuple[Response, int]:
        key = request.headers.get(_KEY_HEADER, "")
        if cryptor.encrypts and not key:
            raise RequestError(
                f"The header {_KEY_HEADER} is missing; send the public key of the organization "
                "that is to read the payload.",
                _BAD_REQUEST,
            )
        try:
            encrypted = cryptor.encrypt_stream(_pieces(request.stream), key)
        except PublicKeyError as error:
            raise RequestError(
                f"The header {_KEY_HEADER} cannot be used: {error}", _BAD_REQUEST
            ) from error
        return jsonify(transport.upload(Path.BLOBS, encrypted)), _CREATED

    return routes


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(_CHUNK):
        yield piece
