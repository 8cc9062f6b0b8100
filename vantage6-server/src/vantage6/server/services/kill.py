"""Stopping tasks, and everything a node runs."""

from __future__ import annotations

from sqlalchemy import select, update

from vantage6.common.clock import Clock
from vantage6.common.enums import AuthStatus, Operation
from vantage6.common.status import RunStatus
from vantage6.server.events.domain import NodeTasksKilled, RunsKilled
from vantage6.server.models import Node, Run, Task
from vantage6.server.policy.decide import Target
from vantage6.server.policy.principal import UserPrincipal
from vantage6.server.repositories.runs import is_open
from vantage6.server.repositories.statements import affect
from vantage6.server.repositories.tasks import descendant_ids
from vantage6.server.repositories.unit_of_work import UnitOfWork
from vantage6.server.services.authority import Authority
from vantage6.server.services.errors import BadRequest, NotFound
from vantage6.server.services.tasks import SERIAL_TOPIC, open_runs

__all__ = ["kill_node_tasks", "kill_task"]


def kill_task(uow: UnitOfWork, principal: UserPrincipal, task_id: int, clock: Clock) -> None:
    """End all unfinished runs of a task and of all tasks below it, and tell the nodes.

    The reference leaves out what lies more than one level below.

    Raises
    ------
    NotFound, BadRequest, Forbidden
        If there is no such task, nothing of it goes on any more, or the caller may not stop it.
    """
    uow.serialize(SERIAL_TOPIC)
    task = uow.session.get(Task, task_id)
    if task is None:
        raise NotFound(f"There is no task {task_id}.")
    going_on = open_runs(uow.session, descendant_ids(uow.session, task_id))
    if not going_on:
        raise BadRequest(f"Task {task_id} has finished already, so there is nothing to stop.")
    target = Target(collaboration_id=task.collaboration_id)
    Authority(uow.session, principal).require("event", Operation.SEND, target)
    affect(
        uow.session,
        update(Run)
        .where(Run.id.in_([run.run_id for run in going_on]), is_open())
        .values(status=RunStatus.KILLED.value, finished_at=clock.now()),
    )
    uow.record(RunsKilled(task.collaboration_id, going_on))
    uow.commit()


def kill_node_tasks(uow: UnitOfWork, principal: UserPrincipal, node_id: int) -> None:
    """Tell a node to stop everything; it reports the end of its runs itself.

    Raises
    ------
    NotFound, BadRequest, Forbidden
        If there is no such node, it is not connected, or the caller may not do this.
    """
    node = uow.session.scalar(select(Node).where(Node.id == node_id))
    if node is None:
        raise NotFound(f"There is no node {node_id}.")
    if node.status != AuthStatus.ONLINE or node.collaboration_id is None:
        raise BadRequest(f"Node {node_id} is not connected, so it cannot be told to stop anything.")
    target = Target(organization_id=node.organization_id, collaboration_id=node.collaboration_id)
    Authority(uow.session, principal).require("event", Operation.SEND, target)
    uow.record(NodeTasksKilled(node_id, node.collaboration_id))
    uow.commit()
