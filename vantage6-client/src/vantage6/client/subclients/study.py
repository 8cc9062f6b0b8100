"""Studies: some of a collaboration's organizations, for one question."""

from __future__ import annotations

import builtins
from collections.abc import Sequence

from vantage6.client.filter import post_filtering
from vantage6.client.subclients.base import Answer, SubClient, given
from vantage6.common.wire.paths import Path

__all__ = ["StudySubClient"]


class StudySubClient(SubClient):
    """Look at and change studies."""

    @post_filtering(iterable=False)
    def get(self, id_: int) -> Answer:
        """Return one study."""
        return self._request("get", Path.STUDY.format(id=id_))

    @post_filtering()
    def list(
        self,
        name: str | None = None,
        organization: int | None = None,
        collaboration: int | None = None,
        include_organizations: bool = False,
        page: int = 1,
        per_page: int = 20,
    ) -> Answer:
        """Return a page of the studies you may see.

        Parameters
        ----------
        name : str, optional
            Pattern for the name; ``%`` stands for anything.
        organization, collaboration : int, optional
            Only studies with this member, or of this collaboration.
        include_organizations : bool
            Whether each study holds its organizations instead of a link to them.
        page, per_page : int
            Which page, and how many per page.
        """
        query = {
            "page": page,
            "per_page": per_page,
            "name": name,
            "organization_id": organization,
            "collaboration_id": collaboration,
            "include": "organizations" if include_organizations else None,
        }
        return self._request("get", Path.STUDIES, params=query)

    @post_filtering(iterable=False)
    def create(
        self, name: str, organizations: Sequence[int], collaboration: int | None = None
    ) -> Answer:
        """Create a study in a collaboration, by default the chosen one, and return it."""
        body = {
            "name": name,
            "organization_ids": [*organizations],
            "collaboration_id": self._needed_collaboration(collaboration),
        }
        return self._request("post", Path.STUDIES, json=body)

    @post_filtering(iterable=False)
    def update(
        self, id_: int, name: str | None = None, organizations: Sequence[int] | None = None
    ) -> Answer:
        """Change a study and return it; `organizations` replaces the present members."""
        body = given(name=name, organization_ids=organizations)
        return self._request("patch", Path.STUDY.format(id=id_), json=body)

    def delete(self, id_: int | None = None) -> None:
        """Remove a study."""
        self._delete(Path.STUDY.format(id=_needed(id_)))

    def add_organization(
        self, organization: int, study: int | None = None
    ) -> builtins.list[Answer]:
        """Add a member and return the members."""
        return self._change_members("post", organization, study)

    def remove_organization(
        self, organization: int, study: int | None = None
    ) -> builtins.list[Answer]:
        """Take a member out and return the members."""
        return self._change_members("delete", organization, study)

    def _change_members(
        self, method: str, organization: int, study: int | None
    ) -> builtins.list[Answer]:
        path = Path.STUDY_ORGANIZATIONS.format(id=_needed(study))
        members: builtins.list[Answer] = self.parent.request(
            path, json={"id": organization}, method=method
        )
        return members


def _needed(study: int | None) -> int:
    if study is None:
        raise ValueError("No study is given; pass its id.")
    return study
