"""Algorithms in the selected store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vantage6.client.filter import post_filtering
from vantage6.client.subclients.base import Answer, flag, given
from vantage6.client.subclients.store.base import StorePath, StoreSubClient

__all__ = ["AlgorithmSubClient"]


class AlgorithmSubClient(StoreSubClient):
    """Look at, submit and change algorithms."""

    @post_filtering(iterable=False)
    def get(self, id_: int) -> Answer:
        """Return one algorithm."""
        return self._request("get", StorePath.ALGORITHM.format(id=id_))

    @post_filtering()
    def list(
        self,
        name: str | None = None,
        description: str | None = None,
        image: str | None = None,
        partitioning: str | None = None,
        v6_version: str | None = None,
        awaiting_reviewer_assignment: bool | None = None,
        under_review: bool | None = None,
        in_review_process: bool | None = None,
        invalidated: bool | None = None,
        page: int = 1,
        per_page: int = 10,
    ) -> Answer:
        """Return a page of algorithms, by default of the approved ones.

        Parameters
        ----------
        name, description, partitioning, v6_version : str, optional
            Patterns; ``%`` stands for anything.
        image : str, optional
            Only algorithms with this image.
        awaiting_reviewer_assignment, under_review, in_review_process, invalidated : bool, optional
            Those in this state instead of the approved ones; at most one of them.
        page, per_page : int
            Which page, and how many per page.
        """
        query = {
            "name": name,
            "description": description,
            "image": image,
            "partitioning": partitioning,
            "vantage6_version": v6_version,
            "awaiting_reviewer_assignment": flag(awaiting_reviewer_assignment),
            "under_review": flag(under_review),
            "in_review_process": flag(in_review_process),
            "invalidated": flag(invalidated),
            "page": page,
            "per_page": per_page,
        }
        return self._request("get", StorePath.ALGORITHMS, params=query)

    @post_filtering(iterable=False)
    def create(
        self,
        name: str,
        description: str,
        image: str,
        partitioning: str,
        vantage6_version: str,
        code_url: str,
        functions: Sequence[dict[str, Any]],
        documentation_url: str | None = None,
    ) -> Answer:
        """Submit an algorithm and return it.

        Parameters
        ----------
        name, description : str
            What it is.
        image : str
            Container image.
        partitioning : {"horizontal", "vertical"}
            How the data is divided over the organizations.
        vantage6_version : str
            Version it was made for.
        code_url, documentation_url : str
            Where to read its code, and about it.
        functions : sequence of dict
            Its functions with their databases, arguments and visualizations.
        """
        body = given(
            name=name,
            description=description,
            image=image,
            partitioning=partitioning,
            vantage6_version=vantage6_version,
            code_url=code_url,
            functions=functions,
            documentation_url=documentation_url,
        )
        return self._request("post", StorePath.ALGORITHMS, json=body)

    @post_filtering(iterable=False)
    def update(
        self,
        id_: int,
        name: str | None = None,
        description: str | None = None,
        image: str | None = None,
        partitioning: str | None = None,
        vantage6_version: str | None = None,
        code_url: str | None = None,
        documentation_url: str | None = None,
        functions: Sequence[dict[str, Any]] | None = None,
        refresh_digest: bool | None = None,
    ) -> Answer:
        """Change an algorithm that is not approved yet, and return it."""
        body = given(
            name=name,
            description=description,
            image=image,
            partitioning=partitioning,
            vantage6_version=vantage6_version,
            code_url=code_url,
            documentation_url=documentation_url,
            functions=functions,
            refresh_digest=refresh_digest,
        )
        return self._request("patch", StorePath.ALGORITHM.format(id=id_), json=body)

    def delete(self, id_: int) -> None:
        """Remove an algorithm."""
        self._delete(StorePath.ALGORITHM.format(id=id_))

    @post_filtering(iterable=False)
    def invalidate(self, id_: int) -> Answer:
        """Take an algorithm out of use."""
        return self._request("post", StorePath.INVALIDATE_ALGORITHM.format(id=id_))
