"""Tasks: requests to run one algorithm function at one or more organizations."""

from __future__ import annotations

import builtins
import uuid
from collections.abc import Sequence
from typing import Any

from vantage6.client.encryption import check_agreement
from vantage6.client.exceptions import NotLoggedInError
from vantage6.client.filter import post_filtering
from vantage6.client.log import logger
from vantage6.client.payloads import pack_inputs
from vantage6.client.subclients.base import Answer, SubClient, given, tell
from vantage6.common.crypto.base import Cryptor
from vantage6.common.errors import (
    ConnectionFailedError,
    PayloadError,
    ResponseError,
    TransportError,
)
from vantage6.common.payload.codec import serialize
from vantage6.common.wire.paths import Path

__all__ = ["TaskSubClient"]

_IDEMPOTENCY_HEADER = "Idempotency-Key"
_AWAY = frozenset({502, 503, 504})


class TaskSubClient(SubClient):
    """Create, look at and stop tasks."""

    @post_filtering(iterable=False)
    def get(self, id_: int, include_results: bool = False) -> Answer:
        """Return one task, with its results if `include_results`."""
        query = {"include": "results" if include_results else None}
        return self._request("get", Path.TASK.format(id=id_), params=query)

    @post_filtering()
    def list(
        self,
        initiating_org: int | None = None,
        initiating_user: int | None = None,
        collaboration: int | None = None,
        study: int | None = None,
        store: int | None = None,
        image: str | None = None,
        parent: int | None = None,
        job: int | None = None,
        name: str | None = None,
        include_results: bool = False,
        description: str | None = None,
        database: str | None = None,
        run: int | None = None,
        status: str | None = None,
        user_created: bool | None = None,
        page: int = 1,
        per_page: int = 20,
    ) -> Answer:
        """Return a page of the tasks you may see, newest first.

        Parameters
        ----------
        initiating_org, initiating_user : int, optional
            Only tasks of this organization, of this user.
        collaboration : int, optional
            Only tasks in this collaboration; by default in the chosen one.
        study, store, parent, job, run : int, optional
            Only tasks of this study, algorithm store, parent task, job, or with this run.
        name, description, image : str, optional
            Patterns; ``%`` stands for anything.
        include_results : bool
            Whether each task holds its results instead of a link to them.
        database : str, optional
            Only tasks that use the database with this label.
        status : str, optional
            Only tasks with this status.
        user_created : bool, optional
            Only tasks made by users, or only subtasks.
        page, per_page : int
            Which page, and how many per page.
        """
        query = {
            "init_org_id": initiating_org,
            "init_user_id": initiating_user,
            "collaboration_id": collaboration or self.parent.collaboration_id,
            "study_id": study,
            "store_id": store,
            "image": image,
            "parent_id": parent,
            "job_id": job,
            "name": name,
            "page": page,
            "per_page": per_page,
            "description": description,
            "database": database,
            "run_id": run,
            "status": status,
            "include": "results" if include_results else None,
            "is_user_created": None if user_created is None else int(user_created),
        }
        return self._request("get", Path.TASKS, params=query)

    @post_filtering(iterable=False)
    def create(
        self,
        organizations: Sequence[int] | None,
        name: str,
        image: str,
        description: str,
        input_: Any,
        collaboration: int | None = None,
        study: int | None = None,
        store: int | None = None,
        server_url: str | None = None,
        databases: Sequence[dict[str, Any]] | str | None = None,
    ) -> Answer:
        """Ask organizations to run an algorithm function, and return the new task.

        Parameters
        ----------
        organizations : sequence of int
            Ids of the organizations that run it.
        name, description : str
            What you and others see of the task.
        image : str
            Container image of the algorithm.
        input_ : dict
            ``{"method": <name of the function>, "args": [...], "kwargs": {...}}``, of values
            that can be written as JSON.
        collaboration : int, optional
            Where it runs; by default in the chosen collaboration.
        study : int, optional
            Study that the task belongs to.
        store : int, optional
            Algorithm store of the image; by default the one selected with ``client.store.set``.
        server_url : str, optional
            Address under which the store knows the server.
        databases : list of dict or str, optional
            Each ``{"label": ..., ...}``; a text is the label of the only one.

        Raises
        ------
        ValueError
            If collaboration and study, the organizations, or a database's label are missing.
        TypeError
            If the input cannot be written as JSON.
        CryptoError
            If it cannot be encrypted as the collaboration requires. Nothing was sent then.
        """
        cryptor = self._cryptor()
        collaboration = collaboration or self.parent.collaboration_id
        if organizations is None:
            raise ValueError("No organizations are given; pass the ids of those to run the task.")
        if collaboration is None and study is None:
            raise ValueError(
                "Neither a collaboration nor a study is given; pass the id of one, "
                "or choose a collaboration with client.setup_collaboration(<id>)."
            )
        databases = _database_list(databases)
        data = _serialized(input_)
        try:
            check_agreement(self.parent.transport, cryptor, collaboration, study)
            inputs = pack_inputs(self.parent.transport, cryptor, [*organizations], data)
            return self._submit(
                {
                    "name": name,
                    "image": image,
                    "description": description,
                    "organizations": inputs,
                    "databases": databases,
                    **given(
                        collaboration_id=collaboration,
                        study_id=study,
                        store_id=store or self.parent.store.store_id,
                        server_url=server_url,
                    ),
                }
            )
        except ResponseError as error:
            return self.parent.refused(error)

    def delete(self, id_: int) -> None:
        """Remove a task with its runs, results and subtasks; it is stopped first."""
        self._delete(Path.TASK.format(id=id_))

    def kill(self, id_: int) -> None:
        """Stop a task and its subtasks."""
        tell(self._request("post", Path.KILL_TASK, json={"id": id_}))

    def _cryptor(self) -> Cryptor:
        cryptor = self.parent.cryptor
        if cryptor is None:
            raise NotLoggedInError("Nobody is logged in; call client.authenticate() first.")
        return cryptor.cryptor

    def _submit(self, body: dict[str, Any]) -> Answer:
        """Post a task, and again if the answer was lost and the server recognises a repetition.

        A server of the contract would create the task twice, so it is asked for its release.
        """
        transport = self.parent.transport
        headers = {_IDEMPOTENCY_HEADER: str(uuid.uuid4())}
        try:
            answer: Answer = transport.post(Path.TASKS, body, headers=headers)
        except TransportError as error:
            if not _answer_was_lost(error) or not self._server_recognises_repetitions():
                raise
            logger.warning("%s The task is sent again.", error)
            answer = transport.post(Path.TASKS, body, headers=headers, retry=True)
        return answer

    def _server_recognises_repetitions(self) -> bool:
        try:
            return "release" in self.parent.transport.get(Path.VERSION)
        except TransportError:
            return False


def _answer_was_lost(error: TransportError) -> bool:
    return isinstance(error, ConnectionFailedError) or getattr(error, "status", None) in _AWAY


def _serialized(value: Any) -> bytes:
    try:
        return serialize(value)
    except PayloadError as error:
        raise TypeError(f"The input of the task cannot be sent: {error}") from error


def _database_list(databases: Sequence[dict[str, Any]] | str | None) -> builtins.list[Any]:
    """Return the databases as the server takes them.

    Raises
    ------
    ValueError
        If one has no label, or one that is no Python identifier.
    """
    if databases is None:
        return []
    if isinstance(databases, str):
        databases = [{"label": databases}]
    if isinstance(databases, dict):
        raise ValueError("databases is a dictionary; pass a list of them, or the label as text.")  # noqa: TRY004 - contract
    for database in databases:
        label = database.get("label") if isinstance(database, dict) else None
        if not isinstance(label, str) or not label.isidentifier():
            raise ValueError(
                f"The database {database!r} has no usable label; each database is a dictionary "
                "whose 'label' is the name given to it at the nodes: letters, digits and _, "
                "not beginning with a digit."
            )
    return [*databases]
