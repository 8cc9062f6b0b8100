"""Compares the runs here with the open runs at the server: on connect, on news, on a timer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Protocol

from vantage6.common.clock import Clock, SystemClock
from vantage6.common.errors import NotFoundError, TransportError
from vantage6.common.http.retry import Backoff
from vantage6.node.link.failures import may_pass
from vantage6.node.link.rest import ServerApi
from vantage6.node.runs.model import OfferedRun

__all__ = ["RESYNC_INTERVAL", "Leftovers", "Resync", "Runs"]

_log = logging.getLogger(__name__)
RESYNC_INTERVAL = 20.0
"""Seconds between two full comparisons."""
_LONGEST_INTERVAL = 600.0
_INPUT_PER_INTERVAL = 1024 * 1024
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0
_MANY_TASKS = 10


class Runs(Protocol):
    """The runs here."""

    def offer(self, run: OfferedRun, listed_at: float) -> None:
        """Tell about an open run at the server."""
        ...

    def kill(self, run_id: int) -> None:
        """End a run."""
        ...

    def open_run_ids(self) -> frozenset[int]:
        """Return the ids of the runs whose final report has yet to be made."""
        ...


class Leftovers(Protocol):
    """What the runner has of runs that the journal does not know."""

    def found_ids(self) -> list[int]:
        """Return their ids."""
        ...

    def discard_found(self, run_id: int) -> None:
        """End and remove one."""
        ...


class Resync:
    """The loop that asks the server for open runs.

    Each full answer repeats all inputs. While the socket is open, which announces everything
    anyway, large answers are therefore asked for less often.

    Parameters
    ----------
    api : ServerApi
        Connection to the server.
    node_id : int
        Whose runs to ask for.
    runs : Runs
        Learns about open runs, and about those that are open no longer.
    leftovers : Leftovers
        Cleared of what the server does not have any more.
    on_connected : callable
        Called after the comparison that follows a new connection.
    has_socket : callable
        Tells whether the socket is open.
    clock : Clock, optional
        The time.
    """

    def __init__(
        self,
        api: ServerApi,
        node_id: int,
        runs: Runs,
        leftovers: Leftovers,
        on_connected: Callable[[], None],
        has_socket: Callable[[], bool],
        clock: Clock | None = None,
    ) -> None:
        self._api = api
        self._node_id = node_id
        self._runs = runs
        self._leftovers = leftovers
        self._on_connected = on_connected
        self._has_socket = has_socket
        self._clock: Clock = clock or SystemClock()
        self._changed = threading.Condition()
        self._tasks: list[int] = []
        self._wants_all = True
        self._is_new_connection = False
        self._next_full = 0.0
        self._pause = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)

    def connected(self) -> None:
        """Ask for everything, because the connection is new."""
        with self._changed:
            self._wants_all = True
            self._is_new_connection = True
            self._changed.notify()

    def request_task(self, task_id: int) -> None:
        """Ask for the runs of one task."""
        with self._changed:
            self._tasks.append(task_id)
            self._changed.notify()

    def wake(self) -> None:
        """Let the loop notice that it is to stop."""
        with self._changed:
            self._changed.notify()

    def run(self, stop: threading.Event) -> None:
        """Compare whenever there is a reason, until told to stop."""
        while not stop.is_set():
            self._wait(stop)
            if stop.is_set():
                return
            try:
                self.work_off()
            except TransportError as error:
                seconds = self._pause.next()
                _log.warning("Open runs are not known, again in %.1f s: %s", seconds, error)
                stop.wait(seconds)

    def work_off(self) -> None:
        """Do what was asked for since the last time.

        Raises
        ------
        TransportError
            If the server cannot be asked; everything is asked for next time.
        """
        with self._changed:
            tasks, self._tasks = self._tasks, []
            is_due = self._clock.monotonic() >= self._next_full
            wants_all = self._wants_all or is_due or len(tasks) > _MANY_TASKS
        try:
            if wants_all:
                self._compare_all()
            else:
                self._ask_for_tasks(tasks)
        except TransportError:
            with self._changed:
                self._wants_all = True
            raise
        self._pause.reset()

    def _wait(self, stop: threading.Event) -> None:
        with self._changed:
            while not (stop.is_set() or self._tasks or self._wants_all):
                left = self._next_full - self._clock.monotonic()
                if left <= 0:
                    return
                self._changed.wait(left)

    def _ask_for_tasks(self, task_ids: Iterable[int]) -> None:
        for task_id in dict.fromkeys(task_ids):
            listed_at = self._clock.monotonic()
            try:
                for run in self._api.open_runs(self._node_id, task_id):
                    self._runs.offer(run, listed_at)
            except TransportError as error:
                if may_pass(error):
                    raise
                _log.warning("Runs of task %d are not known: %s", task_id, error)

    def _compare_all(self) -> None:
        with self._changed:
            self._wants_all = False
            is_new_connection, self._is_new_connection = self._is_new_connection, False
        try:
            self._offer_all()
        except TransportError:
            with self._changed:
                self._is_new_connection |= is_new_connection
            raise
        if is_new_connection:
            self._on_connected()

    def _offer_all(self) -> None:
        listed_at = self._clock.monotonic()
        here = self._runs.open_run_ids()
        offered: set[int] = set()
        size = 0
        for run in self._api.open_runs(self._node_id):
            self._runs.offer(run, listed_at)
            offered.add(run.facts.run_id)
            size += len(run.input_text or "")
        self._next_full = self._clock.monotonic() + self._interval(size)
        for run_id in sorted(here - offered):
            # A run that ended here in the meantime is not open there for this very reason.
            if self._is_gone(run_id) and run_id in self._runs.open_run_ids():
                _log.warning("Run %d is not open at the server any more, ending it", run_id)
                self._runs.kill(run_id)
        for run_id in self._leftovers.found_ids():
            if run_id not in offered and self._is_gone(run_id):
                self._leftovers.discard_found(run_id)

    def _interval(self, input_size: int) -> float:
        if not self._has_socket():
            return RESYNC_INTERVAL
        longer = max(1.0, input_size / _INPUT_PER_INTERVAL)
        return min(RESYNC_INTERVAL * longer, _LONGEST_INTERVAL)

    def _is_gone(self, run_id: int) -> bool:
        """Ask for the run itself: one that moved to another page meanwhile was not listed."""
        try:
            return self._api.is_run_finished(run_id)
        except NotFoundError:
            return True
        except TransportError as error:
            _log.warning("Whether run %d is still open is not known: %s", run_id, error)
            return False
