"""Tasks with their runs and results, the latter decrypted for the algorithm that asks for them."""

from __future__ import annotations

import base64
import logging
from typing import Any

from flask import Blueprint, Response, request

from vantage6.common.crypto.base import Cryptor
from vantage6.common.errors import CryptoError, NotFoundError, RequestError
from vantage6.common.http.transport import Transport
from vantage6.common.wire.paths import Path
from vantage6.node.proxy.callers import current_caller
from vantage6.node.proxy.forward import query, reply
from vantage6.node.proxy.jobs import Jobs

__all__ = ["result_routes"]

_BAD_REQUEST = 400
_FORBIDDEN = 403
_NOT_FOUND = 404

_log = logging.getLogger(__name__)


def result_routes(transport: Transport, cryptor: Cryptor, jobs: Jobs) -> Blueprint:
    """Return the routes for tasks, and for runs and results of the caller's own job only."""
    routes = Blueprint("results", __name__)

    @routes.get("/task")
    def tasks() -> Response:
        job_id = current_caller().run.job_id
        if "include" in request.args and request.args.getlist("job_id") != [str(job_id)]:
            raise RequestError(
                f"Tasks with their runs or results are given of the own job only: job_id={job_id}.",
                _FORBIDDEN,
            )
        return reply(transport.send("GET", Path.TASKS, params=query()))

    @routes.get("/task/<int:task_id>")
    def single_task(task_id: int) -> Response:
        if "include" in request.args:
            jobs.require_task(current_caller(), task_id)
        return reply(transport.send("GET", Path.TASK.format(id=task_id), params=query()))

    @routes.get("/run")
    def runs_of_task() -> Response:
        task_id = _task_id()
        jobs.require_task(current_caller(), task_id)
        return reply(transport.send("GET", Path.RUNS, params=_query_of(task_id)))

    @routes.get("/run/<int:run_id>")
    def single_run(run_id: int) -> Response:
        # Its input and log are as confidential as its result.
        answer = transport.send("GET", Path.RUN.format(id=run_id), params=query())
        jobs.require_task(current_caller(), _task_of(answer.body, f"Run {run_id}"))
        return reply(answer)

    @routes.get("/result")
    def results_of_task() -> Response:
        caller, task_id = current_caller(), _task_id()
        jobs.require_task(caller, task_id)
        answer = transport.send("GET", Path.RESULTS, params=_query_of(task_id))
        results = answer.body.get("data") if isinstance(answer.body, dict) else None
        if not isinstance(results, list):
            return reply(answer)
        jobs.remember_blobs(results, caller.run.job_id)
        plain = [_decrypted(result, cryptor) for result in results]
        return reply(answer, {**answer.body, "data": plain})

    @routes.get("/result/<int:result_id>")
    def single_result(result_id: int) -> Response:
        caller = current_caller()
        answer = transport.send("GET", Path.RESULT.format(id=result_id), params=query())
        jobs.require_task(caller, _task_of(answer.body, f"Result {result_id}"))
        jobs.remember_blobs([answer.body], caller.run.job_id)
        return reply(answer, _decrypted(answer.body, cryptor))

    return routes


def _task_id() -> int:
    try:
        return int(request.args["task_id"])
    except (KeyError, ValueError):
        raise RequestError(
            f"The query of {request.path} must name the task: task_id=<number>.",
            _BAD_REQUEST,
        ) from None


def _query_of(task_id: int) -> dict[str, list[str]]:
    """Return the query with the task that was checked, whatever else it says about tasks."""
    return {**query(), "task_id": [str(task_id)]}


def _task_of(item: Any, name: str) -> int:
    task = item.get("task") if isinstance(item, dict) else None
    task_id = task.get("id") if isinstance(task, dict) else None
    if not isinstance(task_id, int):
        raise NotFoundError(f"{name} belongs to no task any more.", _NOT_FOUND)
    return task_id


def _decrypted(result: dict[str, Any], cryptor: Cryptor) -> dict[str, Any]:
    """Return a result with base64 of the plain bytes, as in collaborations without encryption.

    A reference stays one. What cannot be decrypted stays as it is (contract, node section 9).
    """
    value = result.get("result")
    is_inline = isinstance(value, str) and not result.get("blob_storage_used")
    if not is_inline or not cryptor.encrypts or not value:
        return result
    try:
        plain = cryptor.decrypt(str(value))
    except CryptoError as error:
        _log.warning("Result %s cannot be decrypted: %s", result.get("id"), error)
        return result
    return {**result, "result": base64.b64encode(plain).decode("ascii")}
