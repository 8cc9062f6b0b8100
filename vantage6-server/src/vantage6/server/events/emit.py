"""From a domain event to the event on the socket (contract, socket-events section 6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vantage6.common.wire.socket import ServerEvent, collaboration_room
from vantage6.server.events.domain import (
    NodeTasksKilled,
    RunChanged,
    RunLogGrew,
    RunsKilled,
    RunStatusReported,
    TaskCreated,
)

__all__ = ["WireEvent", "to_wire"]


@dataclass(frozen=True)
class WireEvent:
    """An event as it leaves on the socket."""

    name: str
    payload: Any
    room: str


def _task_created(event: TaskCreated) -> WireEvent:
    return WireEvent(
        ServerEvent.NEW_TASK,
        {"id": event.task_id, "parent_id": event.parent_id},
        collaboration_room(event.collaboration_id),
    )


def _run_changed(event: RunChanged) -> WireEvent:
    return WireEvent(
        ServerEvent.STATUS_UPDATE,
        {"run_id": event.run_id},
        collaboration_room(event.collaboration_id),
    )


def _runs_killed(event: RunsKilled) -> WireEvent:
    kill_list = [
        {"task_id": run.task_id, "run_id": run.run_id, "organization_id": run.organization_id}
        for run in event.runs
    ]
    return WireEvent(
        ServerEvent.KILL_CONTAINERS,
        {"kill_list": kill_list, "collaboration_id": event.collaboration_id},
        collaboration_room(event.collaboration_id),
    )


def _node_tasks_killed(event: NodeTasksKilled) -> WireEvent:
    return WireEvent(
        ServerEvent.KILL_CONTAINERS,
        {"node_id": event.node_id, "collaboration_id": event.collaboration_id},
        collaboration_room(event.collaboration_id),
    )


def _status_reported(event: RunStatusReported) -> WireEvent:
    payload = {
        "status": event.status,
        "run_id": event.run_id,
        "task_id": event.task_id,
        "job_id": event.job_id,
        "collaboration_id": event.collaboration_id,
        "node_id": event.node_id,
        "organization_id": event.organization_id,
        "parent_id": event.parent_id,
    }
    return WireEvent(
        ServerEvent.ALGORITHM_STATUS_CHANGE, payload, collaboration_room(event.collaboration_id)
    )


def _log_grew(event: RunLogGrew) -> WireEvent:
    return WireEvent(
        ServerEvent.ALGORITHM_LOG,
        {"run_id": event.run_id, "task_id": event.task_id, "log": event.text},
        collaboration_room(event.collaboration_id),
    )


_WRITERS: dict[type, Callable[[Any], WireEvent]] = {
    TaskCreated: _task_created,
    RunChanged: _run_changed,
    RunsKilled: _runs_killed,
    NodeTasksKilled: _node_tasks_killed,
    RunStatusReported: _status_reported,
    RunLogGrew: _log_grew,
}


def to_wire(event: object) -> WireEvent | None:
    """Return what peers hear of an event, or None if they hear nothing."""
    writer = _WRITERS.get(type(event))
    return writer(event) if writer else None
