"""Performs the actions of the run machine, each in a thread of its own."""

from __future__ import annotations

import errno
import logging
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from vantage6.common.errors import TransportError
from vantage6.common.http.retry import Backoff
from vantage6.common.log import bind
from vantage6.common.status import RunStatus
from vantage6.node.identity import NodeFolders
from vantage6.node.link.failures import may_pass
from vantage6.node.link.rest import ServerApi
from vantage6.node.policy.gate import PolicyGate
from vantage6.node.runner.base import (
    RunHandle,
    Runner,
    RunnerUnavailableError,
    RunOutput,
    RunPhase,
    RunSpec,
    StartError,
)
from vantage6.node.runs import machine
from vantage6.node.runs.inputs import InputShelf
from vantage6.node.runs.machine import Action, Event
from vantage6.node.runs.model import OfferedRun, RunRecord
from vantage6.node.runs.packing import Packer, result_file_name
from vantage6.node.runs.preparing import CannotPrepareError, Preparer
from vantage6.node.runs.tokens import TokenRegistry

__all__ = ["Worker"]

_log = logging.getLogger(__name__)
_WATCH_SLICE = 60.0
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 10.0
_COLLECT_ATTEMPTS = 5
_THREAD_PAUSE = 1.0

_T = TypeVar("_T")


class _AbandonedError(Exception):
    """The work is not wanted any more."""


class Worker:
    """Does what the machine decided, and posts what came of it.

    Actions of different runs never wait for each other. An action whose failure may pass is tried
    again until it succeeds, its run is killed or the node stops.

    Parameters
    ----------
    runner : Runner
        Starts and ends algorithms.
    gate : PolicyGate
        Says which runs are allowed.
    preparer, packer
        First and last step of a run.
    api : ServerApi
        For inputs that are no longer in memory.
    tokens : TokenRegistry
        Which tokens speak for active runs.
    folders : NodeFolders
        Where runs have their files.
    stop_grace : float, optional
        Seconds a killed algorithm gets to end by itself.
    spawn : callable, optional
        Runs a function in the background.
    """

    def __init__(
        self,
        runner: Runner,
        gate: PolicyGate,
        preparer: Preparer,
        packer: Packer,
        api: ServerApi,
        tokens: TokenRegistry,
        folders: NodeFolders,
        *,
        stop_grace: float = 10.0,
        spawn: Callable[[str, Callable[[], None]], None] | None = None,
    ) -> None:
        self._runner = runner
        self._gate = gate
        self._preparer = preparer
        self._packer = packer
        self._api = api
        self._tokens = tokens
        self._folders = folders
        self._stop_grace = stop_grace
        self._spawn = spawn or _in_thread
        self._post: Callable[[int, Event], None] = lambda _run_id, _event: None
        self._inputs = InputShelf()
        self._stopped = threading.Event()
        self._wanted: dict[int, threading.Event] = {}
        self._specs: dict[int, RunSpec] = {}
        self._pinned: dict[int, str] = {}
        self._found: dict[int, RunHandle] = {}

    def report_to(self, post: Callable[[int, Event], None]) -> None:
        """Tell where outcomes go; to be called once, before anything else."""
        self._post = post

    def hold_found(self, handles: Iterable[RunHandle]) -> None:
        """Remember runs that the runner has and the journal does not have as started."""
        self._found.update((handle.run_id, handle) for handle in handles)

    def found_ids(self) -> list[int]:
        """Return the ids of those that nobody has claimed yet."""
        return list(self._found)

    def discard_found(self, run_id: int) -> None:
        """End and remove one of those, because the server does not have the run any more."""
        handle = self._found.pop(run_id, None)
        if handle is None:
            return
        _log.warning("Removing run %d, which the server does not have any more", run_id)
        self._spawn(
            f"discard-{run_id}", lambda: self._persist(run_id, lambda: self._discard(handle))
        )

    def keep_input(self, offered: OfferedRun) -> None:
        """Hold the input of a new run until it is prepared."""
        self._inputs.put(offered.facts.run_id, offered.input_text)

    def cancel(self, run_id: int) -> None:
        """Let whatever is under way for a run end soon."""
        self._cancelled(run_id).set()

    def stop(self) -> None:
        """Abandon everything; what was under way is taken up at the next start."""
        self._stopped.set()
        for event in list(self._wanted.values()):
            event.set()

    def perform(self, record: RunRecord, action: Action) -> None:
        """Start an action in the background."""
        if isinstance(action, machine.Watch):
            # At once: an algorithm that outlived the node may be waiting for an answer.
            self._preparer.readmit(record.facts)
        name = f"run-{record.run_id}-{type(action).__name__.lower()}"
        self._spawn(name, lambda: self._perform(record, action))

    def _perform(self, record: RunRecord, action: Action) -> None:
        with bind(task_id=record.facts.task_id, run_id=record.run_id):
            try:
                event = self._outcome(record, action)
            except _AbandonedError:
                event = machine.Stopped()
        if event is not None and not self._stopped.is_set():
            self._post(record.run_id, event)

    def _outcome(self, record: RunRecord, action: Action) -> Event | None:
        steps = {
            machine.CheckPolicy: self._check,
            machine.Prepare: self._prepare,
            machine.Start: self._start,
        }
        early = steps.get(type(action))
        if early is not None:
            return self._guarded(record, early)
        return self._late_outcome(record, action)

    def _late_outcome(self, record: RunRecord, action: Action) -> Event | None:
        """Perform an action on a run that was started."""
        if isinstance(action, machine.Watch):
            return self._watch(record, action.handle)
        if isinstance(action, machine.Collect):
            return self._collect(record, action)
        if isinstance(action, machine.Stop):
            return self._end(record, action.handle)
        if isinstance(action, machine.Remove):
            return self._remove(record, action.handle)
        if isinstance(action, machine.Forget):
            self._forget(record.run_id)
        return None

    def _guarded(self, record: RunRecord, work: Callable[[RunRecord], Event]) -> Event:
        """Turn an error that nobody foresaw into the end of this one run."""
        try:
            return work(record)
        except _AbandonedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this run only
            _log.exception("The run fails because of an unexpected error")
            return machine.Failed(
                RunStatus.FAILED,
                f"The node failed to start the run ({type(error).__name__}); "
                "its log at the data station tells more.",
            )

    def _check(self, record: RunRecord) -> Event:
        verdict = self._patiently(record.run_id, lambda: self._gate.check(record.facts))
        if verdict.refusal is not None:
            _log.warning("Not allowed: %s", verdict.refusal)
            return machine.Failed(RunStatus.NOT_ALLOWED, verdict.refusal)
        if verdict.pinned_image is not None:
            self._pinned[record.run_id] = verdict.pinned_image
        return machine.Allowed()

    def _prepare(self, record: RunRecord) -> Event:
        run_id = record.run_id
        found = self._found.pop(run_id, None)
        if found is not None:
            return machine.Present(found)

        def take_input() -> str | None:
            return self._inputs.get(run_id) or self._api.run_input(run_id)

        try:
            spec = self._patiently(run_id, lambda: self._preparer.prepare(record.facts, take_input))
        except CannotPrepareError as error:
            return machine.Failed(error.status, str(error))
        finally:
            self._inputs.drop(run_id)
        self._specs[run_id] = replace(
            spec,
            image=self._pinned.pop(run_id, spec.image),
            is_wanted=lambda: not self._cancelled(run_id).is_set(),
        )
        return machine.Prepared()

    def _start(self, record: RunRecord) -> Event:
        spec = self._specs[record.run_id]
        try:
            handle = self._patiently(record.run_id, lambda: self._runner.start(spec))
        except StartError as error:
            _log.warning("Not started: %s", error)
            return machine.Failed(error.status, str(error))
        finally:
            self._specs.pop(record.run_id, None)
        return machine.Started(handle)

    def _watch(self, record: RunRecord, handle: RunHandle) -> Event | None:
        while not self._stopped.is_set():
            state = self._persist(record.run_id, lambda: self._runner.wait(handle, _WATCH_SLICE))
            if state.phase is RunPhase.EXITED:
                return machine.Ended(state.exit_code)
            if state.phase is RunPhase.GONE:
                return machine.Vanished()
        return None

    def _collect(self, record: RunRecord, action: machine.Collect) -> Event:
        self._tokens.forget(record.run_id)
        folder = self._folders.run(record.run_id)
        try:
            collected = self._insist(
                record.run_id, lambda: self._runner.collect(action.handle, folder)
            )
            output = _as_it_ended(collected, action.exit_code)
            return self._insist(record.run_id, lambda: self._packer.pack(record, output))
        except _AbandonedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this run only
            _log.exception("The output cannot be taken")
            sentence = (
                f"The output could not be taken from the algorithm ({type(error).__name__}); the "
                "node's log at the data station tells more."
            )
            return machine.Packed(RunStatus.FAILED, sentence, None)

    def _end(self, record: RunRecord, handle: RunHandle) -> Event:
        self._tokens.forget(record.run_id)
        self._persist(record.run_id, lambda: self._runner.stop(handle, self._stop_grace))
        return machine.Stopped()

    def _remove(self, record: RunRecord, handle: RunHandle | None) -> Event:
        self._tokens.forget(record.run_id)
        self._specs.pop(record.run_id, None)
        self._pinned.pop(record.run_id, None)
        self._inputs.drop(record.run_id)
        # A killed run's clean-up must not be cut short by the cancellation that caused it.
        self._wanted.pop(record.run_id, None)
        if handle is None:
            handle = self._persist(record.run_id, lambda: self._stray(record.run_id))
        if handle is not None:
            stray = handle
            self._persist(record.run_id, lambda: self._discard(stray))
        return machine.Removed()

    def _stray(self, run_id: int) -> RunHandle | None:
        """Return what is left of a run whose start seemed to fail, or that nobody claimed."""
        self._found.pop(run_id, None)
        return next((each for each in self._runner.adopt() if each.run_id == run_id), None)

    def _discard(self, handle: RunHandle) -> None:
        """Remove a run; one that goes on is ended first."""
        if self._runner.poll(handle).phase is RunPhase.RUNNING:
            self._runner.stop(handle, self._stop_grace)
        self._runner.remove(handle)

    def _forget(self, run_id: int) -> None:
        self._wanted.pop(run_id, None)
        shutil.rmtree(self._folders.run(run_id), ignore_errors=True)
        (self._folders.outbox / result_file_name(run_id)).unlink(missing_ok=True)

    def _insist(self, run_id: int, work: Callable[[], _T]) -> _T:
        """Do what the result of a run depends on: wait as `_patiently`, and try a few times."""
        return self._persist(
            run_id, lambda: self._patiently(run_id, work), attempts=_COLLECT_ATTEMPTS
        )

    def _patiently(self, run_id: int, ask: Callable[[], _T]) -> _T:
        """Repeat what needs server, runner and disk, while they are away or the disk is full."""
        pause = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        while True:
            try:
                return ask()
            except _AWAY as error:
                if not _may_pass(error):
                    raise
                self._wait(run_id, pause.next(), error)

    def _persist(self, run_id: int, work: Callable[[], _T], attempts: int = 0) -> _T:
        """Repeat what the runner could not do, for example because its engine is restarting."""
        pause = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        tried = 0
        while True:
            try:
                return work()
            except _AbandonedError:
                raise
            except Exception as error:
                tried += 1
                if tried == attempts:
                    raise
                if self._stopped.wait(pause.next()):
                    raise _AbandonedError from error
                _log.warning("Run %d: trying again after %r", run_id, error)

    def _wait(self, run_id: int, seconds: float, error: Exception) -> None:
        _log.warning("Trying again in %.1f s: %s", seconds, error)
        if self._stopped.is_set() or self._cancelled(run_id).wait(seconds):
            raise _AbandonedError from error

    def _cancelled(self, run_id: int) -> threading.Event:
        return self._wanted.setdefault(run_id, threading.Event())


_AWAY = (RunnerUnavailableError, TransportError, OSError, sqlite3.OperationalError)
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def _may_pass(error: Exception) -> bool:
    if isinstance(error, TransportError):
        return may_pass(error)
    return not isinstance(error, OSError) or error.errno in _DISK_FULL


def _as_it_ended(output: RunOutput, exit_code: int | None) -> RunOutput:
    """Return the output with the exit code seen at the end, if it cannot be asked for any more.

    Somebody may have removed the container since then; what the algorithm wrote is still here.
    """
    if output.exit_code is not None:
        return output
    reason = None if output.result else output.reason
    return replace(output, exit_code=exit_code, reason=reason)


def _in_thread(name: str, work: Callable[[], None]) -> None:
    """Work in the background; while the system gives no more threads, wait for one.

    To wait holds up all runs, but an action left out would hold up its run for ever.
    """
    while True:
        try:
            threading.Thread(target=work, name=name, daemon=True).start()
        except RuntimeError:
            _log.exception("No thread for %s, trying again in %.0f s", name, _THREAD_PAUSE)
            time.sleep(_THREAD_PAUSE)
        else:
            return
