"""Things that happened, in terms of the domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

__all__ = [
    "DomainEvent",
    "KilledRun",
    "NodeTasksKilled",
    "RunChanged",
    "RunLogGrew",
    "RunStatusReported",
    "RunsKilled",
    "TaskCreated",
]


@dataclass(frozen=True)
class TaskCreated:
    """A task and all of its runs are stored."""

    task_id: int
    parent_id: int | None
    collaboration_id: int


@dataclass(frozen=True)
class RunChanged:
    """A node's report about a run is stored."""

    run_id: int
    collaboration_id: int


@dataclass(frozen=True)
class KilledRun:
    """Names a run to those who may have to stop it."""

    task_id: int
    run_id: int
    organization_id: int


@dataclass(frozen=True)
class RunsKilled:
    """Runs were stopped by a user; there is at least one."""

    collaboration_id: int
    runs: tuple[KilledRun, ...]

    def __post_init__(self) -> None:
        if not self.runs:
            # On the wire an empty list means "stop everything on the node".
            raise ValueError("RunsKilled needs at least one run.")


@dataclass(frozen=True)
class NodeTasksKilled:
    """A user wants a node to stop everything it runs."""

    node_id: int
    collaboration_id: int


@dataclass(frozen=True)
class RunStatusReported:
    """A node tells over the socket that a run's status changes; nothing is stored."""

    status: str
    run_id: int
    task_id: int
    job_id: int
    collaboration_id: int
    node_id: int
    organization_id: int
    parent_id: int | None


@dataclass(frozen=True)
class RunLogGrew:
    """A node sent a piece of a run's log."""

    run_id: int
    task_id: int
    collaboration_id: int
    text: str


DomainEvent = Union[  # noqa: UP007 - used at run time on Python 3.10
    TaskCreated, RunChanged, RunsKilled, NodeTasksKilled, RunStatusReported, RunLogGrew
]
