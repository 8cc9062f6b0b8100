"""Users of the organizations."""

from __future__ import annotations

from collections.abc import Sequence

from vantage6.client.filter import post_filtering
from vantage6.client.subclients.base import Answer, SubClient, given
from vantage6.common.wire.paths import Path

__all__ = ["UserSubClient"]


class UserSubClient(SubClient):
    """Look at and change users."""

    @post_filtering()
    def list(
        self,
        username: str | None = None,
        organization: int | None = None,
        firstname: str | None = None,
        lastname: str | None = None,
        email: str | None = None,
        role: int | None = None,
        rule: int | None = None,
        last_seen_from: str | None = None,
        last_seen_till: str | None = None,
        page: int = 1,
        per_page: int = 20,
    ) -> Answer:
        """Return a page of the users you may see.

        Parameters
        ----------
        username, firstname, lastname, email : str, optional
            Patterns; ``%`` stands for anything.
        organization, role, rule : int, optional
            Only users of this organization, with this role, with this rule.
        last_seen_from, last_seen_till : str, optional
            Range of times, as ISO 8601 in UTC.
        page, per_page : int
            Which page, and how many per page.
        """
        query = {
            "page": page,
            "per_page": per_page,
            "username": username,
            "organization_id": organization,
            "firstname": firstname,
            "lastname": lastname,
            "email": email,
            "role_id": role,
            "rule_id": rule,
            "last_seen_from": last_seen_from,
            "last_seen_till": last_seen_till,
        }
        return self._request("get", Path.USERS, params=query)

    @post_filtering(iterable=False)
    def get(self, id_: int | None = None) -> Answer:
        """Return one user, by default yourself."""
        return self._request("get", Path.USER.format(id=id_ or self._self()))

    @post_filtering(iterable=False)
    def create(
        self,
        username: str,
        firstname: str,
        lastname: str,
        password: str,
        email: str,
        organization: int | None = None,
        roles: Sequence[int] = (),
        rules: Sequence[int] = (),
    ) -> Answer:
        """Create a user, of your own organization by default, and return it."""
        body = given(
            username=username,
            firstname=firstname,
            lastname=lastname,
            password=password,
            email=email,
            # Left out rather than null, which the reference server refuses.
            organization_id=organization,
            roles=[*roles],
            rules=[*rules],
        )
        return self._request("post", Path.USERS, json=body)

    @post_filtering(iterable=False)
    def update(
        self,
        id_: int | None = None,
        firstname: str | None = None,
        lastname: str | None = None,
        organization: int | None = None,
        rules: Sequence[int] | None = None,
        roles: Sequence[int] | None = None,
        email: str | None = None,
    ) -> Answer:
        """Change a user, by default yourself, and return it; lists replace the present ones."""
        body = given(
            firstname=firstname,
            lastname=lastname,
            organization_id=organization,
            rules=rules,
            roles=roles,
            email=email,
        )
        return self._request("patch", Path.USER.format(id=id_ or self._self()), json=body)

    def delete(self, id_: int) -> None:
        """Remove a user."""
        self._delete(Path.USER.format(id=id_))

    def _self(self) -> int:
        self._own_organization()
        assert self.parent.whoami is not None
        return int(self.parent.whoami.id_)
