"""Queries about runs; results are runs, too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, select, tuple_
from sqlalchemy.orm import Session, defer, joinedload, load_only, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from vantage6.server.models import Node, Run, Task
from vantage6.server.repositories.tasks import ALIVE, task_options

__all__ = [
    "is_open",
    "is_running",
    "nodes_of_runs",
    "of_node",
    "result_options",
    "run_options",
]


def is_open() -> ColumnElement[bool]:
    """Say in SQL that a run is not finished, whichever of the two signs tells so."""
    return and_(Run.finished_at.is_(None), Run.status.in_(ALIVE))


def is_running(session: Session, run_id: int) -> bool:
    """Tell whether a run exists and is not finished."""
    return bool(session.scalar(select(exists().where(Run.id == run_id, is_open()))))


def of_node(organization_id: int, collaboration_id: int | None) -> ColumnElement[bool]:
    """Say in SQL that the node of this organization and collaboration has to execute a run."""
    here = exists().where(Task.id == Run.task_id, Task.collaboration_id == collaboration_id)
    return and_(Run.organization_id == organization_id, here)


def run_options(*, task: bool = False) -> tuple[ORMOption, ...]:
    """Return what to load with runs so that they can be shown; never the result."""
    inner: tuple[Any, ...] = task_options() if task else (load_only(Task.collaboration_id),)
    return (
        defer(Run.result, raiseload=True),
        selectinload(Run.ports),
        joinedload(Run.task).options(*inner),
    )


def result_options() -> tuple[ORMOption, ...]:
    """Return what to load with runs so that their results can be shown."""
    return (load_only(Run.task_id, Run.result, Run.cleanup_at, Run.blob_storage_used),)


def nodes_of_runs(session: Session, runs: Iterable[Run]) -> dict[int, Node]:
    """Return the nodes that have to execute runs, by run id; a run may have none any more."""
    wanted = {run.id: (run.organization_id, run.task.collaboration_id) for run in runs}
    complete = sorted({pair for pair in wanted.values() if None not in pair})
    if not complete:
        return {}
    pairs = tuple_(Node.organization_id, Node.collaboration_id).in_(complete)
    found = {
        (node.organization_id, node.collaboration_id): node
        for node in session.scalars(select(Node).where(pairs))
    }
    return {run_id: found[pair] for run_id, pair in wanted.items() if pair in found}
