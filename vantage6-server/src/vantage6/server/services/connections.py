"""What follows from nodes and users being connected, and from what nodes tell over the socket."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.orm import Session

from vantage6.common.enums import AuthStatus, ClientType, Operation, Scope
from vantage6.common.status import RunStatus
from vantage6.common.wire.socket import ALL_NODES_ROOM, collaboration_room, organization_room
from vantage6.server.events.domain import RunLogGrew, RunStatusReported
from vantage6.server.models import Authenticatable, Collaboration, Node, NodeConfig, Run, Task
from vantage6.server.policy.decide import widest
from vantage6.server.policy.principal import UserPrincipal
from vantage6.server.policy.visible import collaborations_of
from vantage6.server.repositories.principals import find_principal
from vantage6.server.repositories.runs import is_open
from vantage6.server.repositories.statements import affect
from vantage6.server.repositories.unit_of_work import UnitOfWork

__all__ = [
    "Peer",
    "append_log",
    "come_online",
    "flatten",
    "go_offline",
    "note_ping",
    "read_status_report",
    "replace_config",
    "set_everybody_offline",
]

ConfigRow = tuple[str, str | None]


@dataclass(frozen=True)
class Peer:
    """Who is at the other end of a socket, and which rooms concern it."""

    kind: ClientType
    identity: int
    name: str
    organization_id: int
    collaboration_id: int | None
    rooms: tuple[str, ...]


def come_online(uow: UnitOfWork, identity: int) -> Peer | None:
    """Note that a node or user is connected; None if there is none with this id."""
    principal = find_principal(uow.session, identity)
    if principal is None:
        return None
    if isinstance(principal, UserPrincipal):
        peer = Peer(
            kind=ClientType.USER,
            identity=identity,
            name=principal.username,
            organization_id=principal.organization_id,
            collaboration_id=None,
            rooms=_rooms_of_user(uow.session, principal),
        )
    else:
        node = uow.session.get_one(Node, identity)
        peer = Peer(
            kind=ClientType.NODE,
            identity=identity,
            name=node.name or "",
            organization_id=principal.organization_id,
            collaboration_id=principal.collaboration_id,
            rooms=_rooms_of_node(principal.organization_id, principal.collaboration_id),
        )
    _set_status(uow.session, [identity], AuthStatus.ONLINE)
    uow.commit()
    return peer


def _rooms_of_node(organization_id: int, collaboration_id: int | None) -> tuple[str, ...]:
    if collaboration_id is None:
        return (ALL_NODES_ROOM,)
    return (
        ALL_NODES_ROOM,
        collaboration_room(collaboration_id),
        organization_room(collaboration_id, organization_id),
    )


def _rooms_of_user(session: Session, user: UserPrincipal) -> tuple[str, ...]:
    """Return the rooms of the widest scope only (contract, socket-events section 3)."""
    scope = widest(user, "event", Operation.RECEIVE)
    if scope is Scope.GLOBAL:
        every = session.scalars(select(Collaboration.id).order_by(Collaboration.id))
        return tuple(collaboration_room(identity) for identity in every)
    own = session.scalars(collaborations_of(user))
    if scope is Scope.COLLABORATION:
        return tuple(collaboration_room(identity) for identity in own)
    if scope is Scope.ORGANIZATION:
        return tuple(organization_room(identity, user.organization_id) for identity in own)
    return ()


def go_offline(uow: UnitOfWork, identity: int) -> None:
    """Note that a node or user has no connection any more; forget what a node shared."""
    _set_status(uow.session, [identity], AuthStatus.OFFLINE)
    affect(uow.session, delete(NodeConfig).where(NodeConfig.node_id == identity))
    uow.commit()


def set_everybody_offline(uow: UnitOfWork) -> None:
    """Forget who was connected before a start: nobody is, yet."""
    connected = select(Authenticatable.id).where(Authenticatable.status == AuthStatus.ONLINE.value)
    identities = list(uow.session.scalars(connected))
    _set_status(uow.session, identities, AuthStatus.OFFLINE)
    affect(uow.session, delete(NodeConfig).where(NodeConfig.node_id.in_(identities)))
    uow.commit()


def note_ping(uow: UnitOfWork, identity: int, moment: datetime) -> None:
    """Note that a connected node or user is still there."""
    affect(
        uow.session,
        update(Authenticatable)
        .where(Authenticatable.id == identity)
        .values(status=AuthStatus.ONLINE.value, last_seen=moment),
    )
    uow.commit()


def _set_status(session: Session, identities: Iterable[int], status: AuthStatus) -> None:
    affect(
        session,
        update(Authenticatable)
        .where(Authenticatable.id.in_(list(identities)))
        .values(status=status.value),
    )


def flatten(info: Mapping[str, Any]) -> list[ConfigRow]:
    """Turn what a node shares into rows (contract, socket-events section 8).

    A list gives a row per entry; an object gives rows under its inner keys.
    """
    rows: list[ConfigRow] = []
    for key, value in info.items():
        entries = value.items() if isinstance(value, Mapping) else [(key, value)]
        for name, entry in entries:
            items = entry if isinstance(entry, list) else [entry]
            rows += [(str(name), _as_text(item)) for item in items]
    return rows


def _as_text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(int(value))
    # The databases store no NUL characters.
    return str(value).replace("\0", "")


def replace_config(uow: UnitOfWork, node_id: int, rows: Iterable[ConfigRow]) -> None:
    """Replace what a node shares about itself."""
    affect(uow.session, delete(NodeConfig).where(NodeConfig.node_id == node_id))
    uow.session.add_all(NodeConfig(node_id=node_id, key=key, value=value) for key, value in rows)
    uow.commit()


def read_status_report(uow: UnitOfWork, node: Peer, payload: Any) -> RunStatusReported | None:
    """Return what a node tells about one of its runs, or None if it makes no sense.

    Only the run and the status are taken from the node; the rest is what the server knows.
    """
    run_id, status = _field(payload, "run_id", int), _field(payload, "status", str)
    known = {each.value for each in RunStatus}
    task = _task_of_own_run(uow.session, node, run_id)
    if task is None or status not in known or node.collaboration_id is None:
        return None
    return RunStatusReported(
        status=status,
        run_id=run_id,
        task_id=task.id,
        job_id=task.job_id,
        collaboration_id=node.collaboration_id,
        node_id=node.identity,
        organization_id=node.organization_id,
        parent_id=task.parent_id,
    )


def append_log(uow: UnitOfWork, node: Peer, payload: Any) -> bool:
    """Append a piece of log to one of the node's unfinished runs, and tell others.

    Returns
    -------
    bool
        Whether there was such a run.
    """
    run_id, text = _field(payload, "run_id", int), _field(payload, "log", str)
    task = _task_of_own_run(uow.session, node, run_id)
    if task is None or text is None or node.collaboration_id is None:
        return False
    piece = text.replace("\0", "")
    grown = case(
        (func.coalesce(Run.log, "") == "", piece),
        (Run.log.like("%\n"), Run.log + piece),
        else_=Run.log + "\n" + piece,
    )
    statement = update(Run).where(Run.id == run_id, is_open()).values(log=grown)
    if not affect(uow.session, statement):
        return False
    uow.record(RunLogGrew(run_id, task.id, node.collaboration_id, text))
    uow.commit()
    return True


def _field(payload: Any, name: str, kind: type) -> Any:
    value = payload.get(name) if isinstance(payload, Mapping) else None
    return value if type(value) is kind else None


def _task_of_own_run(session: Session, node: Peer, run_id: int | None) -> Task | None:
    if run_id is None:
        return None
    return session.scalar(
        select(Task)
        .join(Run)
        .where(
            Run.id == run_id,
            Run.organization_id == node.organization_id,
            Task.collaboration_id == node.collaboration_id,
        )
    )
