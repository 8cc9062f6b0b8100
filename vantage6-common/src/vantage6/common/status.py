"""Statuses of a run, how one may follow another, and the status of a task.

The values are those of the contract (``data-model``, section 4); this module is their only home.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

__all__ = [
    "RunStatus",
    "allowed_predecessors",
    "has_failed",
    "is_finished",
    "task_status",
]


class RunStatus(str, Enum):
    """Status of one run, as it travels on the wire."""

    PENDING = "pending"
    INITIALIZING = "initializing"
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    START_FAILED = "start failed"
    NO_DOCKER_IMAGE = "non-existing Docker image"
    CRASHED = "crashed"
    KILLED = "killed by user"
    NOT_ALLOWED = "not allowed"
    UNKNOWN_ERROR = "unknown error"

    def __str__(self) -> str:
        """Return the wire value, also on Python 3.10 where ``format`` would differ."""
        return self.value


_ALIVE_IN_ORDER = (RunStatus.PENDING, RunStatus.INITIALIZING, RunStatus.ACTIVE)
_ALIVE = frozenset(_ALIVE_IN_ORDER)


def has_failed(status: str | None) -> bool:
    """Tell whether a status means failure; unknown and missing ones do."""
    return status not in _ALIVE and status != RunStatus.COMPLETED


def is_finished(status: str | None) -> bool:
    """Tell whether a run with this status will not change any more."""
    return status not in _ALIVE


def allowed_predecessors(new: RunStatus) -> frozenset[RunStatus]:
    """Return the statuses from which a run may go to `new`.

    A run only moves forward: pending, initializing, active, one final status. Reports may skip
    steps, and repeating the present status is allowed while the run is alive. Nothing follows a
    final status.
    """
    if new not in _ALIVE:
        return _ALIVE
    return frozenset(_ALIVE_IN_ORDER[: _ALIVE_IN_ORDER.index(new) + 1])


def task_status(run_statuses: Iterable[str | None]) -> RunStatus:
    """Derive the status of a task from those of its runs (contract, data-model section 3)."""
    statuses = set(run_statuses)
    failed = {status for status in statuses if has_failed(status)}
    if failed:
        only = next(iter(failed)) if len(failed) == 1 else None
        known = {status.value for status in RunStatus}
        return RunStatus(only) if only in known else RunStatus.FAILED
    for candidate in reversed(_ALIVE_IN_ORDER):
        if candidate in statuses:
            return candidate
    return RunStatus.COMPLETED
