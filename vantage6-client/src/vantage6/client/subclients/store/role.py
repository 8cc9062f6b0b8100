"""Roles in the selected algorithm store."""

from __future__ import annotations

from collections.abc import Sequence

from vantage6.client.filter import post_filtering
from vantage6.client.subclients.base import Answer, given
from vantage6.client.subclients.store.base import StorePath, StoreSubClient

__all__ = ["StoreRoleSubClient"]


class StoreRoleSubClient(StoreSubClient):
    """Look at and change roles."""

    @post_filtering()
    def list(
        self,
        name: str | None = None,
        description: str | None = None,
        user: int | None = None,
        page: int = 1,
        per_page: int = 10,
    ) -> Answer:
        """Return a page of roles; name and description are patterns, `user` an id."""
        query = {
            "name": name,
            "description": description,
            "user_id": user,
            "page": page,
            "per_page": per_page,
        }
        return self._request("get", StorePath.ROLES, params=query)

    @post_filtering(iterable=False)
    def create(self, name: str, description: str, rules: Sequence[int]) -> Answer:
        """Create a role and return it."""
        body = {"name": name, "description": description, "rules": [*rules]}
        return self._request("post", StorePath.ROLES, json=body)

    @post_filtering(iterable=False)
    def edit(
        self,
        role_id: int,
        name: str | None = None,
        description: str | None = None,
        rules: Sequence[int] | None = None,
    ) -> Answer:
        """Change a role and return it; `rules` replaces the present ones."""
        body = given(name=name, description=description, rules=rules)
        return self._request("patch", StorePath.ROLE.format(id=role_id), json=body)

    def delete(self, role_id: int) -> None:
        """Remove a role."""
        self._delete(StorePath.ROLE.format(id=role_id))
