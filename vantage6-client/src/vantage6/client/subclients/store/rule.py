"""Rules in the selected algorithm store."""

from __future__ import annotations

from vantage6.client.filter import post_filtering
from vantage6.client.subclients.base import Answer
from vantage6.client.subclients.store.base import StorePath, StoreSubClient

__all__ = ["StoreRuleSubClient"]


class StoreRuleSubClient(StoreSubClient):
    """Look at rules."""

    @post_filtering()
    def list(
        self,
        name: str | None = None,
        operation: str | None = None,
        role: int | None = None,
        username: str | None = None,
        serverUrl: str | None = None,  # noqa: N803 - contract
        page: int = 1,
        per_page: int = 10,
    ) -> Answer:
        """Return a page of rules.

        Parameters
        ----------
        name, operation : str, optional
            What the rule is about, and what it allows.
        role : int, optional
            Only rules in this role.
        username, serverUrl : str, optional
            Only rules of this user of a server, by default of yours.
        page, per_page : int
            Which page, and how many per page.
        """
        query = {
            "name": name,
            "operation": operation,
            "role_id": role,
            "username": username,
            "page": page,
            "per_page": per_page,
        }
        if username:
            query["server_url"] = serverUrl or self.parent.base_path
        return self._request("get", StorePath.RULES, params=query)
