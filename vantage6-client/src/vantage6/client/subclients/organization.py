"""Organizations: the legal parties that own users, nodes and keys."""

from __future__ import annotations

from vantage6.client.filter import post_filtering
from vantage6.client.subclients.base import Answer, SubClient, flag, given
from vantage6.common.wire.paths import Path

__all__ = ["OrganizationSubClient"]


class OrganizationSubClient(SubClient):
    """Look at and change organizations."""

    @post_filtering()
    def list(
        self,
        name: str | None = None,
        country: str | None = None,
        collaboration: int | None = None,
        study: int | None = None,
        page: int | None = None,
        per_page: int | None = None,
    ) -> Answer:
        """Return a page of the organizations you may see.

        Parameters
        ----------
        name : str, optional
            Pattern for the name; ``%`` stands for anything.
        country : str, optional
            Exact country.
        collaboration : int, optional
            Only members of this collaboration; by default of the one chosen with
            ``setup_collaboration``.
        study : int, optional
            Only members of this study.
        page, per_page : int, optional
            Which page, and how many per page.
        """
        query = {
            "name": name,
            "country": country,
            "collaboration_id": collaboration or self.parent.collaboration_id,
            "study_id": study,
            "page": page,
            "per_page": per_page,
        }
        return self._request("get", Path.ORGANIZATIONS, params=query)

    @post_filtering(iterable=False)
    def get(self, id_: int | None = None) -> Answer:
        """Return one organization, by default your own."""
        path = Path.ORGANIZATION.format(id=id_ or self._own_organization())
        return self._request("get", path)

    @post_filtering(iterable=False)
    def create(
        self,
        name: str,
        address1: str,
        address2: str,
        zipcode: str,
        country: str,
        domain: str,
        public_key: str | None = None,
    ) -> Answer:
        """Register an organization and return it."""
        body = given(
            name=name,
            address1=address1,
            address2=address2,
            zipcode=zipcode,
            country=country,
            domain=domain,
            public_key=public_key,
        )
        return self._request("post", Path.ORGANIZATIONS, json=body)

    @post_filtering(iterable=False)
    def update(
        self,
        id_: int | None = None,
        name: str | None = None,
        address1: str | None = None,
        address2: str | None = None,
        zipcode: str | None = None,
        country: str | None = None,
        domain: str | None = None,
        public_key: str | None = None,
    ) -> Answer:
        """Change an organization, by default your own, and return it."""
        body = given(
            name=name,
            address1=address1,
            address2=address2,
            zipcode=zipcode,
            country=country,
            domain=domain,
            public_key=public_key,
        )
        path = Path.ORGANIZATION.format(id=id_ or self._own_organization())
        return self._request("patch", path, json=body)

    def delete(self, id_: int, delete_dependents: bool = False) -> None:
        """Remove an organization, with all that belongs to it if `delete_dependents`."""
        self._delete(
            Path.ORGANIZATION.format(id=id_), {"delete_dependents": flag(delete_dependents)}
        )
