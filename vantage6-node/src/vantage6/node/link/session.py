"""Logging in, and learning who this node is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from vantage6.common.errors import AuthenticationError, RequestError, TransportError
from vantage6.common.http.auth import NodeAuth
from vantage6.common.http.retry import Backoff
from vantage6.common.http.transport import Transport
from vantage6.common.wire.tokens import SUBJECT_CLAIM
from vantage6.node.identity import NodeIdentity
from vantage6.node.link.failures import may_pass
from vantage6.node.link.rest import ServerApi
from vantage6.node.supervisor import FatalError, NodeStoppedError

__all__ = ["Session"]

_log = logging.getLogger(__name__)
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 10.0

_T = TypeVar("_T")


class Session:
    """The first words with the server.

    Parameters
    ----------
    auth : NodeAuth
        The node's credentials; shared with `transport`.
    transport : Transport
        Connection to the server.
    stop : threading.Event
        Set when the node is to stop.
    on_first_failure : callable, optional
        Told why, when the server is away for the first time.
    first_pause : float, optional
        Seconds before the second attempt.
    """

    def __init__(
        self,
        auth: NodeAuth,
        transport: Transport,
        stop: threading.Event,
        *,
        on_first_failure: Callable[[TransportError], None] = lambda _error: None,
        first_pause: float = _FIRST_PAUSE,
    ) -> None:
        self._auth = auth
        self._transport = transport
        self._api = ServerApi(transport)
        self._stop = stop
        self._on_first_failure = on_first_failure
        self._has_failed = False
        self._first_pause = first_pause

    def log_in(self) -> NodeIdentity:
        """Log in, however long the server is away, and return who this node is.

        Raises
        ------
        FatalError
            If the server does not accept the API key, or the node has no collaboration.
        NodeStoppedError
            If the node was told to stop meanwhile.
        """
        self.insist("log in", self._log_in_once)
        return self.insist("read the node's details", self._identity)

    def insist(self, purpose: str, ask: Callable[[], _T]) -> _T:
        """Repeat a question for as long as the server is away.

        Raises
        ------
        FatalError
            If the server refuses for good.
        NodeStoppedError
            If the node was told to stop meanwhile.
        """
        pause = Backoff(self._first_pause, _LONGEST_PAUSE)
        while not self._stop.is_set():
            try:
                return ask()
            except TransportError as error:
                if not may_pass(error):
                    raise FatalError(f"Could not {purpose}: {error}") from error
                self._note_failure(error)
                seconds = pause.next()
                _log.warning("Could not %s, again in %.0f s: %s", purpose, seconds, error)
                self._stop.wait(seconds)
        raise NodeStoppedError

    def _note_failure(self, error: TransportError) -> None:
        if not self._has_failed:
            self._has_failed = True
            self._on_first_failure(error)

    def _log_in_once(self) -> None:
        try:
            self._auth.login(self._transport)
        except (AuthenticationError, RequestError) as error:
            if may_pass(error):
                raise
            raise FatalError(
                f"The server at {self._transport.base_url} does not accept the API key of this "
                "node; set the right one with: v6 node set-api-key."
            ) from error

    def _identity(self) -> NodeIdentity:
        node_id = int(self._auth.claims[SUBJECT_CLAIM])
        node = self._api.node(node_id)
        if node.collaboration_id is None:
            raise FatalError(
                f"The node {node.name} does not belong to a collaboration any more; register a "
                "new node at the server and set its API key."
            )
        organization = self._api.organization(node.organization_id)
        return NodeIdentity(
            node_id=node_id,
            node_name=node.name,
            organization_id=organization.organization_id,
            organization_name=organization.name,
            collaboration_id=node.collaboration_id,
            encrypted=self._api.is_encrypted(node.collaboration_id),
        )
