"""Queries about tasks."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from vantage6.common.status import RunStatus, has_failed, is_finished
from vantage6.server.models import (
    Member,
    Node,
    NodeConfig,
    Run,
    StudyMember,
    Task,
)

__all__ = [
    "ALIVE",
    "descendant_ids",
    "has_status",
    "member_ids",
    "next_job_id",
    "node_policies",
    "nodes_of",
    "study_member_ids",
    "task_options",
]

ALIVE = tuple(status.value for status in RunStatus if not is_finished(status.value))
"""Statuses of runs that may still change."""

_FAILED = tuple(status.value for status in RunStatus if has_failed(status.value))
_COMPLETED = RunStatus.COMPLETED.value
_POLICY_KEYS = ("allowed_users", "allowed_orgs")


def member_ids(session: Session, collaboration_id: int) -> frozenset[int]:
    """Return the organizations of a collaboration."""
    statement = select(Member.c.organization_id).where(
        Member.c.collaboration_id == collaboration_id
    )
    return frozenset(session.scalars(statement))


def study_member_ids(session: Session, study_id: int) -> frozenset[int]:
    """Return the organizations of a study."""
    statement = select(StudyMember.c.organization_id).where(StudyMember.c.study_id == study_id)
    return frozenset(session.scalars(statement))


def nodes_of(
    session: Session, collaboration_id: int, organization_ids: Collection[int]
) -> dict[int, int]:
    """Return the node ids in a collaboration by organization."""
    rows = session.execute(
        select(Node.organization_id, Node.id).where(
            Node.collaboration_id == collaboration_id, Node.organization_id.in_(organization_ids)
        )
    )
    return {row.organization_id: row.id for row in rows}


def node_policies(session: Session, node_ids: Collection[int]) -> dict[int, list[tuple[str, str]]]:
    """Return the rows with which nodes say who may send them tasks, by node id."""
    rows = session.execute(
        select(NodeConfig.node_id, NodeConfig.key, NodeConfig.value).where(
            NodeConfig.node_id.in_(node_ids), NodeConfig.key.in_(_POLICY_KEYS)
        )
    )
    policies: dict[int, list[tuple[str, str]]] = {}
    for node_id, key, value in rows:
        policies.setdefault(node_id, []).append((key, value or ""))
    return policies


def next_job_id(session: Session) -> int:
    """Return the number of a new job; call inside a serialized unit of work."""
    return (session.scalar(select(func.max(Task.job_id))) or 0) + 1


def task_options(*, runs: bool = False, results: bool = False) -> tuple[ORMOption, ...]:
    """Return what to load with tasks so that they can be shown, without a statement per task.

    The status of a task needs little of its runs; inputs and results are loaded only on demand.
    """
    columns = [Run.task_id, Run.status, Run.finished_at]
    if runs or results:
        columns += [Run.cleanup_at, Run.blob_storage_used]
    if runs:
        columns += [Run.input, Run.log, Run.assigned_at, Run.started_at, Run.organization_id]
    if results:
        columns += [Run.result]
    loading = selectinload(Task.runs).load_only(*columns, raiseload=True)
    with_ports = [selectinload(Task.runs).selectinload(Run.ports)] if runs else []
    return (selectinload(Task.databases), loading, *with_ports)


def descendant_ids(session: Session, task_id: int) -> list[int]:
    """Return a task and everything below it, parents before children."""
    found, level = [task_id], [task_id]
    while level:
        level = list(session.scalars(select(Task.id).where(Task.parent_id.in_(level))))
        found += level
    return found


def has_status(status: RunStatus) -> ColumnElement[bool]:
    """Say in SQL that the status of a task, as derived by `task_status`, is this one."""
    failed = or_(Run.status.is_(None), Run.status.not_in((*ALIVE, _COMPLETED)))
    if has_failed(status.value):
        return _has_failed_with(status, failed)
    later = ALIVE[ALIVE.index(status.value) + 1 :] if status.value in ALIVE else ALIVE
    conditions = [~_any_run(failed)]
    if later:
        conditions.append(~_any_run(Run.status.in_(later)))
    if status.value in ALIVE:
        conditions.append(_any_run(Run.status == status.value))
    return and_(*conditions)


def _has_failed_with(status: RunStatus, failed: ColumnElement[bool]) -> ColumnElement[bool]:
    if status is not RunStatus.FAILED:
        others = and_(failed, or_(Run.status.is_(None), Run.status != status.value))
        return and_(_any_run(Run.status == status.value), ~_any_run(others))
    kinds = (
        select(func.count(func.distinct(func.coalesce(Run.status, ""))))
        .where(Run.task_id == Task.id, failed)
        .correlate(Task)
        .scalar_subquery()
    )
    plain = and_(
        failed,
        or_(
            Run.status.is_(None),
            Run.status == RunStatus.FAILED.value,
            Run.status.not_in(_FAILED),
        ),
    )
    return or_(_any_run(plain), kinds > 1)


def _any_run(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(Run.task_id == Task.id, condition).correlate(Task)
