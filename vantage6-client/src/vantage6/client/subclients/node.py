"""Nodes: our software at an organization, for one collaboration."""

from __future__ import annotations

from vantage6.client.filter import post_filtering
from vantage6.client.subclients.base import Answer, SubClient, given
from vantage6.common.enums import AuthStatus
from vantage6.common.wire.paths import Path

__all__ = ["NodeSubClient"]


class NodeSubClient(SubClient):
    """Look at and change nodes."""

    @post_filtering(iterable=False)
    def get(self, id_: int) -> Answer:
        """Return one node."""
        return self._request("get", Path.NODE.format(id=id_))

    @post_filtering()
    def list(
        self,
        name: str | None = None,
        organization: int | None = None,
        collaboration: int | None = None,
        study: int | None = None,
        is_online: bool | None = None,
        ip: str | None = None,
        last_seen_from: str | None = None,
        last_seen_till: str | None = None,
        page: int = 1,
        per_page: int = 20,
    ) -> Answer:
        """Return a page of the nodes you may see.

        Parameters
        ----------
        name : str, optional
            Pattern for the name; ``%`` stands for anything.
        organization, study : int, optional
            Only nodes of this organization, or of the members of this study.
        collaboration : int, optional
            Only nodes of this collaboration; by default of the chosen one.
        is_online : bool, optional
            Only those that are, or are not, connected.
        ip : str, optional
            Exact address in the VPN.
        last_seen_from, last_seen_till : str, optional
            Range of times, as ISO 8601 in UTC.
        page, per_page : int
            Which page, and how many per page.
        """
        query = {
            "page": page,
            "per_page": per_page,
            "name": name,
            "organization_id": organization,
            "collaboration_id": collaboration or self.parent.collaboration_id,
            "study_id": study,
            "ip": ip,
            "last_seen_from": last_seen_from,
            "last_seen_till": last_seen_till,
        }
        if is_online is not None:
            query["status"] = str(AuthStatus.ONLINE if is_online else AuthStatus.OFFLINE)
        return self._request("get", Path.NODES, params=query)

    @post_filtering(iterable=False)
    def create(
        self,
        collaboration: int | None = None,
        organization: int | None = None,
        name: str | None = None,
    ) -> Answer:
        """Register a node and return it.

        The answer holds its ``api_key``, which is shown only this once. The organization is your
        own by default.
        """
        body = given(
            organization_id=organization or self._own_organization(),
            collaboration_id=self._needed_collaboration(collaboration),
            name=name,
        )
        return self._request("post", Path.NODES, json=body)

    @post_filtering(iterable=False)
    def update(
        self,
        id_: int,
        name: str | None = None,
        clear_ip: bool | None = None,
    ) -> Answer:
        """Change a node and return it."""
        body = given(name=name, clear_ip=clear_ip)
        return self._request("patch", Path.NODE.format(id=id_), json=body)

    def delete(self, id_: int) -> None:
        """Remove a node."""
        self._delete(Path.NODE.format(id=id_))

    def kill_tasks(self, id_: int) -> Answer:
        """Stop all that runs at a node."""
        return self._request("post", Path.KILL_NODE_TASKS, json={"id": id_})
