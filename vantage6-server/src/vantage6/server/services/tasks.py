"""Creating and deleting tasks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from vantage6.common.clock import Clock
from vantage6.common.enums import Operation
from vantage6.common.status import RunStatus, is_finished
from vantage6.server.events.domain import KilledRun, TaskCreated
from vantage6.server.models import (
    AlgorithmStore,
    Collaboration,
    Organization,
    Run,
    Study,
    Task,
    TaskDatabase,
)
from vantage6.server.policy.decide import Target
from vantage6.server.policy.principal import ContainerPrincipal, UserPrincipal
from vantage6.server.repositories.deletion import delete_tasks
from vantage6.server.repositories.runs import is_open
from vantage6.server.repositories.tasks import (
    member_ids,
    next_job_id,
    node_policies,
    nodes_of,
    study_member_ids,
    task_options,
)
from vantage6.server.repositories.unit_of_work import UnitOfWork
from vantage6.server.services.authority import Authority
from vantage6.server.services.errors import (
    BadRequest,
    Forbidden,
    NotConfigured,
    NotFound,
    Refused,
)
from vantage6.server.services.task_inputs import (
    NewTask,
    RunInput,
    admits,
    input_problem,
    lacking_node,
    outside,
    stored_key,
)
from vantage6.server.services.task_views import task_target

__all__ = ["SERIAL_TOPIC", "create_task", "delete_task", "open_runs"]

SERIAL_TOPIC = "task"
"""Creating and killing tasks wait for each other, so that no subtask slips through a kill."""


@dataclass(frozen=True)
class _Place:
    """Where a task shall run."""

    collaboration: Collaboration
    study: Study | None
    members: frozenset[int]
    nodes: dict[int, int]


@dataclass(frozen=True)
class _Origin:
    """Where a task comes from."""

    image: str
    job_id: int
    init_org_id: int
    init_user_id: int | None
    parent_id: int | None = None
    store_id: int | None = None


def create_task(
    uow: UnitOfWork,
    principal: UserPrincipal | ContainerPrincipal,
    command: NewTask,
    clock: Clock,
) -> Task:
    """Store a task with one run per organization, and announce it.

    The checks come in the order of the contract (rest-api section 4.8). A request that was
    carried out before under the same idempotency key gives the task it made then.

    Raises
    ------
    NotFound, BadRequest, Forbidden, Refused
        If something named does not exist, does not fit together, or is not allowed.
    """
    # Two requests with the same key, or for the next job number, must not pass each other.
    uow.serialize(SERIAL_TOPIC)
    key = stored_key(principal, command.idempotency_key)
    earlier = _find_by_key(uow.session, key)
    if earlier is not None:
        return earlier
    place = _find_place(uow.session, command)
    if isinstance(principal, UserPrincipal):
        _check_node_policies(uow.session, principal, place)
    if principal.organization_id not in place.members:
        raise Forbidden(
            f"Your organization is no member of collaboration {place.collaboration.id}, "
            "so it cannot create tasks there."
        )
    if isinstance(principal, UserPrincipal):
        origin = _from_user(uow.session, principal, command, place)
    else:
        origin = _from_container(uow.session, principal, command, place)
    _check_inputs(command.runs, place.collaboration)
    task = _build(command, place, origin, key, clock)
    uow.session.add(task)
    uow.flush()
    uow.record(TaskCreated(task.id, task.parent_id, task.collaboration_id))
    uow.commit()
    return task


def _find_by_key(session: Session, key: str | None) -> Task | None:
    if key is None:
        return None
    statement = select(Task).where(Task.idempotency_key == key).options(*task_options())
    return session.scalar(statement)


def _find_place(session: Session, command: NewTask) -> _Place:
    study = _find_study(session, command)
    collaboration = _find_collaboration(session, command, study)
    members = member_ids(session, collaboration.id)
    _require_members(command.runs, members, f"collaboration '{collaboration.name}'")
    if study is not None:
        _require_members(command.runs, study_member_ids(session, study.id), f"study '{study.name}'")
    nodes = nodes_of(session, collaboration.id, [run.organization_id for run in command.runs])
    _require_nodes(session, command.runs, nodes, collaboration)
    return _Place(collaboration, study, members, nodes)


def _find_collaboration(session: Session, command: NewTask, study: Study | None) -> Collaboration:
    identity = command.collaboration_id
    if identity is None and study is not None:
        identity = study.collaboration_id
    collaboration = None if identity is None else session.get(Collaboration, identity)
    if collaboration is None:
        raise NotFound(f"There is no collaboration {identity}.", field="collaboration_id")
    if command.study_id is not None and study is None:
        raise NotFound(f"There is no study {command.study_id}.", field="study_id")
    if study is not None and study.collaboration_id != collaboration.id:
        raise BadRequest(
            f"Study {study.id} is not part of collaboration {collaboration.id}; "
            "name only one of them, or two that belong together.",
            field="study_id",
        )
    return collaboration


def _find_study(session: Session, command: NewTask) -> Study | None:
    if command.study_id is None:
        return None
    study = session.get(Study, command.study_id)
    if study is None and command.collaboration_id is None:
        raise NotFound(f"There is no study {command.study_id}.", field="study_id")
    return study


def _require_members(runs: tuple[RunInput, ...], members: frozenset[int], place: str) -> None:
    strangers = outside(runs, members)
    if strangers:
        listed = ", ".join(str(identity) for identity in strangers)
        raise BadRequest(
            f"Not all organizations are members of {place}: {listed}; remove them from the task.",
            field="organizations",
        )


def _require_nodes(
    session: Session,
    runs: tuple[RunInput, ...],
    nodes: dict[int, int],
    collaboration: Collaboration,
) -> None:
    lacking = lacking_node(runs, nodes)
    if not lacking:
        return
    names = session.execute(
        select(Organization.id, Organization.name).where(Organization.id.in_(lacking))
    )
    listed = ", ".join(f"'{row.name}' ({row.id})" for row in names)
    raise BadRequest(
        f"Every organization of a task needs a node of its own in collaboration "
        f"'{collaboration.name}', and there is none, or not one per mention, for {listed}; "
        "register one, or take the organization out of the task.",
        field="organizations",
    )


def _check_node_policies(session: Session, user: UserPrincipal, place: _Place) -> None:
    policies = node_policies(session, list(place.nodes.values()))
    if not policies:
        return
    own = session.get(Organization, user.organization_id)
    for organization_id, node_id in place.nodes.items():
        if not admits(policies.get(node_id, ()), user, own.name or "" if own else ""):
            raise BadRequest(
                f"The node of organization {organization_id} does not accept tasks from you; "
                "ask that organization to allow you or your organization.",
                field="organizations",
            )


def _from_user(session: Session, user: UserPrincipal, command: NewTask, place: _Place) -> _Origin:
    target = Target(collaboration_id=place.collaboration.id)
    Authority(session, user).require("task", Operation.CREATE, target)
    if command.store_id is not None:
        _check_store(session, command.store_id, place.collaboration)
    return _Origin(
        image=command.image,
        job_id=next_job_id(session),
        init_org_id=user.organization_id,
        init_user_id=user.user_id,
    )


def _check_store(session: Session, store_id: int, collaboration: Collaboration) -> None:
    store = session.get(AlgorithmStore, store_id)
    if store is None:
        raise BadRequest(f"There is no algorithm store {store_id}.", field="store_id")
    if store.collaboration_id not in {None, collaboration.id}:
        raise Refused(
            f"Algorithm store {store_id} is not linked to collaboration {collaboration.id}.",
            field="store_id",
        )
    raise NotConfigured(
        "This server does not look up images in algorithm stores; create the task without a store.",
        field="store_id",
    )


def _from_container(
    session: Session, container: ContainerPrincipal, command: NewTask, place: _Place
) -> _Origin:
    parent = session.scalar(
        select(Task).where(Task.id == container.task_id).options(*task_options())
    )
    if parent is None:
        raise Forbidden(f"Task {container.task_id} of this container does not exist any more.")
    if not command.image.endswith(container.image):
        raise Forbidden(
            "A subtask has to use the image of its parent task; "
            f"'{command.image}' is not '{container.image}'."
        )
    if is_finished(parent.status):
        raise Forbidden(f"Task {parent.id} has finished, so it can have no new subtasks.")
    if place.collaboration.id != container.collaboration_id:
        raise Forbidden("A subtask has to stay in the collaboration of its parent task.")
    return _Origin(
        image=parent.image,
        job_id=parent.job_id,
        init_org_id=container.organization_id,
        init_user_id=parent.init_user_id,
        parent_id=parent.id,
        store_id=parent.algorithm_store_id,
    )


def _check_inputs(runs: Iterable[RunInput], collaboration: Collaboration) -> None:
    for run in runs:
        problem = input_problem(run.input, encrypted=bool(collaboration.encrypted))
        if problem:
            raise BadRequest(
                f"The input for organization {run.organization_id} {problem}.",
                field="organizations",
            )


def _build(command: NewTask, place: _Place, origin: _Origin, key: str | None, clock: Clock) -> Task:
    now = clock.now()
    return Task(
        name=command.name,
        description=command.description,
        image=origin.image,
        collaboration_id=place.collaboration.id,
        study_id=place.study.id if place.study else None,
        job_id=origin.job_id,
        parent_id=origin.parent_id,
        init_org_id=origin.init_org_id,
        init_user_id=origin.init_user_id,
        algorithm_store_id=origin.store_id,
        created_at=now,
        idempotency_key=key,
        databases=[
            TaskDatabase(database=label, parameters=parameters)
            for label, parameters in command.databases
        ],
        runs=[
            Run(
                organization_id=run.organization_id,
                input=run.input,
                status=RunStatus.PENDING.value,
                assigned_at=now,
                blob_storage_used=False,
            )
            for run in command.runs
        ],
    )


def delete_task(uow: UnitOfWork, principal: UserPrincipal, task_id: int) -> None:
    """Delete a task and everything below it; runs that still go on are stopped first.

    Raises
    ------
    NotFound, Forbidden
        If there is none, or the caller may not delete it.
    """
    uow.serialize(SERIAL_TOPIC)
    task = uow.session.get(Task, task_id)
    if task is None:
        raise NotFound(f"There is no task {task_id}.")
    Authority(uow.session, principal).require("task", Operation.DELETE, task_target(task))
    delete_tasks(uow, Task.id == task_id)
    uow.commit()


def open_runs(session: Session, task_ids: list[int]) -> tuple[KilledRun, ...]:
    """Return the unfinished runs of tasks."""
    rows = session.execute(
        select(Run.task_id, Run.id, Run.organization_id)
        .where(Run.task_id.in_(task_ids), is_open())
        .order_by(Run.id)
    )
    return tuple(KilledRun(row.task_id, row.id, row.organization_id) for row in rows)
