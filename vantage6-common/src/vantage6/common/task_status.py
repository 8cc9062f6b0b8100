"""Statuses under the names of the contract; their home is `vantage6.common.status`."""

from __future__ import annotations

from vantage6.common.status import RunStatus as TaskStatus
from vantage6.common.status import has_failed as has_task_failed
from vantage6.common.status import is_finished as has_task_finished

__all__ = ["TaskStatus", "has_task_failed", "has_task_finished"]
