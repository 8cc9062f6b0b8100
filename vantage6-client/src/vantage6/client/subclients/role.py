"""Roles: named sets of rules."""

from __future__ import annotations

from collections.abc import Sequence

from vantage6.client.filter import post_filtering
from vantage6.client.subclients.base import Answer, SubClient, flag, given
from vantage6.common.wire.paths import Path

__all__ = ["RoleSubClient"]


class RoleSubClient(SubClient):
    """Look at and change roles."""

    @post_filtering()
    def list(
        self,
        name: str | None = None,
        description: str | None = None,
        organization: int | None = None,
        rule: int | None = None,
        user: int | None = None,
        include_root: bool | None = None,
        page: int = 1,
        per_page: int = 20,
    ) -> Answer:
        """Return a page of the roles you may see.

        Parameters
        ----------
        name, description : str, optional
            Patterns; ``%`` stands for anything.
        organization, rule, user : int, optional
            Only roles of this organization, with this rule, of this user.
        include_root : bool, optional
            Together with `organization`: also the roles that belong to no organization.
        page, per_page : int
            Which page, and how many per page.
        """
        query = {
            "page": page,
            "per_page": per_page,
            "name": name,
            "description": description,
            "organization_id": organization,
            "rule_id": rule,
            "user_id": user,
            "include_root": flag(include_root),
        }
        return self._request("get", Path.ROLES, params=query)

    @post_filtering(iterable=False)
    def get(self, id_: int) -> Answer:
        """Return one role."""
        return self._request("get", Path.ROLE.format(id=id_))

    @post_filtering(iterable=False)
    def create(
        self,
        name: str,
        description: str,
        rules: Sequence[int],
        organization: int | None = None,
    ) -> Answer:
        """Create a role, of your own organization by default, and return it."""
        body = {
            "name": name,
            "description": description,
            "rules": [*rules],
            "organization_id": organization or self._own_organization(),
        }
        return self._request("post", Path.ROLES, json=body)

    @post_filtering(iterable=False)
    def update(
        self,
        role: int,
        name: str | None = None,
        description: str | None = None,
        rules: Sequence[int] | None = None,
    ) -> Answer:
        """Change a role and return it; `rules` replaces the present ones."""
        # Only what changes is sent: the reference server refuses null.
        body = given(name=name, description=description, rules=rules)
        return self._request("patch", Path.ROLE.format(id=role), json=body)

    def delete(self, role: int) -> None:
        """Remove a role."""
        self._delete(Path.ROLE.format(id=role))
