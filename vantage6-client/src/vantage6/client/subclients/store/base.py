"""What the sub-clients for the selected algorithm store share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vantage6.client.subclients.base import Answer, SubClient

__all__ = ["StorePath", "StoreSubClient"]


class StorePath:
    """Paths of an algorithm store's interface; fill the fields with ``str.format``."""

    ALGORITHMS = "/algorithm"
    ALGORITHM = "/algorithm/{id}"
    INVALIDATE_ALGORITHM = "/algorithm/{id}/invalidate"
    POLICIES = "/policy"
    PUBLIC_POLICIES = "/policy/public"
    ROLES = "/role"
    ROLE = "/role/{id}"
    RULES = "/rule"
    USERS = "/user"
    USER = "/user/{id}"
    REVIEWS = "/review"
    REVIEW = "/review/{id}"
    APPROVE_REVIEW = "/review/{id}/approve"
    REJECT_REVIEW = "/review/{id}/reject"


class StoreSubClient(SubClient):
    """Sends its requests to the algorithm store selected with ``client.store.set``."""

    def _request(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        retry: bool = True,
    ) -> Answer:
        answer: Answer = self.parent.request(
            path,
            json=None if json is None else dict(json),
            method=method,
            params=params,
            retry=retry,
            is_for_algorithm_store=True,
        )
        return answer
