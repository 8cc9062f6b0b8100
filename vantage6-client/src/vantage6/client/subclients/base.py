"""What all sub-clients share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vantage6.client.answers import Refusal, accepted
from vantage6.client.exceptions import NotLoggedInError
from vantage6.client.log import logger

if TYPE_CHECKING:
    from vantage6.client.user_client import UserClient

__all__ = ["Answer", "SubClient", "flag", "given", "tell"]

Answer = dict[str, Any]

_PER_PAGE = 250


class SubClient:
    """The part of a client that deals with one noun.

    Parameters
    ----------
    parent : UserClient
        The client that sends the requests.
    """

    def __init__(self, parent: UserClient) -> None:
        self.parent = parent

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
            path, json=_plain(json), method=method, params=_plain(params), retry=retry
        )
        return answer

    def _delete(self, path: str, params: Mapping[str, Any] | None = None) -> None:
        tell(self._request("delete", path, params=params))

    def _all_pages(self, path: str, params: Mapping[str, Any]) -> Answer:
        """Return a list with the items of all its pages.

        The links are those of the first page, without ``next``: nothing is left to be fetched.

        Raises
        ------
        RefusedError
            If the server refuses a page.
        """
        query = {**params, "per_page": _PER_PAGE, "page": 1}
        whole: Answer = accepted(self._request("get", path, params=query))
        page = whole
        while page.get("links", {}).get("next"):
            query["page"] += 1
            page = accepted(self._request("get", path, params=query))
            whole["data"].extend(page["data"])
        whole.get("links", {}).pop("next", None)
        return whole

    def _own_organization(self) -> int:
        """Return the id of the organization of the user who is logged in."""
        whoami = self.parent.whoami
        if whoami is None:
            raise NotLoggedInError("Nobody is logged in; call client.authenticate() first.")
        return int(whoami.organization_id)

    def _needed_collaboration(self, collaboration: int | None) -> int:
        """Return the given collaboration, or else the one chosen for the client."""
        collaboration = collaboration or self.parent.collaboration_id
        if collaboration is None:
            raise ValueError(
                "No collaboration is given; pass its id, "
                "or choose one with client.setup_collaboration(<id>)."
            )
        return collaboration


def given(**fields: Any) -> dict[str, Any]:
    """Return the fields that have a value; the others are not sent."""
    return {key: value for key, value in fields.items() if value is not None}


def flag(value: bool | None) -> int | None:
    """Return a query flag, which is left out when false.

    The reference server takes any text for true, also ``False`` (contract, rest-api section 1.7).
    """
    return 1 if value else None


def tell(answer: Any) -> None:
    """Log what the server says about something done; a refusal has been logged already."""
    if not isinstance(answer, Refusal) and isinstance(answer, dict):
        logger.info("--> %s", answer.get("msg"))


def _plain(mapping: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if mapping is None else dict(mapping)
