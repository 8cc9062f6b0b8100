"""The client that an algorithm gets from ``@algorithm_client``."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from vantage6.algorithm.client.polling import pauses
from vantage6.algorithm.client.subclients import (
    CollaborationSubClient,
    OrganizationSubClient,
    ResultSubClient,
    RunSubClient,
    StudySubClient,
    TaskSubClient,
    VPNSubClient,
    reporting,
)
from vantage6.algorithm.tools.exceptions import ClientError, CollectResultsError
from vantage6.common.clock import Clock, SystemClock
from vantage6.common.errors import ResponseError
from vantage6.common.status import is_finished
from vantage6.common.wire.paths import Path
from vantage6.common.wire.tokens import SUBJECT_CLAIM, unverified_claims

if TYPE_CHECKING:
    from vantage6.common.http.transport import Transport

__all__ = ["AlgorithmClient"]

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"})
_ATTEMPTS = 40  # with pauses of at most ten seconds: a node may take minutes to come back
_ANSWER_WITHIN = 300.0


class AlgorithmClient:
    """Makes subtasks and collects their results, through the proxy of the node.

    Requests wait for a node or server that is away for some minutes. A refusal raises an error
    that tells what the server said; only `request` returns the server's answer as it is.

    Parameters
    ----------
    token : str
        The run's token.
    host : str
        Address of the proxy, with its scheme.
    port : int or str
        Port of the proxy; none if empty.
    path : str
        Path below which the proxy answers.
    transport : Transport, optional
        Takes the place of the connection to the proxy.
    clock : Clock, optional
        The time.

    Raises
    ------
    ClientError
        If the token is not that of a run.
    """

    def __init__(
        self,
        token: str,
        host: str,
        port: int | str | None,
        path: str = "/api",
        *,
        transport: Transport | None = None,
        clock: Clock | None = None,
    ) -> None:
        identity = _identity(token)
        self.image = identity.get("image")
        self.databases = identity.get("databases")
        self.node_id = identity.get("node_id")
        self.collaboration_id = identity.get("collaboration_id")
        self.study_id = identity.get("study_id")
        self.store_id = identity.get("store_id")
        self.organization_id = identity.get("organization_id")

        self.log = logging.getLogger("common")
        self.whoami = None
        self.cryptor = None
        self.host = host
        self.port = port
        self.path = path
        self._token = token
        self._clock: Clock = clock or SystemClock()
        self._given_transport = transport

        self.task = TaskSubClient(self)
        self.run = RunSubClient(self)
        self.result = ResultSubClient(self)
        self.organization = OrganizationSubClient(self)
        self.collaboration = CollaborationSubClient(self)
        self.study = StudySubClient(self)
        self.vpn = VPNSubClient(self)

    @property
    def token(self) -> str:
        """The run's token."""
        return self._token

    @property
    def headers(self) -> dict[str, str]:
        """The header that shows who is asking."""
        return {"Authorization": f"Bearer {self._token}"}

    @property
    def base_path(self) -> str:
        """Address of the proxy with port and path."""
        port = f":{self.port}" if self.port else ""
        return f"{self.host}{port}{self.path}"

    @cached_property
    def transport(self) -> Transport:
        """The connection to the proxy, made when it is first needed."""
        if self._given_transport is not None:
            return self._given_transport
        from vantage6.common.http.auth import StaticTokenAuth
        from vantage6.common.http.retry import RetryPolicy
        from vantage6.common.http.transport import Transport

        return Transport(
            self.base_path,
            auth=StaticTokenAuth(self._token),
            read_timeout=_ANSWER_WITHIN,
            retry=RetryPolicy(attempts=_ATTEMPTS),
            clock=self._clock,
        )

    def authenticate(self, *_: Any, **__: Any) -> NotImplementedError:
        """Return an error object: a run has its token from the start (contract, section 7)."""
        return NotImplementedError("A run has its token from the start and does not log in.")

    def refresh_token(self) -> NotImplementedError:
        """Return an error object: the token of a run is not renewed (contract, section 7)."""
        return NotImplementedError("The token of a run is not renewed.")

    def request(
        self,
        endpoint: str,
        json: Any = None,
        method: str = "get",
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send a request and return the parsed answer, also if it is a refusal.

        Parameters
        ----------
        endpoint : str
            Path below the base address.
        json : Any, optional
            Body.
        method : str
            HTTP method; an unknown one reads.
        params : Mapping, optional
            Query.
        headers : Mapping, optional
            Further headers.

        Returns
        -------
        Any
            The answer; for a refusal a dictionary with the server's ``msg``.

        Raises
        ------
        TransportError
            If there is no usable answer.
        """
        known = method.upper() if method.upper() in _METHODS else "GET"
        try:
            answer = self.transport.send(known, endpoint, json=json, params=params, headers=headers)
        except ResponseError as refusal:
            self.log.error("%s %s was refused: %s", known, endpoint, refusal)  # noqa: TRY400 - no failure of ours
            return refusal.body or {"msg": str(refusal)}
        return answer.body

    def wait_for_results(self, task_id: int, interval: float = 1) -> list[Any]:
        """Return the results of a subtask as soon as all its runs have ended.

        The task is looked at often in the beginning and then ever less, about ten times in the
        time that it has taken so far.

        Parameters
        ----------
        task_id : int
            The subtask.
        interval : float
            Longest pause between the first two looks, in seconds; the longest pause grows by
            half with each look, up to five minutes.

        Returns
        -------
        list
            As `result.from_task` gives.

        Raises
        ------
        CollectResultsError
            If there is no such task, or the server stays away.
        """
        if task_id is None:
            raise CollectResultsError("There is no task to wait for: its id is None.")
        for pause in pauses(self._clock, interval):
            if self._has_finished(task_id):
                break
            self._clock.sleep(pause)
        self.log.info("Task %s has ended", task_id)
        return self.result.from_task(task_id)

    def _has_finished(self, task_id: int) -> bool:
        with reporting(CollectResultsError, f"The status of task {task_id} is not available"):
            answer = self.transport.get(Path.TASK_STATUS.format(id=task_id))
        return is_finished(answer.get("status"))

    def _multi_page_request(
        self, endpoint: str, params: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Return the items of all pages of a list."""
        from vantage6.common.http.paging import all_items

        return all_items(self.transport, endpoint, params)


def _identity(token: str) -> dict[str, Any]:
    """Return what a run's token says about the run."""
    try:
        subject = unverified_claims(token).get(SUBJECT_CLAIM)
    except ValueError as error:
        raise ClientError(f"The token of this run cannot be read: {error}") from error
    if not isinstance(subject, dict):
        raise ClientError("The token is not that of a run; start the algorithm through a node.")
    return subject
