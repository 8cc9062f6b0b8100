"""Names of columns in the data of nodes (contract, rest-api section 4.14)."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from vantage6.common.clock import Clock
from vantage6.common.enums import Operation
from vantage6.server.models import Collaboration, Node, NodeConfig, Task
from vantage6.server.policy.decide import Target
from vantage6.server.policy.principal import UserPrincipal
from vantage6.server.repositories.records import find
from vantage6.server.repositories.unit_of_work import UnitOfWork
from vantage6.server.services.authority import Authority
from vantage6.server.services.task_inputs import NewTask, RunInput
from vantage6.server.services.tasks import create_task

__all__ = ["ColumnQuestion", "find_or_ask_columns"]

_KEY = "columns_"
_TASK_NAME = "get_column_names"
_IMAGE = "ghcr.io/vantage6/algorithm-basics:latest"


@dataclass(frozen=True)
class ColumnQuestion:
    """Whose columns are asked for.

    Attributes
    ----------
    parameters : dict
        What a data source with several tables needs besides its label.
    """

    label: str
    collaboration_id: int
    runs: tuple[RunInput, ...]
    parameters: dict[str, str]


def find_or_ask_columns(
    uow: UnitOfWork, user: UserPrincipal, question: ColumnQuestion, clock: Clock
) -> list[str] | Task:
    """Return the columns that a node of the collaboration shares, or a task that asks for them.

    Raises
    ------
    NotFound, Forbidden, BadRequest, Refused
        If there is no such collaboration, the caller may not create tasks there, or the task
        cannot be created.
    """
    collaboration = find(uow.session, Collaboration, question.collaboration_id)
    target = Target(collaboration_id=collaboration.id)
    Authority(uow.session, user).require("task", Operation.CREATE, target)
    columns = _shared(uow.session, question)
    return columns or create_task(uow, user, _task(question), clock)


def _shared(session: Session, question: ColumnQuestion) -> list[str]:
    key = _KEY + question.label
    first = (
        select(NodeConfig.node_id)
        .join(Node)
        .where(Node.collaboration_id == question.collaboration_id, NodeConfig.key == key)
        .order_by(NodeConfig.node_id)
        .limit(1)
        .scalar_subquery()
    )
    values = session.scalars(
        select(NodeConfig.value)
        .where(NodeConfig.node_id == first, NodeConfig.key == key)
        .order_by(NodeConfig.id)
    )
    return [value for value in values if value is not None]


def _task(question: ColumnQuestion) -> NewTask:
    parameters = json.dumps(question.parameters, separators=(",", ":"))
    return NewTask(
        image=_IMAGE,
        runs=question.runs,
        collaboration_id=question.collaboration_id,
        name=_TASK_NAME,
        databases=((question.label, parameters),),
    )
