"""Finding tasks: lists with filters, and single ones, as far as the caller may see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from vantage6.common.enums import Operation, Scope
from vantage6.common.status import RunStatus
from vantage6.server.models import AlgorithmStore, Run, Study, Task, TaskDatabase, User
from vantage6.server.policy import visible
from vantage6.server.policy.decide import SCOPES, Target, scopes, widest
from vantage6.server.policy.principal import Principal, UserPrincipal
from vantage6.server.repositories.tasks import has_status, task_options
from vantage6.server.repositories.unit_of_work import UnitOfWork
from vantage6.server.services.authority import Authority
from vantage6.server.services.errors import BadRequest, Forbidden, NotFound

__all__ = ["TaskFilters", "TaskParts", "find_task", "select_tasks", "task_target"]


@dataclass(frozen=True)
class TaskParts:
    """What to show of a task besides itself."""

    runs: bool = False
    results: bool = False


@dataclass(frozen=True)
class TaskFilters:
    """Which tasks a list shows; None does not restrict it."""

    collaboration_id: int | None = None
    study_id: int | None = None
    parent_id: int | None = None
    job_id: int | None = None
    run_id: int | None = None
    store_id: int | None = None
    init_org_id: int | None = None
    init_user_id: int | None = None
    name: str | None = None
    image: str | None = None
    description: str | None = None
    database: str | None = None
    status: str | None = None
    is_user_created: bool | None = None


def task_target(task: Task) -> Target:
    """Return what the rules for tasks look at."""
    return Target(
        organization_id=task.init_org_id,
        collaboration_id=task.collaboration_id,
        owner_id=task.init_user_id,
    )


def find_task(
    uow: UnitOfWork, principal: Principal, task_id: int, parts: TaskParts = TaskParts()
) -> Task:
    """Return one task, loaded for showing it.

    Raises
    ------
    NotFound, Forbidden
        If there is none, or the caller may not see it, or not its runs.
    """
    options = task_options(runs=parts.runs, results=parts.results)
    task = uow.session.scalar(select(Task).where(Task.id == task_id).options(*options))
    if task is None:
        raise NotFound(f"There is no task {task_id}.")
    authority = Authority(uow.session, principal)
    authority.require("task", Operation.VIEW, task_target(task))
    if (parts.runs or parts.results) and not _may_see_runs(authority, task):
        raise Forbidden(f"You lack the permission to view the runs of task {task_id}.")
    return task


def _may_see_runs(authority: Authority, task: Task) -> bool:
    target = Target(organization_id=task.init_org_id, collaboration_id=task.collaboration_id)
    if authority.may("run", Operation.VIEW, target):
        return True
    # For one's own tasks the reference asks for the task rule (contract, rbac section 3).
    principal = authority.principal
    is_own = isinstance(principal, UserPrincipal) and task.init_user_id == principal.user_id
    return is_own and Scope.OWN in scopes(principal, "task", Operation.VIEW)


def select_tasks(
    uow: UnitOfWork,
    principal: Principal,
    filters: TaskFilters,
    parts: TaskParts = TaskParts(),
) -> Select[Any]:
    """Return the statement for the tasks that the caller sees and the filters leave.

    Raises
    ------
    Forbidden
        If the caller may see no tasks, or may not use a filter.
    BadRequest
        If a filter names something that does not exist.
    """
    if parts.runs or parts.results:
        _require_runs_as_wide_as_tasks(principal)
    statement: Select[Any] = select(Task).where(visible.tasks(principal))
    authority = Authority(uow.session, principal)
    statement = _by_place(statement, uow.session, filters, authority)
    statement = _by_initiator(statement, uow.session, filters, authority)
    statement = _by_properties(statement, filters)
    return statement.options(*task_options(runs=parts.runs, results=parts.results))


def _require_runs_as_wide_as_tasks(principal: Principal) -> None:
    tasks = widest(principal, "task", Operation.VIEW)
    runs = widest(principal, "run", Operation.VIEW)
    if tasks is not None and (runs is None or SCOPES.index(runs) < SCOPES.index(tasks)):
        raise Forbidden("You may see these tasks, but you lack the permission to view their runs.")


def _by_place(
    statement: Select[Any],
    session: Session,
    filters: TaskFilters,
    authority: Authority,
) -> Select[Any]:
    """Apply filters that need a view right on the collaboration concerned."""
    places: list[int] = []
    if filters.collaboration_id is not None:
        places.append(filters.collaboration_id)
        statement = statement.where(Task.collaboration_id == filters.collaboration_id)
    if filters.study_id is not None:
        of_study = select(Study.collaboration_id).where(Study.id == filters.study_id)
        places.append(_known(session, of_study, "study", filters.study_id))
        statement = statement.where(Task.study_id == filters.study_id)
    if filters.parent_id is not None:
        of_parent = select(Task.collaboration_id).where(Task.id == filters.parent_id)
        places.append(_known(session, of_parent, "task", filters.parent_id))
        statement = statement.where(Task.parent_id == filters.parent_id)
    if filters.job_id is not None:
        of_job = select(Task.collaboration_id).where(Task.job_id == filters.job_id).limit(1)
        places.append(_known(session, of_job, "job", filters.job_id))
        statement = statement.where(Task.job_id == filters.job_id)
    if filters.run_id is not None:
        of_run = select(Task.collaboration_id).join(Run).where(Run.id == filters.run_id)
        places.append(_known(session, of_run, "run", filters.run_id))
        statement = statement.where(
            Task.id == select(Run.task_id).where(Run.id == filters.run_id).scalar_subquery()
        )
    for place in places:
        authority.require("task", Operation.VIEW, Target(collaboration_id=place))
    return statement


def _known(session: Session, statement: Select[Any], noun: str, identity: int) -> int:
    row = session.execute(statement).first()
    if row is None:
        raise BadRequest(f"There is no {noun} {identity} to filter by.", field=f"{noun}_id")
    return int(row[0] or 0)  # none is in collaboration 0


def _by_initiator(
    statement: Select[Any],
    session: Session,
    filters: TaskFilters,
    authority: Authority,
) -> Select[Any]:
    if filters.init_org_id is not None:
        target = Target(organization_id=filters.init_org_id)
        authority.require("task", Operation.VIEW, target)
        statement = statement.where(Task.init_org_id == filters.init_org_id)
    if filters.init_user_id is not None:
        of_user = select(User.organization_id).where(User.id == filters.init_user_id)
        organization_id = _known(session, of_user, "user", filters.init_user_id)
        target = Target(organization_id=organization_id, owner_id=filters.init_user_id)
        authority.require("task", Operation.VIEW, target)
        statement = statement.where(Task.init_user_id == filters.init_user_id)
    if filters.store_id is not None:
        of_store = select(AlgorithmStore.id).where(AlgorithmStore.id == filters.store_id)
        _known(session, of_store, "store", filters.store_id)
        statement = statement.where(Task.algorithm_store_id == filters.store_id)
    return statement


def _by_properties(statement: Select[Any], filters: TaskFilters) -> Select[tuple[Task]]:
    for column, pattern in (
        (Task.name, filters.name),
        (Task.image, filters.image),
        (Task.description, filters.description),
    ):
        if pattern is not None:
            statement = statement.where(column.like(pattern))
    if filters.database is not None:
        statement = statement.where(
            exists().where(
                TaskDatabase.task_id == Task.id, TaskDatabase.database == filters.database
            )
        )
    if filters.is_user_created is not None:
        top = Task.parent_id.is_(None)
        statement = statement.where(top if filters.is_user_created else ~top)
    if filters.status is not None:
        statement = statement.where(has_status(_status(filters.status)))
    return statement


def _status(text: str) -> RunStatus:
    try:
        return RunStatus(text)
    except ValueError as error:
        known = ", ".join(status.value for status in RunStatus)
        raise BadRequest(
            f"There is no status '{text}'; the statuses are {known}.", field="status"
        ) from error
