"""Work that a request starts, and that nobody waits for."""

from __future__ import annotations

import contextvars
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Courier"]

_log = logging.getLogger(__name__)

_PAUSE = 0.1
_WORKERS = 2
_CAPACITY = 1000
_GRACE = 2.0


@dataclass(frozen=True)
class _Errand:
    what: str
    work: Callable[[], object]
    due: float
    context: contextvars.Context


class Courier:
    """Runs errands in a few background threads, in order; a failure is logged only.

    Parameters
    ----------
    pause : float
        Seconds an errand waits at least, so that the request that started it is answered before
        and its time tells nothing of the errand.
    workers : int
        Threads; they start with the first errand.
    capacity : int
        Errands that may wait; more are dropped, with a line in the log.
    """

    def __init__(
        self, *, pause: float = _PAUSE, workers: int = _WORKERS, capacity: int = _CAPACITY
    ) -> None:
        self._pause = pause
        self._count = workers
        self._errands: queue.Queue[_Errand | None] = queue.Queue(capacity)
        self._threads: list[threading.Thread] = []
        self._starting = threading.Lock()
        self._closed = False

    def submit(self, what: str, work: Callable[[], object]) -> None:
        """Have `work` done soon; `what` names it in the log."""
        self._start()
        # The log lines of the errand carry the identities of the request.
        errand = _Errand(what, work, time.monotonic() + self._pause, contextvars.copy_context())
        try:
            self._errands.put_nowait(errand)
        except queue.Full:
            _log.error("too much is waiting, so this is dropped: %s", what)

    def finish(self) -> None:
        """Wait until everything submitted so far is done."""
        self._errands.join()

    def close(self, grace: float = _GRACE) -> None:
        """Take no more errands; wait `grace` seconds at most for those that are waiting."""
        with self._starting:
            self._closed = True
            threads, self._threads = self._threads, []
        deadline = time.monotonic() + grace
        try:
            for _ in threads:
                self._errands.put(None, timeout=max(0.0, deadline - time.monotonic()))
        except queue.Full:
            return
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _start(self) -> None:
        with self._starting:
            if self._closed or self._threads:
                return
            self._threads = [
                threading.Thread(target=self._run, name=f"courier-{number}", daemon=True)
                for number in range(self._count)
            ]
            for thread in self._threads:
                thread.start()

    def _run(self) -> None:
        while True:
            errand = self._errands.get()
            try:
                if errand is None:
                    return
                time.sleep(max(0.0, errand.due - time.monotonic()))
                errand.context.run(_do, errand)
            finally:
                self._errands.task_done()


def _do(errand: _Errand) -> None:
    try:
        errand.work()
    except Exception:  # noqa: BLE001 - outermost loop: the next errand may go well
        _log.exception("this failed, and is not tried again: %s", errand.what)
