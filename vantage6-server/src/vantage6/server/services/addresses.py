"""Where algorithms reach each other over the VPN (contract, rest-api section 4.13)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sqlalchemy import ColumnElement, and_, or_, select

from vantage6.server.models import AlgorithmPort, Node, Run, Task
from vantage6.server.policy.principal import ContainerPrincipal
from vantage6.server.repositories.unit_of_work import UnitOfWork
from vantage6.server.services.errors import NotFound

__all__ = ["Address", "AddressQuestion", "Only", "find_addresses"]


class Only(str, Enum):
    """What an algorithm may narrow its question to."""

    CHILDREN = "only_children"
    PARENT = "only_parent"
    SIBLINGS = "only_siblings"
    SELF = "only_self"


@dataclass(frozen=True)
class AddressQuestion:
    """Whose addresses an algorithm asks for; its own task's, if nothing else is said."""

    only: Only | None = None
    include_children: bool = False
    include_parent: bool = False
    label: str | None = None


@dataclass(frozen=True)
class Address:
    """A port that a run has opened.

    Attributes
    ----------
    ip : str or None
        Address that the node of the run has now; None while its VPN is down.
    """

    port: int
    label: str | None
    ip: str | None
    organization_id: int
    task_id: int
    parent_id: int | None


def find_addresses(
    uow: UnitOfWork, container: ContainerPrincipal, question: AddressQuestion
) -> list[Address]:
    """Return the ports that the task of a container, or its relatives, have opened.

    Raises
    ------
    NotFound
        If the task of the container does not exist any more.
    """
    task = uow.session.get(Task, container.task_id)
    if task is None:
        raise NotFound(f"Task {container.task_id} of this container does not exist any more.")
    node_of_run = and_(
        Node.organization_id == Run.organization_id, Node.collaboration_id == Task.collaboration_id
    )
    statement = (
        select(
            AlgorithmPort.port,
            AlgorithmPort.label,
            Node.ip,
            Run.organization_id,
            Run.task_id,
            Task.parent_id,
        )
        .join(Run, AlgorithmPort.run_id == Run.id)
        .join(Task, Run.task_id == Task.id)
        .outerjoin(Node, node_of_run)
        .where(
            Task.collaboration_id == container.collaboration_id,
            or_(*_levels(task, container, question)),
        )
        .order_by(AlgorithmPort.id)
    )
    if question.label is not None:
        statement = statement.where(AlgorithmPort.label == question.label)
    return [Address(*row) for row in uow.session.execute(statement)]


def _levels(
    task: Task, container: ContainerPrincipal, question: AddressQuestion
) -> list[ColumnElement[bool]]:
    own = Run.task_id == task.id
    children = Task.parent_id == task.id
    # Without a parent its place is taken by the own task.
    parent = own if task.parent_id is None else Run.task_id == task.parent_id
    here = Run.organization_id == container.organization_id
    first = {
        None: own,
        Only.CHILDREN: children,
        Only.PARENT: parent,
        Only.SIBLINGS: and_(own, ~here),
        Only.SELF: and_(own, here),
    }[question.only]
    levels = [first]
    if question.include_children:
        levels.append(children)
    if question.include_parent and task.parent_id is not None:
        levels.append(parent)
    return levels
