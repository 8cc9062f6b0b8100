"""What the client raises beyond the errors that all packages share.

::

    V6Error                    vantage6.common.errors
    ├── NotLoggedInError       something needs a login that has not taken place
    ├── RefusedError           the server refused, and there is nothing to return instead
    ├── TaskFailedError        a task waited for has failed
    └── WaitTimeoutError       a task waited for is not finished in time

Some have a second base: the built-in error that released clients raise in that place.
"""

from __future__ import annotations

from dataclasses import dataclass

from vantage6.common.errors import ResponseError, V6Error

__all__ = [
    "DeserializationException",
    "FailedRun",
    "NotLoggedInError",
    "RefusedError",
    "TaskFailedError",
    "WaitTimeoutError",
]


class DeserializationException(Exception):  # noqa: N818 - a name of the contract
    """A value cannot be read back. Kept for code that catches it; the client does not raise it."""


class NotLoggedInError(V6Error, AssertionError):
    """Something needs a login that has not taken place."""


class RefusedError(V6Error, KeyError):
    """The server refused a request whose answer is needed.

    Parameters
    ----------
    error : ResponseError
        What the server said.
    """

    def __init__(self, error: ResponseError) -> None:
        super().__init__(str(error))
        self.status = error.status
        self.body = error.body

    def __str__(self) -> str:
        """Return the sentence as it is; `KeyError` alone would put it in quotes."""
        return str(self.args[0])


@dataclass(frozen=True)
class FailedRun:
    """A run that did not end well.

    Parameters
    ----------
    run_id, organization_id : int
        Which run, and where.
    organization : str
        Name of the organization.
    status : str
        How the run ended.
    reason : str
        The last thing its log says; empty without a log.
    """

    run_id: int
    organization_id: int
    organization: str
    status: str
    reason: str

    def __str__(self) -> str:
        """Return organization, status and reason as one phrase."""
        what = f"{self.status} at {self.organization} (run {self.run_id})"
        return f"{what}: {self.reason}" if self.reason else what


class TaskFailedError(V6Error):
    """A task has failed.

    Parameters
    ----------
    task_id : int
        Which task.
    runs : tuple of FailedRun
        The runs that failed.
    """

    def __init__(self, task_id: int, runs: tuple[FailedRun, ...]) -> None:
        reasons = "; ".join(str(run).rstrip(".") for run in runs) or "no run of it can be seen"
        super().__init__(f"Task {task_id} has failed: {reasons}.")
        self.task_id = task_id
        self.runs = runs


class WaitTimeoutError(V6Error, TimeoutError):
    """A task is not finished in the time given for it."""
