"""Work that comes round again and again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

__all__ = ["PeriodicJob", "PeriodicJobs"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PeriodicJob:
    """Something to do every so often.

    Attributes
    ----------
    name : str
        For the log.
    interval : float
        Seconds between two times.
    work : callable
        Does it once.
    at_start : bool
        Whether to do it at once the first time, instead of after the interval.
    """

    name: str
    interval: float
    work: Callable[[], object]
    at_start: bool = False


class PeriodicJobs:
    """Does jobs in the background, each in a thread of its own, until told to stop."""

    def __init__(self, jobs: Iterable[PeriodicJob]) -> None:
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(job,), name=job.name, daemon=True)
            for job in jobs
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End; a job that is at work finishes first, but nobody waits for it."""
        self._stop.set()

    def _repeat(self, job: PeriodicJob) -> None:
        if job.at_start:
            _do(job)
        while not self._stop.wait(job.interval):
            _do(job)


def _do(job: PeriodicJob) -> None:
    try:
        job.work()
    except Exception:  # noqa: BLE001 - outermost loop: the next time may go well
        _log.exception("the periodic job %s failed; it is tried again later", job.name)
