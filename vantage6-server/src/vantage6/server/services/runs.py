"""Runs: finding them, and what nodes report about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, exists, func, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.interfaces import ORMOption

from vantage6.common.clock import Clock
from vantage6.common.enums import Operation
from vantage6.common.status import RunStatus, allowed_predecessors, has_failed, is_finished
from vantage6.server.events.domain import RunChanged
from vantage6.server.models import AlgorithmPort, Node, Run, Task
from vantage6.server.policy import visible
from vantage6.server.policy.decide import Target
from vantage6.server.policy.principal import NodePrincipal, Principal
from vantage6.server.repositories.runs import is_open, nodes_of_runs, of_node, run_options
from vantage6.server.repositories.statements import affect
from vantage6.server.repositories.unit_of_work import UnitOfWork
from vantage6.server.services.authority import Authority
from vantage6.server.services.errors import BadRequest, Forbidden, Invalid, NotFound
from vantage6.server.services.task_views import task_target

__all__ = ["Report", "RunFilters", "find_run", "report", "select_runs"]

_SIBLING_LOG = "Not started, because another run of this task failed."


@dataclass(frozen=True)
class RunFilters:
    """Which runs a list shows; None does not restrict it."""

    organization_id: int | None = None
    task_id: int | None = None
    node_id: int | None = None
    collaboration_id: int | None = None
    port: int | None = None
    is_open: bool = False
    assigned_from: datetime | None = None
    assigned_till: datetime | None = None
    started_from: datetime | None = None
    started_till: datetime | None = None
    finished_from: datetime | None = None
    finished_till: datetime | None = None


@dataclass(frozen=True)
class Report:
    """What a node says about a run; None says nothing."""

    status: RunStatus | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    result: str | None = None
    log: str | None = None


def find_run(
    uow: UnitOfWork, principal: Principal, run_id: int, options: tuple[ORMOption, ...]
) -> Run:
    """Return one run, loaded with `options`.

    Raises
    ------
    NotFound, Forbidden
        If there is none, or the caller may not see it.
    """
    # A run whose task is gone, as older servers left some, cannot be shown.
    statement = select(Run, Task).join(Task).where(Run.id == run_id).options(*options)
    found = uow.session.execute(statement).one_or_none()
    if found is None:
        raise NotFound(f"There is no run {run_id}.")
    run, task = found
    # Organization scope means here: the task was initiated by the own organization.
    Authority(uow.session, principal).require("run", Operation.VIEW, task_target(task))
    return run


def select_runs(
    uow: UnitOfWork,
    principal: Principal,
    filters: RunFilters,
    options: tuple[ORMOption, ...],
) -> Select[Any]:
    """Return the statement for the runs that the caller sees and the filters leave.

    Raises
    ------
    Forbidden
        If the caller may see no runs, or may not use a filter.
    BadRequest
        If a filter names something that does not exist.
    """
    statement: Select[Any] = select(Run).where(visible.runs(principal))
    statement = _by_place(statement, uow.session, filters, Authority(uow.session, principal))
    if filters.is_open:
        statement = statement.where(is_open())
    if filters.port is not None:
        statement = statement.where(
            exists().where(AlgorithmPort.run_id == Run.id, AlgorithmPort.port == filters.port)
        )
    for column, begin, end in (
        (Run.assigned_at, filters.assigned_from, filters.assigned_till),
        (Run.started_at, filters.started_from, filters.started_till),
        (Run.finished_at, filters.finished_from, filters.finished_till),
    ):
        if begin is not None:
            statement = statement.where(column >= begin)
        if end is not None:
            statement = statement.where(column <= end)
    return statement.options(*options)


def _by_place(
    statement: Select[Any],
    session: Session,
    filters: RunFilters,
    authority: Authority,
) -> Select[Any]:
    targets: list[Target] = []
    if filters.organization_id is not None:
        targets.append(Target(organization_id=filters.organization_id))
        statement = statement.where(Run.organization_id == filters.organization_id)
    if filters.task_id is not None:
        task = session.get(Task, filters.task_id)
        if task is None:
            raise BadRequest(f"There is no task {filters.task_id} to filter by.", field="task_id")
        targets.append(task_target(task))
        statement = statement.where(Run.task_id == filters.task_id)
    if filters.node_id is not None:
        node = session.get(Node, filters.node_id)
        if node is None:
            raise BadRequest(f"There is no node {filters.node_id} to filter by.", field="node_id")
        targets.append(Target(collaboration_id=node.collaboration_id))
        statement = statement.where(of_node(node.organization_id, node.collaboration_id))
    if filters.collaboration_id is not None:
        targets.append(Target(collaboration_id=filters.collaboration_id))
        in_collaboration = select(Task.id).where(Task.collaboration_id == filters.collaboration_id)
        statement = statement.where(Run.task_id.in_(in_collaboration))
    for target in targets:
        authority.require("run", Operation.VIEW, target)
    return statement


def report(
    uow: UnitOfWork,
    node: NodePrincipal,
    run_id: int,
    read: Callable[[], Report],
    clock: Clock,
) -> tuple[Run, Node | None]:
    """Store what a node says about one of its runs, and tell others; return run and node.

    Status and result change together, so nobody sees a completed run without its result. A final
    report ends the run. Repeating it is harmless, and so is a report that comes late: a run never
    goes back.

    Parameters
    ----------
    read : callable
        Gives the report; it complains about a body that is not valid only here, because whether
        the run exists is checked first (contract, rest-api section 4.9).

    Raises
    ------
    NotFound, Forbidden
        If there is no such run, or another node has to execute it.
    BadRequest
        If the run has ended in another way.
    """
    run = _known_run(uow.session, run_id)
    said = read()
    _require_own(run, node)
    if _has_ended(run):
        _complete(uow, run, said)
    elif _store(uow.session, run, said, clock):
        _after_change(uow, run, said, clock)
    else:  # it was ended in this moment, by a kill for example
        uow.session.expire(run)
        _complete(uow, run, said)
    uow.session.expire(run)
    run = _known_run(uow.session, run_id)
    node_of_run = nodes_of_runs(uow.session, [run]).get(run_id)
    uow.commit()
    return run, node_of_run


def _known_run(session: Session, run_id: int) -> Run:
    run = session.scalar(select(Run).where(Run.id == run_id).options(*run_options()))
    if run is None:
        raise NotFound(f"There is no run {run_id}.")
    return run


def _require_own(run: Run, node: NodePrincipal) -> None:
    is_own = (
        run.organization_id == node.organization_id
        and run.task.collaboration_id == node.collaboration_id
    )
    if not is_own:
        raise Forbidden(f"Run {run.id} belongs to another node, so you cannot report about it.")


def _has_ended(run: Run) -> bool:
    return run.finished_at is not None or is_finished(run.status)


def _store(session: Session, run: Run, said: Report, clock: Clock) -> bool:
    """Write the report unless the run has ended; tell whether it was written."""
    if said.finished_at is not None and not (said.status and is_finished(said.status)):
        raise Invalid(
            "The request body is not valid; see 'errors' for each field.",
            {"finished_at": ["A run that ends needs a final status in the same request."]},
        )
    values: dict[str, Any] = {
        "started_at": said.started_at,
        "result": said.result,
        "log": said.log,
    }
    values = {name: value for name, value in values.items() if value is not None}
    if said.status is not None and is_finished(said.status):
        values |= {"status": said.status.value, "finished_at": said.finished_at or clock.now()}
    elif said.status is not None:
        # A report that comes late leaves the status as it is.
        before = [status.value for status in allowed_predecessors(said.status)]
        values["status"] = case((Run.status.in_(before), said.status.value), else_=Run.status)
    if not values:
        return True
    return bool(affect(session, update(Run).where(Run.id == run.id, is_open()).values(**values)))


def _after_change(uow: UnitOfWork, run: Run, said: Report, clock: Clock) -> None:
    if said.status is not None and has_failed(said.status):
        _fail_siblings(uow.session, run, clock)
    uow.record(RunChanged(run.id, run.task.collaboration_id))


def _fail_siblings(session: Session, run: Run, clock: Clock) -> None:
    """End the runs of the same task that have not started (contract, rest-api section 4.9)."""
    waiting = (Run.status == RunStatus.PENDING.value, Run.started_at.is_(None), is_open())
    affect(
        session,
        update(Run)
        .where(Run.task_id == run.task_id, Run.id != run.id, *waiting)
        .values(
            status=RunStatus.FAILED.value,
            finished_at=clock.now(),
            log=func.coalesce(Run.log, _SIBLING_LOG),
        ),
    )


def _complete(uow: UnitOfWork, run: Run, said: Report) -> None:
    """Accept a repetition of the final report, and what the first one left open.

    A released node reports some failures twice: the status first, log and result a second later.
    """
    stored = uow.session.execute(
        select(Run.status, Run.result, Run.log).where(Run.id == run.id)
    ).one()
    same_status = said.status is None or said.status.value == stored.status
    same_result = said.result is None or stored.result in {None, said.result}
    if not (same_status and same_result):
        raise BadRequest(
            f"Run {run.id} has ended with status '{stored.status}' already, "
            "so this report is not accepted.",
            code="run_finished",
        )
    values = {
        name: value
        for name, value, present in (
            ("result", said.result, stored.result),
            ("log", said.log, stored.log),
        )
        if value is not None and present is None
    }
    if values:
        affect(
            uow.session,
            update(Run).where(Run.id == run.id).values(**values),
        )
        uow.record(RunChanged(run.id, run.task.collaboration_id))
