"""The parts of the algorithm client, one per kind of thing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from vantage6.algorithm.client.payloads import Payloads
from vantage6.algorithm.tools.exceptions import (
    ClientError,
    CollectOrganizationError,
    CollectResultsError,
    SubtakCreationError,
)
from vantage6.algorithm.tools.serialization import to_json_bytes
from vantage6.common.errors import ResponseError, TransportError
from vantage6.common.wire.paths import Path

if TYPE_CHECKING:
    from vantage6.algorithm.client.algorithm_client import AlgorithmClient

__all__ = [
    "CollaborationSubClient",
    "OrganizationSubClient",
    "ResultSubClient",
    "RunSubClient",
    "StudySubClient",
    "TaskSubClient",
    "VPNSubClient",
    "reporting",
]


@contextmanager
def reporting(kind: type[ClientError], what: str) -> Iterator[None]:
    """Turn what the transport raises into an algorithm's error that begins with `what`."""
    try:
        yield
    except TransportError as error:
        raise kind(f"{what}: {error}") from error


class _SubClient:
    def __init__(self, parent: AlgorithmClient) -> None:
        self.parent = parent

    def _get(self, path: str, what: str, kind: type[ClientError] = ClientError) -> Any:
        with reporting(kind, f"{what} is not available"):
            return self.parent.transport.get(path)

    def _list(
        self, path: str, params: dict[str, Any], what: str, kind: type[ClientError] = ClientError
    ) -> list[dict[str, Any]]:
        with reporting(kind, f"{what} are not available"):
            return self.parent._multi_page_request(path, params)


class TaskSubClient(_SubClient):
    """Subtasks of this run's task."""

    def get(self, task_id: int) -> dict[str, Any]:
        """Return a task."""
        return dict(self._get(Path.TASK.format(id=task_id), f"Task {task_id}"))

    def create(
        self,
        input_: Any,
        organizations: list[int] | None = None,
        name: str = "subtask",
        description: str | None = None,
    ) -> dict[str, Any]:
        """Let organizations carry out a function of this algorithm on the same databases.

        Parameters
        ----------
        input_ : dict
            ``{"method": <name>, "args": […], "kwargs": {…}}``.
        organizations : list of int
            Who carries it out.
        name, description : str
            For the reader of the task list.

        Returns
        -------
        dict
            The new task.

        Raises
        ------
        SubtakCreationError
            If the server refuses it.
        NotSerializableError
            If the input has a part that JSON cannot hold.
        """
        me = self.parent
        data = to_json_bytes(input_, "the input of the subtask")
        with reporting(SubtakCreationError, f"The subtask {name!r} was not created"):
            body: dict[str, Any] = {
                "name": name,
                "image": me.image,
                "collaboration_id": me.collaboration_id,
                "description": description or f"task from container on node_id={me.node_id}",
                "organizations": Payloads(me.transport).inputs(data, list(organizations or [])),
                "databases": me.databases,
            }
            if me.study_id:
                body["study_id"] = me.study_id
            if me.store_id:
                body["store_id"] = me.store_id
            return dict(self._post_once(body))

    def _post_once(self, body: dict[str, Any]) -> Any:
        """Create the task; the key lets the server recognise a request that had to be repeated."""
        from uuid import uuid4

        headers = {"Idempotency-Key": str(uuid4())}
        return self.parent.transport.post(Path.TASKS, body, headers=headers, retry=True)


class RunSubClient(_SubClient):
    """Runs of subtasks."""

    def get(self, id_: int) -> dict[str, Any]:
        """Return a run; its input stays as the proxy gives it."""
        return dict(self._get(Path.RUN.format(id=id_), f"Run {id_}"))

    def from_task(self, task_id: int) -> list[dict[str, Any]]:
        """Return all runs of a task, newest first."""
        return self._list(Path.RUNS, {"task_id": task_id}, f"The runs of task {task_id}")


class ResultSubClient(_SubClient):
    """Results of subtasks."""

    def from_task(self, task_id: int) -> list[Any]:
        """Return the results of a task, newest run first.

        Runs that gave no result (they failed, or have not ended) are left out, so positions say
        nothing about the organizations. A result that cannot be read is None.

        Raises
        ------
        CollectResultsError
            If the results are not available.
        """
        what = f"The results of task {task_id}"
        items = self._list(Path.RESULTS, {"task_id": task_id}, what, CollectResultsError)
        with reporting(CollectResultsError, f"{what} are not available"):
            payloads = Payloads(self.parent.transport)
            return [payloads.value(item) for item in items if item.get("result")]

    def get(self, id_: int) -> Any:
        """Return one result; None if there is none or it cannot be read.

        Raises
        ------
        CollectResultsError
            If the result is not available.
        """
        item = self._get(Path.RESULT.format(id=id_), f"Result {id_}", CollectResultsError)
        with reporting(CollectResultsError, f"Result {id_} is not available"):
            return Payloads(self.parent.transport).value(item) if item.get("result") else None


class OrganizationSubClient(_SubClient):
    """Organizations that take part."""

    def get(self, id_: int) -> dict[str, Any]:
        """Return an organization."""
        what = f"Organization {id_}"
        return dict(self._get(Path.ORGANIZATION.format(id=id_), what, CollectOrganizationError))

    def list(self) -> list[dict[str, Any]]:
        """Return the organizations of the study, or of the collaboration if there is none.

        Raises
        ------
        CollectOrganizationError
            If the organizations are not available.
        """
        me = self.parent
        of_study = {"study_id": me.study_id}
        of_collaboration = {"collaboration_id": me.collaboration_id}
        return self._list(
            Path.ORGANIZATIONS,
            of_study if me.study_id else of_collaboration,
            "The organizations",
            CollectOrganizationError,
        )


class CollaborationSubClient(_SubClient):
    """The collaboration of this run."""

    def get(self) -> dict[str, Any]:
        """Return the collaboration."""
        path = Path.COLLABORATION.format(id=self.parent.collaboration_id)
        return dict(self._get(path, "The collaboration"))


class StudySubClient(_SubClient):
    """Studies of the collaboration."""

    def get(self, id_: int) -> dict[str, Any]:
        """Return a study."""
        return dict(self._get(Path.STUDY.format(id=id_), f"Study {id_}"))

    def list(self) -> list[dict[str, Any]]:
        """Return all studies of the collaboration."""
        params = {"collaboration_id": self.parent.collaboration_id}
        return self._list(Path.STUDIES, params, "The studies")


class VPNSubClient(_SubClient):
    """Where other runs of the job can be reached directly."""

    def get_addresses(
        self,
        only_children: bool = False,  # noqa: FBT001, FBT002 - the contract's
        only_parent: bool = False,  # noqa: FBT001, FBT002 - the contract's
        only_siblings: bool = False,  # noqa: FBT001, FBT002 - the contract's
        only_self: bool = False,  # noqa: FBT001, FBT002 - the contract's
        include_children: bool = False,  # noqa: FBT001, FBT002 - the contract's
        include_parent: bool = False,  # noqa: FBT001, FBT002 - the contract's
        label: str | None = None,
    ) -> list[dict[str, Any]] | dict[str, Any]:
        """Return addresses of runs, by default of those of this task.

        Parameters
        ----------
        only_children, only_parent, only_siblings, only_self : bool
            Which runs alone; at most one of them.
        include_children, include_parent : bool
            Which runs besides.
        label : str, optional
            Only ports with this label.

        Returns
        -------
        list of dict, or dict
            Each with ``ip``, ``port``, ``label``, ``organization_id``, ``task_id`` and
            ``parent_id``. If there are no addresses to be had, ``{"message": <why>}``.
        """
        flags = {
            "only_children": only_children,
            "only_parent": only_parent,
            "only_siblings": only_siblings,
            "only_self": only_self,
            "include_children": include_children,
            "include_parent": include_parent,
        }
        # The server takes a flag for set whatever its value (contract, peer-to-peer-vpn).
        params: dict[str, Any] = {name: 1 for name, is_set in flags.items() if is_set}
        params["label"] = label
        with reporting(ClientError, "The addresses are not available"):
            try:
                answer = self.parent.transport.get(Path.ALGORITHM_ADDRESSES, params)
            except ResponseError as refusal:
                return {"message": str(refusal)}
        addresses: list[dict[str, Any]] = answer.get("addresses", [])
        return addresses

    def get_parent_address(self) -> list[dict[str, Any]] | dict[str, Any]:
        """Return the address of the run that made this task."""
        return self.get_addresses(only_parent=True)

    def get_child_addresses(self) -> list[dict[str, Any]] | dict[str, Any]:
        """Return the addresses of the runs of this task's subtasks."""
        return self.get_addresses(only_children=True)

    def get_sibling_addresses(self) -> list[dict[str, Any]] | dict[str, Any]:
        """Return the addresses of the other runs of this task."""
        return self.get_addresses(only_siblings=True)

    def get_own_address(self) -> list[dict[str, Any]] | dict[str, Any]:
        """Return the address of this run."""
        return self.get_addresses(only_self=True)
