"""Typed calls to the server: the only place that knows the JSON of its answers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from vantage6.common.errors import NotAnApiError, TransportError
from vantage6.common.http.paging import iterate_pages
from vantage6.common.http.retry import RetryPolicy
from vantage6.common.http.transport import Transport
from vantage6.common.wire.paths import Path
from vantage6.node.datasources.requests import requested_databases
from vantage6.node.runs.model import OfferedRun, RunFacts

__all__ = ["NodeDetails", "OrganizationDetails", "ServerApi", "run_from_wire"]

_log = logging.getLogger(__name__)
_OK = 200
_RUNS_PER_PAGE = 50
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_STORE_TIMEOUT = 10.0


@dataclass(frozen=True)
class NodeDetails:
    """A node as the server describes it; `collaboration_id` is None for a detached one."""

    name: str
    organization_id: int
    collaboration_id: int | None


@dataclass(frozen=True)
class OrganizationDetails:
    """An organization as the server describes it; the key is in the API's base64 form."""

    organization_id: int
    name: str
    public_key: str


class ServerApi:
    """What a node asks of the server.

    All methods raise the errors of `Transport.send`.

    Parameters
    ----------
    transport : Transport
        Authenticated connection to the server.
    open_store : callable, optional
        Opens a connection to an algorithm store, given its address.
    """

    def __init__(
        self, transport: Transport, open_store: Callable[[str], Transport] | None = None
    ) -> None:
        self._transport = transport
        self._open_store = open_store or _open_store

    def is_own_release(self) -> bool:
        """Tell whether the server is of this project, with what it offers over the contract."""
        return "release" in _object(self._transport.get(Path.VERSION))

    def node(self, node_id: int) -> NodeDetails:
        """Return what the server knows of a node."""
        body = _object(self._transport.get(Path.NODE.format(id=node_id)))
        organization_id = _linked_id(body.get("organization"))
        if organization_id is None:
            raise NotAnApiError("The server describes this node without an organization.", _OK)
        return NodeDetails(
            name=str(body.get("name")),
            organization_id=organization_id,
            collaboration_id=_linked_id(body.get("collaboration")),
        )

    def organization(self, organization_id: int) -> OrganizationDetails:
        """Return an organization's name and public key."""
        body = _object(self._transport.get(Path.ORGANIZATION.format(id=organization_id)))
        return OrganizationDetails(
            organization_id, str(body.get("name")), str(body.get("public_key") or "")
        )

    def organizations_named(self, name: str) -> list[int]:
        """Return the ids of the organizations with exactly this name."""
        # The server takes the name as a pattern and may ignore case.
        found = iterate_pages(self._transport, Path.ORGANIZATIONS, {"name": name})
        return [int(item["id"]) for item in found if item.get("name") == name]

    def upload_public_key(self, organization_id: int, public_key: str) -> None:
        """Store the organization's public key at the server."""
        path = Path.ORGANIZATION.format(id=organization_id)
        self._transport.patch(path, {"public_key": public_key}, retry=True)

    def is_encrypted(self, collaboration_id: int) -> bool:
        """Tell whether a collaboration encrypts payloads."""
        body = _object(self._transport.get(Path.COLLABORATION.format(id=collaboration_id)))
        return bool(body.get("encrypted"))

    def open_runs(self, node_id: int, task_id: int | None = None) -> Iterator[OfferedRun]:
        """Give this node's runs that are not finished, of one task or of all."""
        params = {
            "state": "open",
            "node_id": node_id,
            "include": "task",
            "task_id": task_id,
        }
        for body in iterate_pages(self._transport, Path.RUNS, params, _RUNS_PER_PAGE):
            offered = run_from_wire(body)
            if offered is not None:
                yield offered

    def run_input(self, run_id: int) -> str | None:
        """Return a run's input as it travels."""
        body = _object(self._transport.get(Path.RUN.format(id=run_id)))
        return body.get("input")

    def is_run_finished(self, run_id: int) -> bool:
        """Tell whether a run that exists is finished."""
        body = _object(self._transport.get(Path.RUN.format(id=run_id)))
        return bool(body.get("finished_at"))

    def report_run(self, run_id: int, body: Mapping[str, Any]) -> None:
        """Change status, times, log or result of a run."""
        self._transport.patch(Path.RUN.format(id=run_id), dict(body))

    def report_large_run(self, run_id: int, body: Iterable[bytes], size: int) -> None:
        """Do the same with a JSON body of `size` bytes that comes in pieces."""
        headers = {"Content-Type": "application/json", "Content-Length": str(size)}
        path = Path.RUN.format(id=run_id)
        self._transport.send("PATCH", path, content=body, headers=headers)

    def container_token(self, task_id: int, image: str) -> str:
        """Return a token with which an algorithm of the task may speak to the server."""
        body = _object(
            self._transport.post(
                Path.TOKEN_CONTAINER, {"task_id": task_id, "image": image}, retry=True
            )
        )
        token = body.get("container_token")
        if not token:
            raise NotAnApiError("The server gave no token for the algorithm.", _OK)
        return str(token)

    def upload_blob(self, chunks: Iterable[bytes]) -> str:
        """Store a result outside the run record and return its uuid."""
        return str(_object(self._transport.upload(Path.BLOBS, chunks))["uuid"])

    def open_blob(self, uuid: str) -> AbstractContextManager[Iterator[bytes]]:
        """Open a stored input for reading."""
        return self._transport.stream_download(Path.BLOB.format(id=uuid))

    def store_url(self, store_id: int) -> str:
        """Return the address of an algorithm store that is linked to the server."""
        body = _object(self._transport.get(f"/algorithmstore/{store_id}"))
        return str(body.get("url") or "")

    def store_offers(self, store_url: str, image: str) -> bool:
        """Ask an algorithm store whether it has an image; no answer means no.

        The store learns the node's access token, because it asks the server with it who is
        calling (contract, node-config section 5).
        """
        url = _reachable_store(store_url, self._transport.origin)
        server_url = self._transport.base_url.replace("host.docker.internal", "localhost")
        headers = {
            "Authorization": self._transport.authorization() or "",
            "Server-Url": server_url,
            "Client-Type": "node",
        }
        try:
            with self._open_store(url) as store:
                body = store.get("/algorithm", params={"image": image}, headers=headers)
        except TransportError as error:
            _log.warning("Algorithm store %s gave no usable answer: %s", url, error)
            return False
        return isinstance(body, dict) and bool(body.get("data"))


def run_from_wire(body: Mapping[str, Any]) -> OfferedRun | None:
    """Read a run with its task; None, with a line in the log, if it cannot be understood."""
    try:
        task = body["task"]
        facts = RunFacts(
            run_id=int(body["id"]),
            task_id=int(task["id"]),
            job_id=int(task["job_id"]),
            image=str(task["image"]),
            init_org_id=int(task["init_org"]["id"]),
            init_user_id=_linked_id(task.get("init_user")),
            store_id=_linked_id(task.get("algorithm_store")),
            parent_id=_linked_id(task.get("parent")),
            created_at=str(task.get("created_at") or ""),
            databases=requested_databases(task.get("databases")),
            has_blob=bool(body.get("blob_storage_used")),
        )
    except (KeyError, TypeError, ValueError) as error:
        _log.error("Run %s is skipped, its description is unusable: %r", body.get("id"), error)
        return None
    return OfferedRun(facts, body.get("input"))


def _open_store(url: str) -> Transport:
    return Transport(url, read_timeout=_STORE_TIMEOUT, retry=RetryPolicy(attempts=3))


def _linked_id(link: Any) -> int | None:
    return int(link["id"]) if isinstance(link, Mapping) and link.get("id") is not None else None


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise NotAnApiError("The server answered with something that is not an object.", _OK)
    return body


def _reachable_store(store_url: str, server_origin: str) -> str:
    """Replace ``localhost`` in a store's address by the server's host, seen from elsewhere."""
    store, server = urlsplit(store_url), urlsplit(server_origin)
    if store.hostname not in _LOCAL_HOSTS or server.hostname in _LOCAL_HOSTS:
        return store_url
    port = f":{store.port}" if store.port else ""
    return store._replace(scheme=server.scheme, netloc=f"{server.hostname}{port}").geturl()
