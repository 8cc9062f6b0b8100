"""Users of the selected algorithm store."""

from __future__ import annotations

from collections.abc import Sequence

from vantage6.client.filter import post_filtering
from vantage6.client.subclients.base import Answer
from vantage6.client.subclients.store.base import StorePath, StoreSubClient

__all__ = ["StoreUserSubClient"]


class StoreUserSubClient(StoreSubClient):
    """Look at, register and change users."""

    @post_filtering()
    def list(
        self,
        username: str | None = None,
        role: int | None = None,
        page: int = 1,
        per_page: int = 10,
    ) -> Answer:
        """Return a page of users; `username` is a pattern, `role` an id."""
        query = {"username": username, "role_id": role, "page": page, "per_page": per_page}
        return self._request("get", StorePath.USERS, params=query)

    @post_filtering(iterable=False)
    def get(self, id_: int) -> Answer:
        """Return one user."""
        return self._request("get", StorePath.USER.format(id=id_))

    @post_filtering(iterable=False)
    def register(self, username: str, roles: Sequence[int]) -> Answer:
        """Register a user of your server with the store, and return it."""
        body = {"username": username, "roles": [*roles]}
        return self._request("post", StorePath.USERS, json=body)

    @post_filtering(iterable=False)
    def update(self, id_: int, roles: Sequence[int]) -> Answer:
        """Change the roles of a user and return it."""
        return self._request("patch", StorePath.USER.format(id=id_), json={"roles": [*roles]})

    def delete(self, id_: int) -> None:
        """Remove a user."""
        self._delete(StorePath.USER.format(id=id_))
