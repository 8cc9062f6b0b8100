"""Reviews of algorithms in the selected store."""

from __future__ import annotations

from vantage6.client.filter import post_filtering
from vantage6.client.subclients.base import Answer, flag, given, tell
from vantage6.client.subclients.store.base import StorePath, StoreSubClient

__all__ = ["ReviewSubClient"]


class ReviewSubClient(StoreSubClient):
    """Assign, look at and give reviews."""

    @post_filtering()
    def list(
        self,
        algorithm: int | None = None,
        reviewer: int | None = None,
        under_review: bool | None = None,
        reviewed: bool | None = None,
        approved: bool | None = None,
        rejected: bool | None = None,
        page: int = 1,
        per_page: int = 10,
    ) -> Answer:
        """Return a page of reviews.

        Parameters
        ----------
        algorithm, reviewer : int, optional
            Only those of this algorithm, by this user of the store.
        under_review, reviewed, approved, rejected : bool, optional
            Only those in this state.
        page, per_page : int
            Which page, and how many per page.
        """
        query = {
            "algorithm_id": algorithm,
            "reviewer_id": reviewer,
            "under_review": flag(under_review),
            "reviewed": flag(reviewed),
            "approved": flag(approved),
            "rejected": flag(rejected),
            "page": page,
            "per_page": per_page,
        }
        return self._request("get", StorePath.REVIEWS, params=query)

    @post_filtering(iterable=False)
    def get(self, id_: int) -> Answer:
        """Return one review."""
        return self._request("get", StorePath.REVIEW.format(id=id_))

    @post_filtering(iterable=False)
    def create(self, algorithm: int, reviewer: int) -> Answer:
        """Assign an algorithm to a reviewer and return the review to be given."""
        body = {"algorithm_id": algorithm, "reviewer_id": reviewer}
        return self._request("post", StorePath.REVIEWS, json=body)

    def delete(self, id_: int) -> None:
        """Remove a review."""
        self._delete(StorePath.REVIEW.format(id=id_))

    def approve(self, id_: int, comment: str | None = None) -> Answer:
        """Approve the algorithm in a review assigned to you."""
        return self._decide(StorePath.APPROVE_REVIEW.format(id=id_), comment)

    def reject(self, id_: int, comment: str | None = None) -> Answer:
        """Reject the algorithm in a review assigned to you."""
        return self._decide(StorePath.REJECT_REVIEW.format(id=id_), comment)

    def _decide(self, path: str, comment: str | None) -> Answer:
        answer = self._request("post", path, json=given(comment=comment))
        tell(answer)
        return answer
