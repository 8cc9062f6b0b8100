"""Which container a node may ask a token for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from vantage6.common.enums import ClientType
from vantage6.common.status import is_finished
from vantage6.server.models import Run, Task
from vantage6.server.policy.principal import NodePrincipal
from vantage6.server.repositories.runs import is_open
from vantage6.server.repositories.tasks import task_options
from vantage6.server.repositories.unit_of_work import UnitOfWork
from vantage6.server.services.errors import BadRequest, Forbidden

__all__ = ["ContainerGrant", "grant_container"]


@dataclass(frozen=True)
class ContainerGrant:
    """What a container's token says.

    Attributes
    ----------
    subject : dict
        The claim ``sub`` (contract, rest-api section 3); algorithms read it.
    run_id : int
        The token ends with this run.
    """

    subject: dict[str, Any]
    run_id: int


def grant_container(
    uow: UnitOfWork, node: NodePrincipal, task_id: int, image: str
) -> ContainerGrant:
    """Decide whether a node gets a token for the container that runs a task.

    Unlike the reference, the node must have an unfinished run of the task itself.

    Raises
    ------
    BadRequest, Forbidden
        If there is no such task, it has finished, or it is not the node's to run.
    """
    task = uow.session.scalar(select(Task).where(Task.id == task_id).options(*task_options()))
    if task is None:
        raise BadRequest(f"There is no task {task_id}.", field="task_id")
    if image != task.image:
        raise Forbidden(f"Task {task_id} uses another image than '{image}'.", field="image")
    if node.collaboration_id != task.collaboration_id:
        raise Forbidden(f"Task {task_id} belongs to another collaboration.", field="task_id")
    if is_finished(task.status):
        raise BadRequest(f"Task {task_id} has finished already.", code="task_finished")
    run_id = uow.session.scalar(
        select(Run.id).where(
            Run.task_id == task_id, Run.organization_id == node.organization_id, is_open()
        )
    )
    if run_id is None:
        raise Forbidden(f"Your node has no unfinished run of task {task_id}.", field="task_id")
    return ContainerGrant(_subject(node, task), run_id)


def _subject(node: NodePrincipal, task: Task) -> dict[str, Any]:
    return {
        "client_type": ClientType.CONTAINER.value,
        "node_id": node.node_id,
        "organization_id": node.organization_id,
        "collaboration_id": task.collaboration_id,
        "study_id": task.study_id,
        "store_id": task.algorithm_store_id,
        "task_id": task.id,
        "image": task.image,
        "databases": [
            {"label": entry.database, **json.loads(entry.parameters or "{}")}
            for entry in task.databases
        ],
    }
