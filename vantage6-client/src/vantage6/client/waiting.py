"""Waiting for a task: short pauses at first, longer ones the longer it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vantage6.client.display import WaitingLine
from vantage6.client.exceptions import WaitTimeoutError
from vantage6.client.log import logger
from vantage6.common.clock import Clock, SystemClock
from vantage6.common.errors import (
    ConnectionFailedError,
    NotAnApiError,
    ServerFaultError,
    TransportError,
)
from vantage6.common.status import RunStatus, is_finished

__all__ = ["Pauses", "WaitProgress", "Waiter"]

_SHORTEST_PAUSE = 0.05
_LONGEST_PAUSE = 300.0
_PART_OF_ELAPSED = 0.1
_TICK = 0.5
_SERVER_FAULT = 500


@dataclass(frozen=True)
class WaitProgress:
    """What is known about a task that is waited for.

    Parameters
    ----------
    task_id : int
        Which task.
    status : str or None
        Its status; None while the server cannot be reached.
    seconds : float
        How long it has been waited for.
    finished : bool
        Whether the status will not change any more.
    """

    task_id: int
    status: str | None
    seconds: float
    finished: bool


@dataclass(frozen=True)
class Pauses:
    """How long to pause before looking again.

    A pause is a tenth of the time waited so far, so a result is never read later than a tenth
    after it is there. It is never longer than the pause of released clients, which begin with
    `interval` and multiply it by 1.5 each time, up to five minutes.

    Parameters
    ----------
    interval : float
        First pause of a released client, in seconds.
    """

    interval: float = 1.0

    def after(self, seconds: float) -> float:
        """Return the pause in seconds, `seconds` after the waiting began."""
        # Pauses of i, 1.5 i, 2.25 i, … add up to twice what the next one has more than i.
        released = self.interval + seconds / 2
        return min(max(_SHORTEST_PAUSE, seconds * _PART_OF_ELAPSED), released, _LONGEST_PAUSE)


class Waiter:
    """Waits for one task.

    Parameters
    ----------
    task_id : int
        Which task.
    read_status : callable
        Asks the server for the task's status.
    interval : float
        See `Pauses`.
    timeout : float, optional
        Longest time to wait, in seconds.
    on_progress : callable, optional
        Called with a `WaitProgress` each time the status has been read.
    show : bool
        Whether to keep a line on the terminal up to date.
    clock : Clock, optional
        The time.
    """

    def __init__(
        self,
        task_id: int,
        read_status: Callable[[], str | None],
        *,
        interval: float = 1.0,
        timeout: float | None = None,
        on_progress: Callable[[WaitProgress], object] | None = None,
        show: bool = True,
        clock: Clock | None = None,
    ) -> None:
        self._task_id = task_id
        self._read_status = read_status
        self._pauses = Pauses(interval)
        self._timeout = timeout
        self._on_progress = on_progress
        self._line = WaitingLine(task_id) if show else None
        self._clock: Clock = clock or SystemClock()
        self._started = self._clock.monotonic()
        self._away = False

    def wait(self) -> str | None:
        """Return the task's status once it is final.

        Raises
        ------
        WaitTimeoutError
            If it is not final in time.
        ResponseError
            If the server refuses to tell the status.
        """
        try:
            while True:
                status = self._look()
                if not self._away and is_finished(status):
                    self._done(status)
                    return status
                self._pause(status)
        except BaseException:
            if self._line:
                self._line.interrupted()
            raise

    def _look(self) -> str | None:
        """Read the status; a server that is away for a while only delays the answer."""
        try:
            status = self._read_status()
        except TransportError as error:
            if not _may_come_back(error):
                raise
            if not self._away:
                logger.warning("%s Waiting for task %s goes on.", error, self._task_id)
            self._away = True
            status = None
        else:
            self._away = False
        self._report(status)
        return status

    def _report(self, status: str | None) -> None:
        if self._on_progress:
            finished = not self._away and is_finished(status)
            self._on_progress(WaitProgress(self._task_id, status, self._elapsed(), finished))

    def _pause(self, status: str | None) -> None:
        elapsed = self._elapsed()
        pause = self._pauses.after(elapsed)
        if self._timeout is not None:
            left = self._timeout - elapsed
            if left <= 0:
                raise WaitTimeoutError(
                    f"Task {self._task_id} is still {status or 'of unknown status'} after "
                    f"{self._timeout:g} seconds; it goes on, so wait again or read its results "
                    f"later with client.result.from_task({self._task_id})."
                )
            pause = min(pause, left)
        self._sleep(pause)

    def _sleep(self, seconds: float) -> None:
        """Sleep, in short pieces if there is a line to be kept up to date."""
        if self._line is None or not self._line.visible:
            self._clock.sleep(seconds)
            return
        until = self._clock.monotonic() + seconds
        while (left := until - self._clock.monotonic()) > 0:
            self._line.waiting(self._elapsed())
            self._clock.sleep(min(left, _TICK))

    def _done(self, status: str | None) -> None:
        if self._line is None:
            return
        outcome = "completed" if status == RunStatus.COMPLETED else f"ended ({status})"
        self._line.done(self._elapsed(), outcome)

    def _elapsed(self) -> float:
        return self._clock.monotonic() - self._started


def _may_come_back(error: TransportError) -> bool:
    if isinstance(error, NotAnApiError):
        return error.status >= _SERVER_FAULT
    return isinstance(error, (ConnectionFailedError, ServerFaultError))
