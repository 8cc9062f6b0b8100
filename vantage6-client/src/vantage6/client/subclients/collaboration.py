"""Collaborations: organizations that agreed to work together."""

from __future__ import annotations

import builtins
from collections.abc import Sequence

from vantage6.client.filter import post_filtering
from vantage6.client.log import logger
from vantage6.client.subclients.base import Answer, SubClient, flag, given
from vantage6.common.wire.paths import Path

__all__ = ["CollaborationSubClient"]


class CollaborationSubClient(SubClient):
    """Look at and change collaborations."""

    @post_filtering()
    def list(
        self,
        scope: str = "organization",
        name: str | None = None,
        encrypted: bool | None = None,
        organization: int | None = None,
        algorithm_store: int | None = None,
        page: int = 1,
        per_page: int = 20,
    ) -> Answer:
        """Return a page of collaborations.

        Parameters
        ----------
        scope : {"organization", "global"}
            Only those of your own organization, or all you may see.
        name : str, optional
            Pattern for the name; ``%`` stands for anything.
        encrypted : bool, optional
            Only those that are, or are not, encrypted.
        organization : int, optional
            Only those with this member; for scope "global".
        algorithm_store : int, optional
            Only those linked to this store.
        page, per_page : int
            Which page, and how many per page.
        """
        query = {
            "page": page,
            "per_page": per_page,
            "name": name,
            # 1 and 0 are understood by every server (contract, rest-api section 4.5).
            "encrypted": None if encrypted is None else int(encrypted),
            "algorithm_store_id": algorithm_store,
            "organization_id": organization,
        }
        if scope == "organization":
            query["organization_id"] = self._own_organization()
        elif scope != "global":
            logger.error("Scope %r is unknown; use 'organization' or 'global'.", scope)
        return self._request("get", Path.COLLABORATIONS, params=query)

    @post_filtering(iterable=False)
    def get(self, id_: int) -> Answer:
        """Return one collaboration."""
        return self._request("get", Path.COLLABORATION.format(id=id_))

    @post_filtering(iterable=False)
    def create(
        self,
        name: str,
        organizations: Sequence[int],
        encrypted: bool = False,
    ) -> Answer:
        """Create a collaboration of some organizations and return it."""
        body = {"name": name, "organization_ids": [*organizations], "encrypted": encrypted}
        return self._request("post", Path.COLLABORATIONS, json=body)

    @post_filtering(iterable=False)
    def update(
        self,
        id_: int | None = None,
        name: str | None = None,
        encrypted: bool | None = None,
        organizations: Sequence[int] | None = None,
    ) -> Answer:
        """Change a collaboration, by default the chosen one, and return it."""
        path = Path.COLLABORATION.format(id=self._needed_collaboration(id_))
        body = given(name=name, encrypted=encrypted, organization_ids=organizations)
        return self._request("patch", path, json=body)

    def delete(
        self,
        id_: int | None = None,
        delete_dependents: bool = False,
    ) -> None:
        """Remove a collaboration, with its nodes, tasks and studies if `delete_dependents`."""
        path = Path.COLLABORATION.format(id=self._needed_collaboration(id_))
        self._delete(path, {"delete_dependents": flag(delete_dependents)})

    def add_organization(
        self, organization: int, collaboration: int | None = None
    ) -> builtins.list[Answer]:
        """Add a member and return the members."""
        return self._change_members("post", organization, collaboration)

    def remove_organization(
        self, organization: int, collaboration: int | None = None
    ) -> builtins.list[Answer]:
        """Take a member out and return the members."""
        return self._change_members("delete", organization, collaboration)

    def _change_members(
        self, method: str, organization: int, collaboration: int | None
    ) -> builtins.list[Answer]:
        id_ = self._needed_collaboration(collaboration)
        members: builtins.list[Answer] = self.parent.request(
            Path.COLLABORATION_ORGANIZATIONS.format(id=id_),
            json={"id": organization},
            method=method,
        )
        return members
