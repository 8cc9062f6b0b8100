"""Which tasks and stored payloads belong to which job.

A token lets a run ask the server for runs and results of the whole collaboration, and the node
could decrypt many of them. A run is given those of its own job only.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from vantage6.common.errors import RequestError
from vantage6.common.http.paging import iterate_pages
from vantage6.common.http.transport import Transport
from vantage6.common.payload.reference import is_uuid
from vantage6.common.wire.paths import Path
from vantage6.node.proxy.callers import Caller

__all__ = ["Jobs"]

_FORBIDDEN = 403
_REMEMBERED = 100_000


class Jobs:
    """Remembers what belongs to which job, and asks the server about the rest.

    Parameters
    ----------
    transport : Transport
        Connection to the server, with the credentials of the caller.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._lock = threading.Lock()
        self._jobs: OrderedDict[int | str, int] = OrderedDict()

    def require_task(self, caller: Caller, task_id: int) -> None:
        """Check that a task belongs to the caller's job.

        Raises
        ------
        RequestError
            If it does not.
        """
        if task_id == caller.run.task_id:
            return
        job_id = self._known(task_id)
        if job_id is None:
            task = self._transport.get(Path.TASK.format(id=task_id))
            job_id = self.remember_task(task)
        if job_id != caller.run.job_id:
            raise RequestError(
                f"Task {task_id} is not of the same job as the algorithm that asks for its runs "
                "or results; only those of its own job are given to it.",
                _FORBIDDEN,
            )

    def require_blob(self, caller: Caller, uuid: str) -> None:
        """Check that a stored payload is a result of the caller's job.

        Raises
        ------
        RequestError
            If it is not.
        """
        if self._known(uuid) is None:
            # For instance the node started again after the algorithm was told about it.
            self._learn_blobs(caller)
        if self._known(uuid) != caller.run.job_id:
            raise RequestError(
                f"The stored payload {uuid} is not a result of the same job as the algorithm "
                "that asks for it; only results of its own job are given to it.",
                _FORBIDDEN,
            )

    def remember_task(self, task: Any) -> int | None:
        """Take note of a task the server has described, and return its job."""
        if not isinstance(task, Mapping):
            return None
        task_id, job_id = task.get("id"), task.get("job_id")
        if not isinstance(task_id, int) or not isinstance(job_id, int):
            return None
        self._remember(task_id, job_id)
        return job_id

    def remember_blobs(self, results: Iterable[Mapping[str, Any]], job_id: int) -> None:
        """Take note of the stored payloads among results of a job."""
        for result in results:
            if result.get("blob_storage_used") and is_uuid(result.get("result")):
                self._remember(result["result"], job_id)

    def _learn_blobs(self, caller: Caller) -> None:
        job_id = caller.run.job_id
        for task in iterate_pages(self._transport, Path.TASKS, {"job_id": job_id}):
            results = iterate_pages(self._transport, Path.RESULTS, {"task_id": task["id"]})
            self.remember_blobs(results, job_id)

    def _known(self, key: int | str) -> int | None:
        with self._lock:
            return self._jobs.get(key)

    def _remember(self, key: int | str, job_id: int) -> None:
        with self._lock:
            self._jobs[key] = job_id
            while len(self._jobs) > _REMEMBERED:
                self._jobs.popitem(last=False)
