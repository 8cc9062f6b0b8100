"""``/task`` (contract, rest-api section 4.8)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask import request
from flask_restful import Resource
from sqlalchemy.orm import Session

from vantage6.common.wire.rest.task import IDEMPOTENCY_HEADER, TaskInput
from vantage6.server.models import Task
from vantage6.server.policy.principal import ContainerPrincipal, Principal, UserPrincipal
from vantage6.server.repositories.runs import nodes_of_runs
from vantage6.server.resources.auth import caller, services
from vantage6.server.resources.dump import Dumper
from vantage6.server.resources.paging import Answer, page_of
from vantage6.server.resources.query import query_text
from vantage6.server.resources.request import included, load_body, query_id, query_int
from vantage6.server.services.errors import BadRequest
from vantage6.server.services.task_inputs import NewTask, RunInput
from vantage6.server.services.task_views import TaskFilters, TaskParts, find_task, select_tasks
from vantage6.server.services.tasks import create_task, delete_task

__all__ = ["ROUTES"]

_LONGEST_KEY = 255


class TaskCollection(Resource):
    """All tasks."""

    @caller(user=True, node=True, container=True)
    def get(self, principal: Principal) -> Answer:
        """List the visible ones, newest first."""
        parts = _parts()
        with services().work(write=False) as work:
            statement = select_tasks(work, principal, _filters(), parts)

            def dump(tasks: Sequence[Task]) -> list[dict[str, Any]]:
                return _dump(work.session, tasks, parts)

            return page_of(work.session, statement, Task, dump, newest_first=True)

    @caller(user=True, container=True)
    def post(self, principal: UserPrincipal | ContainerPrincipal) -> tuple[dict[str, Any], int]:
        """Create one, with a run for each organization."""
        command = _command(load_body(TaskInput(), unreadable_is_ours=True))
        here = services()
        with here.work() as work:
            task = create_task(work, principal, command, here.clock)
            return Dumper(here.api_path).task(task), 201


class TaskItem(Resource):
    """One task."""

    @caller(user=True, node=True, container=True)
    def get(self, principal: Principal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Show it."""
        parts = _parts()
        with services().work(write=False) as work:
            task = find_task(work, principal, id, parts)
            return _dump(work.session, [task], parts)[0]

    @caller(user=True)
    def delete(self, principal: UserPrincipal, id: int) -> dict[str, str]:  # noqa: A002 - path variable
        """Delete it with everything below it."""
        with services().work() as work:
            delete_task(work, principal, id)
        return {"msg": f"Task {id} and its subtasks are deleted."}


class TaskStatus(Resource):
    """The status of one task; clients ask for it until it is final."""

    @caller(user=True, container=True)
    def get(self, principal: Principal, id: int) -> dict[str, str]:  # noqa: A002 - path variable
        """Show it."""
        with services().work(write=False) as work:
            return {"status": find_task(work, principal, id).status.value}


def _parts() -> TaskParts:
    wanted = included()
    return TaskParts(runs="runs" in wanted, results="results" in wanted)


def _filters() -> TaskFilters:
    user_created = query_int("is_user_created")
    return TaskFilters(
        collaboration_id=query_id("collaboration_id"),
        study_id=query_id("study_id"),
        parent_id=query_id("parent_id"),
        job_id=query_id("job_id"),
        run_id=query_id("run_id"),
        store_id=query_id("store_id"),
        init_org_id=query_id("init_org_id"),
        init_user_id=query_id("init_user_id"),
        name=query_text("name"),
        image=query_text("image"),
        description=query_text("description"),
        database=query_text("database"),
        status=query_text("status"),
        is_user_created=None if user_created is None else user_created != 0,
    )


def _command(body: Mapping[str, Any]) -> NewTask:
    return NewTask(
        image=body["image"],
        runs=tuple(RunInput(entry["id"], entry.get("input")) for entry in body["organizations"]),
        collaboration_id=body["collaboration_id"],
        study_id=body["study_id"],
        name=body["name"],
        description=body["description"],
        databases=tuple(_database(entry) for entry in body["databases"] or ()),
        store_id=body["store_id"],
        server_url=body["server_url"],
        idempotency_key=_idempotency_key(),
    )


def _database(entry: Mapping[str, Any]) -> tuple[str, str]:
    parameters = {key: value for key, value in entry.items() if key != "label"}
    return entry["label"], json.dumps(parameters, separators=(",", ":"))


def _idempotency_key() -> str | None:
    key = request.headers.get(IDEMPOTENCY_HEADER)
    if key is not None and not 1 <= len(key) <= _LONGEST_KEY:
        raise BadRequest(
            f"The header {IDEMPOTENCY_HEADER} has to be 1 to {_LONGEST_KEY} characters long.",
            field=IDEMPOTENCY_HEADER,
        )
    return key


def _dump(session: Session, tasks: Sequence[Task], parts: TaskParts) -> list[dict[str, Any]]:
    dumper = Dumper(services().api_path)
    every_run = [run for task in tasks for run in task.runs] if parts.runs else []
    nodes = nodes_of_runs(session, every_run)
    return [
        dumper.task(
            task,
            runs=[dumper.run(run, nodes.get(run.id)) for run in task.runs] if parts.runs else None,
            results=[dumper.result(run) for run in task.runs] if parts.results else None,
        )
        for task in tasks
    ]


ROUTES = (
    ("/task", TaskCollection),
    ("/task/<int:id>", TaskItem),
    ("/task/<int:id>/status", TaskStatus),
)
