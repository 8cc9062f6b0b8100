"""Keeps the node's loops running until the node is told to stop."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from vantage6.common.errors import V6Error
from vantage6.common.http.retry import Backoff

__all__ = ["FatalError", "Loop", "NodeStoppedError", "Supervisor", "stopping_on_signals"]

_log = logging.getLogger(__name__)
_ENDING = (signal.SIGTERM, signal.SIGINT)
_JOIN_TIMEOUT = 10.0
_SHORTEST_JOIN = 0.1
_FIRST_RESTART = 0.5
_SLOWEST_RESTART = 30.0


class FatalError(V6Error):
    """The node cannot work; the text is one sentence for the operator."""


class NodeStoppedError(Exception):
    """The node was told to stop before it had started."""


@dataclass(frozen=True)
class Loop:
    """A named loop.

    Attributes
    ----------
    name : str
        What the log calls it.
    run : callable
        Works until the event it is given is set, then returns.
    wake : callable
        Lets a waiting `run` look at the event.
    """

    name: str
    run: Callable[[threading.Event], None]
    wake: Callable[[], None] = lambda: None


class Supervisor:
    """Runs every loop in a thread of its own and starts it again when it fails.

    Parameters
    ----------
    first_restart, slowest_restart : float, optional
        Bounds of the pause before a failed loop is started again, in seconds.
    """

    def __init__(
        self,
        *,
        first_restart: float = _FIRST_RESTART,
        slowest_restart: float = _SLOWEST_RESTART,
    ) -> None:
        self._first_restart = first_restart
        self._slowest_restart = slowest_restart
        self._running: list[tuple[Loop, threading.Event, threading.Thread]] = []

    def start(self, loops: Sequence[Loop]) -> None:
        """Start loops; those started first are stopped last."""
        for loop in loops:
            loop_stop = threading.Event()
            thread = threading.Thread(
                target=self._keep_running, args=(loop, loop_stop), name=loop.name, daemon=True
            )
            self._running.append((loop, loop_stop, thread))
            thread.start()

    def shut_down(self, timeout: float = _JOIN_TIMEOUT) -> list[str]:
        """Stop the loops, last one first, and return the names of those that did not end.

        Parameters
        ----------
        timeout : float, optional
            How many seconds they get to end, all together: who asked for the end does not wait
            for each report that hangs.
        """
        late = []
        deadline = time.monotonic() + timeout
        for loop, loop_stop, thread in reversed(self._running):
            loop_stop.set()
            loop.wake()
            thread.join(max(_SHORTEST_JOIN, deadline - time.monotonic()))
            if thread.is_alive():
                _log.warning("Loop %s did not end in time", loop.name)
                late.append(loop.name)
        self._running.clear()
        return late

    def _keep_running(self, loop: Loop, stop: threading.Event) -> None:
        pause = Backoff(self._first_restart, self._slowest_restart)
        while not stop.is_set():
            try:
                loop.run(stop)
            except Exception:  # noqa: BLE001 - the outermost loop: whatever failed is tried again
                seconds = pause.next()
                _log.exception("Loop %s failed and starts again in %.1f s", loop.name, seconds)
                stop.wait(seconds)
            else:
                pause.reset()


@contextmanager
def stopping_on_signals(stop: threading.Event) -> Iterator[None]:
    """Set `stop` when the process is asked to end (SIGTERM, SIGINT) within the block.

    A handler in Python would run when the main thread next wakes up, which may be never: it waits
    for `stop`, and a signal that another thread receives does not disturb it. So the interpreter
    writes each signal into a pipe, and a thread of its own reads them.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    listener = threading.Thread(target=_listen, args=(reading, stop), name="signals", daemon=True)
    listener.start()
    earlier_descriptor = signal.set_wakeup_fd(writing)
    earlier = {number: signal.signal(number, lambda *_: None) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(earlier_descriptor)
        os.close(writing)
        listener.join()
        os.close(reading)


def _listen(reading: int, stop: threading.Event) -> None:
    while received := os.read(reading, 1):
        if received[0] in _ENDING:
            _log.info("Received %s, shutting down", signal.Signals(received[0]).name)
            stop.set()
