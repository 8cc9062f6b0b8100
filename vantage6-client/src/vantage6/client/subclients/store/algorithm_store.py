"""Algorithm stores that the server knows, and the one that is selected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vantage6.client.answers import Refusal
from vantage6.client.filter import post_filtering
from vantage6.client.log import logger
from vantage6.client.subclients.base import Answer, SubClient, given
from vantage6.client.subclients.store.policy import PolicySubClient
from vantage6.client.subclients.store.review import ReviewSubClient
from vantage6.client.subclients.store.role import StoreRoleSubClient
from vantage6.client.subclients.store.rule import StoreRuleSubClient
from vantage6.client.subclients.store.user import StoreUserSubClient
from vantage6.common.http.auth import AuthFlow, TokenAuth
from vantage6.common.http.transport import Transport
from vantage6.common.wire.paths import Path

if TYPE_CHECKING:
    from vantage6.client.user_client import UserClient

__all__ = ["AlgorithmStoreSubClient"]


class _ServerLogin:
    """The login at the server, shown to a store; only the server can renew it."""

    def __init__(self, server: Transport) -> None:
        self._server = server

    def header(self) -> str | None:
        return self._server.authorization()

    def renew(self, transport: Transport) -> bool:
        """Renew at the server; the store is only shown the outcome."""
        del transport
        auth = self._server.auth
        return auth is not None and auth.renew(self._server)


class AlgorithmStoreSubClient(SubClient):
    """Link, change and select algorithm stores.

    Attributes
    ----------
    url, store_id : str and int, or None
        The selected store.
    role, rule, user, policy, review
        Sub-clients for the selected store.
    """

    def __init__(self, parent: UserClient, connection: dict[str, Any] | None = None) -> None:
        super().__init__(parent)
        self.url: str | None = None
        self.store_id: int | None = None
        self.role = StoreRoleSubClient(parent)
        self.rule = StoreRuleSubClient(parent)
        self.user = StoreUserSubClient(parent)
        self.policy = PolicySubClient(parent)
        self.review = ReviewSubClient(parent)
        self._connection = connection or {}
        self._transport: Transport | None = None

    @property
    def transport(self) -> Transport:
        """Connection to the selected store.

        Raises
        ------
        ValueError
            If none is selected.
        """
        if self.url is None:
            raise ValueError(
                "No algorithm store is selected; call client.store.set(<id>) first, "
                "with an id from client.store.list()."
            )
        if self._transport is None:
            self._transport = self._connect(self.url)
        return self._transport

    def close(self) -> None:
        """Close the connection to the selected store."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    @post_filtering(iterable=False)
    def get(self, id_: int) -> Answer:
        """Return what the server knows of a store."""
        return self._request("get", Path.ALGORITHM_STORE.format(id=id_))

    def set(self, id_: int) -> Answer:
        """Select a store for the calls that follow, and return what the server knows of it."""
        found = self._request("get", Path.ALGORITHM_STORE.format(id=id_))
        if isinstance(found, Refusal) or not found.get("url"):
            logger.error("Algorithm store %s is not selected: it has no address.", id_)
            return found
        self.close()
        self.url = str(found["url"])
        self.store_id = id_
        return found

    @post_filtering()
    def list(
        self,
        name: str | None = None,
        url: str | None = None,
        collaboration: int | None = None,
        page: int = 1,
        per_page: int = 10,
    ) -> Answer:
        """Return a page of the stores you may see, by default of the chosen collaboration."""
        query = {
            "page": page,
            "per_page": per_page,
            "name": name,
            "url": url,
            "collaboration_id": collaboration or self.parent.collaboration_id,
        }
        return self._request("get", Path.ALGORITHM_STORES, params=query)

    @post_filtering(iterable=False)
    def create(
        self,
        algorithm_store_url: str,
        name: str,
        collaboration: int | None = None,
        all_collaborations: bool = False,
        force: bool = False,
    ) -> Answer:
        """Link a store to a collaboration, or to all of them, and return the link.

        Parameters
        ----------
        algorithm_store_url : str
            Address of the store with its API path.
        name : str
            What to call it.
        collaboration : int, optional
            Which collaboration; by default the chosen one.
        all_collaborations : bool
            Whether to link it to all collaborations instead.
        force : bool
            Whether to allow an address on the local machine.
        """
        body = given(
            algorithm_store_url=algorithm_store_url,
            name=name,
            force=force,
            server_url=self.parent.base_path,
            collaboration_id=None
            if all_collaborations
            else self._needed_collaboration(collaboration),
        )
        return self._request("post", Path.ALGORITHM_STORES, json=body)

    @post_filtering(iterable=False)
    def update(
        self,
        id_: int | None = None,
        name: str | None = None,
        collaboration: int | None = None,
        all_collaborations: bool | None = None,
    ) -> Answer:
        """Change a link, by default that of the selected store, and return it."""
        body = given(name=name, collaboration_id=collaboration)
        if all_collaborations:
            body["collaboration_id"] = None
        path = Path.ALGORITHM_STORE.format(id=self._needed_store(id_))
        return self._request("patch", path, json=body)

    def delete(self, id_: int | None = None) -> None:
        """Remove a link, by default that of the selected store."""
        path = Path.ALGORITHM_STORE.format(id=self._needed_store(id_))
        self._delete(path, {"server_url": self.parent.base_path})

    def _needed_store(self, id_: int | None) -> int:
        id_ = id_ or self.store_id
        if id_ is None:
            raise ValueError(
                "No algorithm store is given; pass its id, or select one with client.store.set()."
            )
        return id_

    def _connect(self, url: str) -> Transport:
        server = self.parent.transport
        auth: AuthFlow | None = _ServerLogin(server) if isinstance(server.auth, TokenAuth) else None
        return Transport(
            url,
            auth=auth,
            read_timeout=self._connection.get("timeout", 60.0),
            verify=self._connection.get("verify", True),
            handler=self._connection.get("handler"),
            # With a hyphen: proxies drop names with the underscore that released clients send.
            headers={"Server-Url": self.parent.base_path},
        )
