"""The calls of a node, under the names of the contract (client-api section 8).

Our own node has its calls in ``vantage6.node.link``; this is for tools written for the contract.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx

from vantage6.common.client.client_base import ClientBase
from vantage6.common.clock import Clock, SystemClock, iso_utc
from vantage6.common.crypto.base import Cryptor
from vantage6.common.errors import (
    AuthenticationError,
    ConfigurationError,
    NotAnApiError,
    ResponseError,
    TransportError,
)
from vantage6.common.exceptions import AuthenticationException
from vantage6.common.globals import NODE_CLIENT_REFRESH_BEFORE_EXPIRES_SECONDS
from vantage6.common.http.auth import NodeAuth
from vantage6.common.http.paging import all_items
from vantage6.common.http.transport import Transport
from vantage6.common.legacy import WhoAmI
from vantage6.common.payload.chain import pack, unpack
from vantage6.common.payload.reference import ServerBlobStore, server_blob_store
from vantage6.common.wire.paths import Path as ApiPath
from vantage6.common.wire.tokens import EXPIRY_CLAIM, SUBJECT_CLAIM

__all__ = ["NodeClient"]

_RETRY_PAUSE = 30.0
_LONGEST_PAUSE = 3600.0
_STORE_TIMEOUT = 30.0


class NodeClient(ClientBase):
    """Talks to a server on behalf of a node.

    Parameters
    ----------
    host : str
        Address with its scheme.
    port : int, optional
        Port.
    path : str
        Path of the interface.
    handler : httpx.BaseTransport, optional
        Takes the place of the network.
    clock : Clock, optional
        The time.
    """

    class Run(ClientBase.SubClient):
        """Runs of this node."""

        parent: NodeClient

        def list(
            self,
            state: str = "open",
            include_task: bool = False,  # noqa: FBT001, FBT002 - signature of the contract
            task_id: int | None = None,
        ) -> list[dict[str, Any]]:
            """Return the runs in a state, over all pages, with their inputs decrypted."""
            client = self.parent
            params = {
                "state": state,
                "node_id": client.node_id,
                "include": "task" if include_task else None,
                "task_id": task_id,
            }
            runs = all_items(client.transport, ApiPath.RUNS, params)
            return [{**run, "input": client.decrypted_input(run)} for run in runs]

        def patch(self, id_: int, data: dict[str, Any], init_org_id: int | None = None) -> Any:
            """Report on a run; a result is encrypted for the initiating organization."""
            client = self.parent
            body = dict(data)
            if body.get("result") is not None and init_org_id is not None:
                body["result"] = client.packed_result(body["result"], init_org_id)
            return client.transport.patch(ApiPath.RUN.format(id=id_), json=body, retry=True)

    class AlgorithmStore(ClientBase.SubClient):
        """The algorithm store of a task."""

        parent: NodeClient

        def __init__(self, parent: NodeClient) -> None:
            super().__init__(parent)
            self.url: str | None = None
            self.store_id: int | None = None

        def get(self, id_: int) -> dict[str, Any]:
            """Return what the server knows about a store."""
            store = self.parent.transport.get(ApiPath.ALGORITHM_STORE.format(id=id_))
            return dict(store)

        def set(self, id_: int) -> dict[str, Any]:
            """Choose a store for `get_algorithm`."""
            store = self.get(id_)
            self.store_id, self.url = id_, str(store["url"]).rstrip("/")
            return store

        def get_algorithm(self, image: str) -> Any:
            """Return the entries that the chosen store has for an image.

            Raises
            ------
            ConfigurationError
                If no store is chosen.
            TransportError
                If the store gives no usable answer.
            """
            if self.url is None:
                raise ConfigurationError("No algorithm store is chosen; call store.set(id) first.")
            return self.parent.ask_store(self.url, image)

    def __init__(
        self,
        host: str,
        port: int | None,
        path: str = "/api",
        *,
        handler: httpx.BaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._clock: Clock = clock or SystemClock()
        super().__init__(
            host, port, path, auth=NodeAuth("", clock=clock), handler=handler, clock=clock
        )
        self._handler = handler
        self._ended = threading.Event()
        self._blobs: ServerBlobStore | None = None
        self._asked_for_blobs = False
        self.node_id: int | None = None
        self.collaboration_id: int | None = None
        self.run = self.Run(self)
        self.algorithm_store = self.store = self.AlgorithmStore(self)

    def authenticate(self, api_key: str) -> None:
        """Log in with the node's key and find out who that is.

        Raises
        ------
        AuthenticationException
            If the server does not know the key.
        """
        auth = NodeAuth(api_key, clock=self._clock)
        try:
            auth.login(self.transport)
        except AuthenticationError as error:
            raise AuthenticationException(f"Failed to authenticate: {error}") from error
        self.auth = self.transport.auth = auth
        self.node_id = int(auth.claims[SUBJECT_CLAIM])
        node = self.transport.get(ApiPath.NODE.format(id=self.node_id))
        organization_id = int(node["organization"]["id"])
        organization = self.transport.get(ApiPath.ORGANIZATION.format(id=organization_id))
        self.collaboration_id = int(node["collaboration"]["id"])
        self.whoami = WhoAmI(
            type_="node",
            id_=self.node_id,
            name=str(node["name"]),
            organization_name=str(organization["name"]),
            organization_id=organization_id,
        )

    def auto_refresh_token(self) -> None:
        """Renew the tokens in the background, ten minutes before they expire, until `close`."""
        threading.Thread(target=self._renew_for_ever, daemon=True, name="token renewal").start()

    def request_token_for_container(self, task_id: int, image: str) -> Any:
        """Return the answer with the token for the container of a task."""
        return self.transport.post(
            ApiPath.TOKEN_CONTAINER, json={"task_id": task_id, "image": image}, retry=True
        )

    def is_encrypted_collaboration(self) -> bool:
        """Tell whether the node's collaboration is encrypted."""
        path = ApiPath.COLLABORATION.format(id=self.collaboration_id)
        return bool(self.transport.get(path)["encrypted"])

    def set_task_start_time(self, run_id: int) -> None:
        """Report that a run starts now."""
        self.run.patch(run_id, {"started_at": iso_utc(self._clock.now())})

    def get_vpn_config(self) -> tuple[bool, str]:
        """Return whether there is a VPN configuration, and its text."""
        try:
            answer = self.transport.get(ApiPath.VPN)
        except (ResponseError, NotAnApiError) as error:
            self.log.warning("The server gave no VPN configuration: %s", error)
            return False, ""
        return True, str(answer.get("ovpn_config", ""))

    def refresh_vpn_keypair(self, ovpn_file: str | Path) -> bool:
        """Have the keys in a VPN configuration file renewed; False if the server does not."""
        path = Path(ovpn_file)
        try:
            answer = self.transport.post(
                ApiPath.VPN_UPDATE, json={"vpn_config": path.read_text(encoding="utf-8")}
            )
        except (ResponseError, NotAnApiError) as error:
            self.log.warning("The server did not renew the VPN keys: %s", error)
            return False
        path.write_text(str(answer["ovpn_config"]), encoding="utf-8")
        return True

    def check_user_allowed_to_send_task(
        self,
        allowed_users: Iterable[str | int],
        allowed_orgs: Iterable[str | int],
        init_org_id: int,
        init_user_id: int,
    ) -> bool:
        """Tell whether a user or organization is in one of the lists.

        Ids may be numbers or text, organizations may be named (node-config section 5).
        """
        organizations = {str(entry) for entry in allowed_orgs}
        if str(init_user_id) in {str(entry) for entry in allowed_users}:
            return True
        if str(init_org_id) in organizations:
            return True
        if all(entry.isdigit() for entry in organizations):
            return False
        path = ApiPath.ORGANIZATION.format(id=init_org_id)
        return self.transport.get(path)["name"] in organizations

    def close(self) -> None:
        """Close the connections and end the renewal in the background."""
        self._ended.set()
        super().close()

    def decrypted_input(self, run: dict[str, Any]) -> bytes | None:
        """Return the decrypted input of a run."""
        if not run.get("input"):
            return None
        return unpack(
            run["input"],
            self._scheme(),
            ServerBlobStore(self.transport),
            is_reference=bool(run.get("blob_storage_used")),
        )

    def packed_result(self, result: bytes | str, organization_id: int) -> str:
        """Return what to report for a result that an organization may read."""
        organization = self.transport.get(ApiPath.ORGANIZATION.format(id=organization_id))
        if not self._asked_for_blobs:
            self._blobs = server_blob_store(self.transport)
            self._asked_for_blobs = True
        data = result.encode() if isinstance(result, str) else result
        return pack(data, self._scheme(), organization.get("public_key") or "", self._blobs)

    def ask_store(self, url: str, image: str) -> Any:
        """Return the entries that an algorithm store has for an image."""
        headers = {
            "Authorization": self.transport.authorization() or "",
            "Server-Url": self.base_path,
            "Client-Type": "node",
        }
        with Transport(
            url, handler=self._handler, clock=self._clock, read_timeout=_STORE_TIMEOUT
        ) as store:
            return store.get("/algorithm", params={"image": image}, headers=headers)

    def _scheme(self) -> Cryptor:
        if self.cryptor is None:
            raise ConfigurationError("No encryption is set up; call setup_encryption first.")
        return self.cryptor.cryptor

    def _renew_for_ever(self) -> None:
        while EXPIRY_CLAIM in self.auth.claims:
            left = float(self.auth.claims[EXPIRY_CLAIM]) - self._clock.now().timestamp()
            pause = max(left - NODE_CLIENT_REFRESH_BEFORE_EXPIRES_SECONDS, left / 2, 0.0)
            if self._ended.wait(min(pause, _LONGEST_PAUSE)):
                return
            if pause > _LONGEST_PAUSE:
                continue
            try:
                self.refresh_token()
            except (TransportError, AuthenticationException) as error:
                self.log.warning("The tokens could not be renewed: %s", error)
                self._ended.wait(_RETRY_PAUSE)
