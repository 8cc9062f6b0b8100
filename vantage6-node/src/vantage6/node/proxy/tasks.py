"""Subtasks: an algorithm's input is encrypted here, for each organization that receives it."""

from __future__ import annotations

import base64
import binascii
import contextvars
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Blueprint, Response, request

from vantage6.common.crypto.base import Cryptor
from vantage6.common.errors import NotFoundError, PublicKeyError, RequestError
from vantage6.common.http.transport import Transport
from vantage6.common.payload.reference import is_uuid
from vantage6.common.wire.paths import Path
from vantage6.node.proxy.forward import reply
from vantage6.node.proxy.jobs import Jobs

__all__ = ["task_routes"]

_BAD_REQUEST = 400
_TOO_LARGE = 413
_LARGEST_TASK = 1024**3
_KEY_THREADS = 8
_IDEMPOTENCY_HEADER = "Idempotency-Key"


def task_routes(
    transport: Transport, cryptor: Cryptor, jobs: Jobs, *, repeatable: bool
) -> Blueprint:
    """Return the route for new subtasks.

    Parameters
    ----------
    transport : Transport
        Connection to the server.
    cryptor : Cryptor
        How this node's organization encrypts.
    jobs : Jobs
        Learns which job the new task is of.
    repeatable : bool
        Whether the server knows a request again that it has carried out already.
    """
    routes = Blueprint("tasks", __name__)
    encryption = _Encryption(transport, cryptor)

    @routes.post("/task")
    def create() -> Response:
        _check_size(request.content_length or 0)
        task = _task(request.get_json(silent=True))
        key = request.headers.get(_IDEMPOTENCY_HEADER) or uuid.uuid4().hex
        answer = transport.send(
            "POST",
            Path.TASKS,
            json=encryption.applied(task),
            headers={_IDEMPOTENCY_HEADER: key},
            retry=True if repeatable else None,
        )
        jobs.remember_task(answer.body)
        return reply(answer)

    return routes


class _Encryption:
    """Encrypts the inputs of a task."""

    def __init__(self, transport: Transport, cryptor: Cryptor) -> None:
        self._transport = transport
        self._cryptor = cryptor

    def applied(self, task: dict[str, Any]) -> dict[str, Any]:
        """Return the task with each input encrypted for its organization.

        Inputs that are references were encrypted when they were uploaded.
        """
        if not self._cryptor.encrypts:
            return task
        organizations = task["organizations"]
        keys = self._keys(
            {each["id"] for each in organizations if isinstance(each.get("input"), str)}
        )
        return {
            **task,
            "organizations": [
                {**each, "input": self._encrypted(each, keys[each["id"]])}
                if isinstance(each.get("input"), str) and not is_uuid(each["input"])
                else each
                for each in organizations
            ],
        }

    def _encrypted(self, organization: Mapping[str, Any], key: str) -> str:
        try:
            plain = base64.b64decode(organization["input"])
        except (binascii.Error, ValueError) as error:
            raise RequestError(
                f"The input for organization {organization['id']} is not base64 text; encode its "
                "JSON in base64.",
                _BAD_REQUEST,
            ) from error
        try:
            return self._cryptor.encrypt(plain, key)
        except PublicKeyError as error:
            raise RequestError(
                f"The input for organization {organization['id']} cannot be encrypted: {error}",
                _BAD_REQUEST,
            ) from error

    def _keys(self, organization_ids: set[int]) -> dict[int, str]:
        """Fetch public keys, several at a time."""
        ids = sorted(organization_ids)
        if len(ids) <= 1:
            return {each: self._key(each) for each in ids}
        with ThreadPoolExecutor(min(_KEY_THREADS, len(ids))) as pool:
            # Each thread gets the context of this request, and so the caller's token.
            futures = {
                each: pool.submit(contextvars.copy_context().run, self._key, each) for each in ids
            }
        return {each: future.result() for each, future in futures.items()}

    def _key(self, organization_id: int) -> str:
        path = Path.ORGANIZATION.format(id=organization_id)
        try:
            organization = self._transport.get(path)
        except NotFoundError as error:
            raise RequestError(
                f"There is no organization {organization_id}; give the subtask to organizations "
                "of the collaboration.",
                _BAD_REQUEST,
            ) from error
        key = organization.get("public_key") if isinstance(organization, dict) else None
        if not key:
            name = organization.get("name") if isinstance(organization, dict) else None
            raise RequestError(
                f"Organization {organization_id} ({name}) has no public key, so nothing can be "
                "encrypted for it; its node or a user of it must upload one first.",
                _BAD_REQUEST,
            )
        return str(key)


def _check_size(size: int) -> None:
    """Refuse what would take the node's memory; the algorithm decides how much it sends."""
    if size > _LARGEST_TASK:
        raise RequestError(
            f"The new task has {size} bytes with its inputs, and at most {_LARGEST_TASK} are "
            "taken; send less, or use a server that keeps large inputs in a store of its own.",
            _TOO_LARGE,
        )


def _task(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise RequestError("The body of a new task must be a JSON object.", _BAD_REQUEST)
    organizations = body.get("organizations")
    if not organizations:
        raise RequestError("Organizations missing from input", _BAD_REQUEST)
    if not isinstance(organizations, list) or not all(_has_id(each) for each in organizations):
        raise RequestError(
            "The organizations of a new task must be a list of objects with an integer id.",
            _BAD_REQUEST,
        )
    if not all(isinstance(each.get("input") or "", str) for each in organizations):
        # Anything else would go on as it is, also where inputs have to be encrypted.
        raise RequestError(
            "The input for an organization must be text; encode its JSON in base64.", _BAD_REQUEST
        )
    return body


def _has_id(organization: Any) -> bool:
    return isinstance(organization, dict) and type(organization.get("id")) is int
