"""Policies of the selected algorithm store."""

from __future__ import annotations

from vantage6.client.filter import post_filtering
from vantage6.client.subclients.base import Answer
from vantage6.client.subclients.store.base import StorePath, StoreSubClient

__all__ = ["PolicySubClient"]


class PolicySubClient(StoreSubClient):
    """Look at policies."""

    @post_filtering(iterable=False)
    def get(self, public: bool = False) -> Answer:
        """Return the policies, or only those that anybody may see."""
        return self._request("get", StorePath.PUBLIC_POLICIES if public else StorePath.POLICIES)
