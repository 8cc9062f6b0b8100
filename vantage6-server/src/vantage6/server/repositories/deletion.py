"""Deleting records together with what makes no sense without them.

Statements work on sets of ids, so their number does not grow with the rows, apart from long lists
being cut into pieces. Runs that nodes still work on are named in a `RunsKilled` event.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, select, update
from sqlalchemy.orm import Session, aliased

from vantage6.server.events.domain import KilledRun, RunsKilled
from vantage6.server.models import (
    AlgorithmPort,
    AlgorithmStore,
    Authenticatable,
    Member,
    Node,
    NodeConfig,
    Permission,
    Role,
    RoleRule,
    Run,
    Study,
    StudyMember,
    Task,
    TaskDatabase,
    User,
    UserPermission,
)
from vantage6.server.repositories.unit_of_work import UnitOfWork

__all__ = [
    "delete_algorithm_stores",
    "delete_memberships",
    "delete_nodes",
    "delete_roles",
    "delete_runs",
    "delete_studies",
    "delete_tasks",
    "delete_users",
]

# SQLite and PostgreSQL limit the values in one statement.
_PIECE = 5000


def _pieces(identities: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(identities), _PIECE):
        yield identities[start : start + _PIECE]


def _table(model: type[Any]) -> Table:
    # Plain tables: bulk statements on the models would try to update loaded objects.
    table: Table = model.__table__
    return table


def _remove(session: Session, table: Table, column: str, identities: Sequence[int]) -> None:
    for piece in _pieces(identities):
        session.execute(delete(table).where(table.c[column].in_(piece)))


def _clear(session: Session, table: Table, column: str, identities: Sequence[int]) -> None:
    for piece in _pieces(identities):
        session.execute(update(table).where(table.c[column].in_(piece)).values({column: None}))


def delete_tasks(work: UnitOfWork, condition: ColumnElement[bool]) -> None:
    """Delete the tasks that meet a condition, and all their descendants, runs and ports."""
    session = work.session
    session.flush()
    tree = select(Task.id).where(condition).cte("tree", recursive=True)
    child = aliased(Task)
    tree = tree.union(select(child.id).where(child.parent_id == tree.c.id))
    identities = session.scalars(select(tree.c.id)).all()
    for piece in _pieces(identities):
        delete_runs(work, Run.task_id.in_(piece))
    _remove(session, _table(TaskDatabase), "task_id", identities)
    _clear(session, _table(Task), "parent_id", identities)
    _remove(session, _table(Task), "id", identities)


def delete_runs(work: UnitOfWork, condition: ColumnElement[bool]) -> None:
    """Delete the runs that meet a condition, with their ports; stop those still going on."""
    session = work.session
    rows = session.execute(
        select(Run.id, Run.task_id, Run.organization_id, Run.finished_at, Task.collaboration_id)
        .join(Task, Task.id == Run.task_id, isouter=True)
        .where(condition)
        .order_by(Run.id)
    ).all()
    _record_kills(work, (row for row in rows if row.finished_at is None))
    identities = [row.id for row in rows]
    _remove(session, _table(AlgorithmPort), "run_id", identities)
    _remove(session, _table(Run), "id", identities)


def _record_kills(work: UnitOfWork, rows: Iterable[Any]) -> None:
    killed: dict[int, list[KilledRun]] = defaultdict(list)
    for row in rows:
        if row.collaboration_id is not None:
            killed[row.collaboration_id].append(KilledRun(row.task_id, row.id, row.organization_id))
    for collaboration_id, runs in killed.items():
        work.record(RunsKilled(collaboration_id, tuple(runs)))


def delete_nodes(session: Session, condition: ColumnElement[bool]) -> None:
    """Delete the nodes that meet a condition, with what they shared."""
    session.flush()
    identities = session.scalars(select(Node.id).where(condition)).all()
    _remove(session, _table(NodeConfig), "node_id", identities)
    _remove(session, _table(Node), "id", identities)
    _remove(session, _table(Authenticatable), "id", identities)


def delete_users(session: Session, condition: ColumnElement[bool]) -> None:
    """Delete the users that meet a condition; tasks they created stay without creator."""
    session.flush()
    identities = session.scalars(select(User.id).where(condition)).all()
    _remove(session, Permission, "user_id", identities)
    _remove(session, UserPermission, "user_id", identities)
    _clear(session, _table(Task), "init_user_id", identities)
    _remove(session, _table(User), "id", identities)
    _remove(session, _table(Authenticatable), "id", identities)


def delete_roles(session: Session, condition: ColumnElement[bool]) -> None:
    """Delete the roles that meet a condition and take them away from their users."""
    session.flush()
    identities = session.scalars(select(Role.id).where(condition)).all()
    _remove(session, Permission, "role_id", identities)
    _remove(session, RoleRule, "role_id", identities)
    _remove(session, _table(Role), "id", identities)


def delete_studies(work: UnitOfWork, condition: ColumnElement[bool]) -> None:
    """Delete the studies that meet a condition, with their tasks."""
    session = work.session
    session.flush()
    identities = session.scalars(select(Study.id).where(condition)).all()
    for piece in _pieces(identities):
        delete_tasks(work, Task.study_id.in_(piece))
    _remove(session, StudyMember, "study_id", identities)
    _remove(session, _table(Study), "id", identities)


def delete_algorithm_stores(session: Session, condition: ColumnElement[bool]) -> None:
    """Delete links to algorithm stores; tasks lose them."""
    session.flush()
    identities = session.scalars(select(AlgorithmStore.id).where(condition)).all()
    _clear(session, _table(Task), "algorithm_store_id", identities)
    _remove(session, _table(AlgorithmStore), "id", identities)


def delete_memberships(
    session: Session, *, organization_id: int | None = None, collaboration_id: int | None = None
) -> None:
    """Take an organization out of collaborations and their studies.

    Parameters
    ----------
    organization_id : int, optional
        Only this organization; all of the collaboration's otherwise.
    collaboration_id : int, optional
        Only this collaboration; all of the organization's otherwise.
    """
    members = delete(Member)
    study_members = delete(StudyMember)
    if organization_id is not None:
        members = members.where(Member.c.organization_id == organization_id)
        study_members = study_members.where(StudyMember.c.organization_id == organization_id)
    if collaboration_id is not None:
        members = members.where(Member.c.collaboration_id == collaboration_id)
        of_collaboration = select(Study.id).where(Study.collaboration_id == collaboration_id)
        study_members = study_members.where(StudyMember.c.study_id.in_(of_collaboration))
    session.execute(study_members)
    session.execute(members)
