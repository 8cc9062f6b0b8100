"""The loop that owns all runs: takes messages one by one, steps the machine, starts the actions."""

from __future__ import annotations

import logging
import math
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from vantage6.common.clock import Clock, SystemClock, iso_utc
from vantage6.common.log import bind
from vantage6.common.status import RunStatus
from vantage6.node.link.outbox import Outbox, Reception, Report
from vantage6.node.runner.base import RunHandle
from vantage6.node.runs import machine
from vantage6.node.runs.journal import Journal
from vantage6.node.runs.machine import Action, Event
from vantage6.node.runs.model import OfferedRun, RunRecord, RunStage
from vantage6.node.runs.queue import Offer, RunQueue, judge_offer
from vantage6.node.store import Store

__all__ = ["Effects", "RunManager"]

_log = logging.getLogger(__name__)
_STALL_CHECK = 5.0
_STORAGE_PAUSE = 2.0
_MANY_MESSAGES = 200
_LOST_SENTENCE = (
    "The node has delivered the result of this run before, but the server has lost it; a run is "
    "never executed twice, so start the task again."
)


class Effects(Protocol):
    """Performs the actions that touch the world outside; must not block."""

    def perform(self, record: RunRecord, action: Action) -> None:
        """Start an action; its outcome comes back as an event."""
        ...

    def keep_input(self, offered: OfferedRun) -> None:
        """Hold the input of a new run until it is prepared."""
        ...

    def cancel(self, run_id: int) -> None:
        """Let whatever is under way for a run end soon."""
        ...


@dataclass(frozen=True)
class _Offered:
    run: OfferedRun
    listed_at: float


@dataclass(frozen=True)
class _Happened:
    run_id: int
    event: Event


_Message = _Offered | _Happened


class RunManager:
    """Owns the run records.

    Everything that happens to a run is a message in one queue, handled in one thread. The new
    record and its reports are stored in one transaction before any action is performed.

    Parameters
    ----------
    store, journal, outbox
        The node's memory.
    effects : Effects
        Performs actions.
    waiting : RunQueue
        Decides whose turn it is.
    clock : Clock, optional
        The time.
    """

    def __init__(
        self,
        store: Store,
        journal: Journal,
        outbox: Outbox,
        effects: Effects,
        waiting: RunQueue,
        clock: Clock | None = None,
    ) -> None:
        self._store = store
        self._journal = journal
        self._outbox = outbox
        self._effects = effects
        self._waiting = waiting
        self._clock: Clock = clock or SystemClock()
        self._inbox: queue.Queue[_Message | None] = queue.Queue()
        self._records: dict[int, RunRecord] = {}
        self._closed_at: dict[int, float] = {}
        self._excused: set[int] = set()
        self._open_ids: frozenset[int] = frozenset()

    # What other threads may call -----------------------------------------------------------

    def offer(self, run: OfferedRun, listed_at: float) -> None:
        """Tell about an open run at the server.

        Parameters
        ----------
        run : OfferedRun
            The run.
        listed_at : float
            Monotonic time before the server was asked; a run that was closed here later than that
            is no news.
        """
        if self._inbox.qsize() >= _MANY_MESSAGES:
            # Perhaps the disk is full, so that nothing is handled; inputs can be fetched later.
            run = replace(run, input_text=None)
        self._inbox.put(_Offered(run, listed_at))

    def post(self, run_id: int, event: Event) -> None:
        """Tell what happened to a run."""
        self._inbox.put(_Happened(run_id, event))

    def kill(self, run_id: int) -> None:
        """End a run, if it is here."""
        self.post(run_id, machine.Killed())

    def settled(self, report: Report, reception: Reception) -> None:
        """Tell what became of a report; a run that is over at the server is ended here, too."""
        if report.is_final:
            self.post(report.run_id, machine.Acknowledged())
        elif reception is Reception.OUTDATED:
            self.kill(report.run_id)

    def open_run_ids(self) -> frozenset[int]:
        """Return the ids of the runs whose final report has yet to be made."""
        return self._open_ids

    # The loop ------------------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Handle messages until told to stop."""
        while not stop.is_set():
            message = self._next_message()
            if message is not None:
                self._handle_stubbornly(message, stop)
            self._admit_stubbornly(stop)

    def wake(self) -> None:
        """Let the loop notice that it is to stop."""
        self._inbox.put(None)

    def work_off(self) -> int:
        """Handle the messages that are there, and return their number."""
        handled = 0
        while True:
            try:
                message = self._inbox.get_nowait()
            except queue.Empty:
                return handled
            if message is not None:
                self.handle(message)
                self.admit()
                handled += 1

    def recover(self, found: Mapping[int, RunHandle]) -> list[RunHandle]:
        """Go on with the runs of the journal after a start of the node.

        Parameters
        ----------
        found : Mapping
            What the runner found, by run id.

        Returns
        -------
        list of RunHandle
            Those that belong to no run under way: the journal was lost, or never written.
        """
        known = self._journal.unfinished()
        for record in known:
            self._records[record.run_id] = record
        for record in known:
            with bind(task_id=record.facts.task_id, run_id=record.run_id):
                self._recover_one(record, found.get(record.run_id))
        self._note_open_ids()
        return [handle for run_id, handle in found.items() if self._is_unclaimed(run_id)]

    def disown_all(self) -> None:
        """End all runs without a report; only while the loop does not run."""
        for record in list(self._records.values()):
            with bind(task_id=record.facts.task_id, run_id=record.run_id):
                self._apply(record, machine.Disowned())
        self._note_open_ids()

    def _is_unclaimed(self, run_id: int) -> bool:
        record = self._records.get(run_id)
        return record is None or record.stage is RunStage.QUEUED

    def _recover_one(self, record: RunRecord, handle: RunHandle | None) -> None:
        self._apply(record, machine.Recovered(handle))
        now = self._records.get(record.run_id)
        if now is None:
            return
        _log.info("Known from before the start: stage %s", now.stage.value)
        if now.stage is RunStage.QUEUED:
            self._waiting.add(now.facts)
        if now.stage is RunStage.REPORTED and not self._outbox.holds_final(now.run_id):
            self.post(now.run_id, machine.Acknowledged())

    def handle(self, message: _Message) -> None:
        """Handle one message."""
        if isinstance(message, _Offered):
            facts = message.run.facts
            with bind(task_id=facts.task_id, run_id=facts.run_id):
                self._take_offer(message)
        else:
            record = self._records.get(message.run_id)
            if record is not None:
                with bind(task_id=record.facts.task_id, run_id=record.run_id):
                    self._apply(record, message.event)
        self._note_open_ids()

    def admit(self) -> None:
        """Let runs in whose turn it is."""
        if not len(self._waiting):
            return
        active = [record.facts for record in self._records.values() if record.holds_slot]
        for run_id in self._waiting.next_turns(active):
            record = self._records[run_id]
            with bind(task_id=record.facts.task_id, run_id=run_id):
                self._apply(record, machine.Admitted(self._clock.now()))

    def _next_message(self) -> _Message | None:
        try:
            return self._inbox.get(timeout=_STALL_CHECK if len(self._waiting) else None)
        except queue.Empty:
            return None

    def _handle_stubbornly(self, message: _Message, stop: threading.Event) -> None:
        self._stubbornly(lambda: self.handle(message), stop)

    def _admit_stubbornly(self, stop: threading.Event) -> None:
        self._stubbornly(self.admit, stop)

    def _stubbornly(self, work: Callable[[], None], stop: threading.Event) -> None:
        """Repeat work for as long as the disk does not take what it writes."""
        while not stop.is_set():
            try:
                work()
            except sqlite3.Error:
                _log.exception("The state file cannot be written, runs wait until it can")
                stop.wait(_STORAGE_PAUSE)
            else:
                return

    def _take_offer(self, message: _Offered) -> None:
        facts = message.run.facts
        known = self._records.get(facts.run_id) or self._journal.find(facts.run_id)
        verdict = judge_offer(known, facts)
        if verdict is Offer.NEW:
            self._accept(message.run)
        elif verdict is Offer.KNOWN and known is not None and known.stage is RunStage.QUEUED:
            self._effects.keep_input(message.run)
        elif verdict is Offer.REPLACED and known is not None:
            _log.warning("The server uses the id of a run that is here for another run")
            self._apply(known, machine.Disowned())
        elif verdict is Offer.LOST_THERE and known is not None:
            self._excuse(known, message.listed_at)

    def _accept(self, run: OfferedRun) -> None:
        record = RunRecord(run.facts)
        with self._store.transaction(durable=False) as db:
            self._journal.save(record, db)
        self._records[record.run_id] = record
        self._closed_at.pop(record.run_id, None)
        self._effects.keep_input(run)
        self._waiting.add(run.facts)
        _log.info("Picked up, image %s", run.facts.image)

    def _excuse(self, record: RunRecord, listed_at: float) -> None:
        """End a run at the server whose result was delivered before the server lost it."""
        is_old_news = self._closed_at.get(record.run_id, -math.inf) >= listed_at
        if is_old_news or record.run_id in self._excused:
            return
        _log.warning("The server has lost the result of this run")
        self._excused.add(record.run_id)
        with self._store.transaction() as db:
            self._outbox.add(self._final(record, RunStatus.FAILED, _LOST_SENTENCE, None), db)
        self._outbox.wake()

    def _apply(self, record: RunRecord, event: Event) -> None:
        """Step a run: store first, act second."""
        outcome = machine.step(record, event)
        if outcome.record == record and not outcome.actions:
            return
        self._store_step(outcome)
        self._keep(outcome.record)
        if outcome.record.stage is not record.stage:
            self._note_stage(outcome.record)
        for action in outcome.actions:
            if not isinstance(action, _STORED):
                self._effects.perform(outcome.record, action)

    def _store_step(self, outcome: machine.Step) -> None:
        record = outcome.record
        durable = any(isinstance(action, _DURABLE) for action in outcome.actions)
        with self._store.transaction(durable=durable) as db:
            self._journal.save(record, db)
            for action in outcome.actions:
                if isinstance(action, machine.ReportProgress):
                    self._outbox.add(self._progress(record, action.status), db)
                elif isinstance(action, machine.ReportFinal):
                    report = self._final(record, action.status, action.log, action.result)
                    self._outbox.add(report, db)
                elif isinstance(action, machine.DropReports):
                    self._outbox.drop(record.run_id, db)
        if any(isinstance(action, _STORED) for action in outcome.actions):
            self._outbox.wake()

    def _keep(self, record: RunRecord) -> None:
        if record.stage is RunStage.CLOSED:
            self._records.pop(record.run_id, None)
            self._closed_at[record.run_id] = self._clock.monotonic()
        else:
            self._records[record.run_id] = record

    def _note_stage(self, record: RunRecord) -> None:
        self._waiting.note_progress()
        if record.stage is RunStage.STOPPING:
            self._effects.cancel(record.run_id)
        if record.stage is not RunStage.QUEUED:
            self._waiting.discard(record.run_id)
        outcome = f" ({record.outcome.value})" if record.outcome else ""
        _log.info("%s%s", record.stage.value.capitalize(), outcome)

    def _note_open_ids(self) -> None:
        self._open_ids = _open_ids(self._records.values())

    def _progress(self, record: RunRecord, status: RunStatus) -> Report:
        return self._report(record, status, {"status": status.value}, is_final=False)

    def _final(
        self, record: RunRecord, status: RunStatus, log: str, result: machine.PackedResult | None
    ) -> Report:
        body = {
            "status": status.value,
            "log": log,
            "finished_at": iso_utc(self._clock.now()),
        }
        return self._report(record, status, body, is_final=True, result=result)

    def _report(
        self,
        record: RunRecord,
        status: RunStatus,
        body: dict[str, str],
        *,
        is_final: bool,
        result: machine.PackedResult | None = None,
    ) -> Report:
        if record.started_at is not None:
            body["started_at"] = iso_utc(record.started_at)
        return Report(
            run_id=record.run_id,
            task_id=record.facts.task_id,
            parent_id=record.facts.parent_id,
            status=status,
            is_final=is_final,
            body=body,
            result=result,
            has_blob=record.facts.has_blob,
        )


_STORED = (machine.ReportProgress, machine.ReportFinal, machine.DropReports)
_DURABLE = (machine.Start, machine.ReportFinal)


def _open_ids(records: Iterable[RunRecord]) -> frozenset[int]:
    return frozenset(record.run_id for record in records if record.is_open)
