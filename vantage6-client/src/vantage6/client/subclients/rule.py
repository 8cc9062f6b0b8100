"""Rules: the single permissions, which are fixed."""

from __future__ import annotations

from vantage6.client.filter import post_filtering
from vantage6.client.subclients.base import Answer, SubClient
from vantage6.common.wire.paths import Path

__all__ = ["RuleSubClient"]


class RuleSubClient(SubClient):
    """Look at rules."""

    @post_filtering(iterable=False)
    def get(self, id_: int) -> Answer:
        """Return one rule."""
        return self._request("get", Path.RULE.format(id=id_))

    @post_filtering()
    def list(
        self,
        name: str | None = None,
        operation: str | None = None,
        scope: str | None = None,
        role: int | None = None,
        page: int = 1,
        per_page: int = 20,
    ) -> Answer:
        """Return a page of rules.

        Parameters
        ----------
        name : str, optional
            Noun that the rule is about, such as "task".
        operation, scope : str, optional
            Such as "VIEW" and "COLLABORATION".
        role : int, optional
            Only rules in this role.
        page, per_page : int
            Which page, and how many per page.
        """
        query = {
            "page": page,
            "per_page": per_page,
            "name": name,
            "operation": operation,
            "scope": scope,
            "role_id": role,
        }
        return self._request("get", Path.RULES, params=query)
