"""Public keys of the organizations that receive results."""

from __future__ import annotations

from vantage6.common.errors import NotFoundError, TransportError
from vantage6.node.link.rest import ServerApi
from vantage6.node.runs.journal import Journal

__all__ = ["KeyRing"]


class KeyRing:
    """Gets public keys from the server, and keeps them for when it cannot be reached.

    Parameters
    ----------
    api : ServerApi
        Connection to the server.
    journal : Journal
        Where the keys are kept.
    """

    def __init__(self, api: ServerApi, journal: Journal) -> None:
        self._api = api
        self._journal = journal

    def note(self, organization_id: int) -> None:
        """Make sure that some key of an organization is at hand.

        Raises
        ------
        TransportError
            If none is, and the server cannot be asked.
        """
        if self._journal.known_key(organization_id) is None:
            self._fetch(organization_id)

    def current(self, organization_id: int) -> str:
        """Return an organization's key, as new as it can be had; empty if it has none.

        Raises
        ------
        TransportError
            If the server cannot be asked and no key is known.
        """
        try:
            return self._fetch(organization_id)
        except NotFoundError:
            return ""
        except TransportError:
            known = self._journal.known_key(organization_id)
            if known is None:
                raise
            return known

    def _fetch(self, organization_id: int) -> str:
        key = self._api.organization(organization_id).public_key
        if key:
            self._journal.remember_key(organization_id, key)
        return key
