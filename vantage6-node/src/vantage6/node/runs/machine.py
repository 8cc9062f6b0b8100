"""Decides what happens next to a run; no input, no output, no clock.

`step` takes a run's record and an event, and returns the new record and the actions to perform.
The caller stores the new record *before* it performs the actions. Reports go into the outbox in
the same transaction as the record. All other actions may be performed again after a crash, and
`Recovered` asks for those that may have been lost::

    queued → checking → preparing → starting → running → ended ─┐
       │        │           │          │          │             ├→ reported → closed
       │        └───────────┴──────────┴──────────┴→ stopping ──┤
       └────────────────────────────────────────────────────────┘

Every event is accepted in every stage: one that no longer matters changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from vantage6.common.status import RunStatus
from vantage6.node.runner.base import RunHandle
from vantage6.node.runs.model import RunRecord, RunStage

__all__ = [
    "Acknowledged",
    "Action",
    "Admitted",
    "Allowed",
    "CheckPolicy",
    "Collect",
    "Disowned",
    "DropReports",
    "Ended",
    "Event",
    "Failed",
    "Forget",
    "Killed",
    "Packed",
    "PackedResult",
    "Prepare",
    "Prepared",
    "Present",
    "Recovered",
    "Remove",
    "Removed",
    "ReportFinal",
    "ReportProgress",
    "Start",
    "Started",
    "Step",
    "Stop",
    "Stopped",
    "Vanished",
    "Watch",
    "step",
]

KILLED_SENTENCE = "The run was killed before its algorithm ended."
VANISHED_SENTENCE = (
    "The algorithm was removed at the data station while it ran, so its result is lost; "
    "start the task again."
)


# --- events -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Admitted:
    """It is the run's turn."""

    at: datetime


@dataclass(frozen=True)
class Allowed:
    """The policy gate lets the run through."""


@dataclass(frozen=True)
class Failed:
    """The step under way failed or was refused; this is the run's end."""

    status: RunStatus
    reason: str


@dataclass(frozen=True)
class Prepared:
    """All is ready to start."""


@dataclass(frozen=True)
class Present:
    """The run was found started already, although the journal did not say so."""

    handle: RunHandle


@dataclass(frozen=True)
class Started:
    """The runner started the run."""

    handle: RunHandle


@dataclass(frozen=True)
class Ended:
    """The algorithm ended."""

    exit_code: int | None


@dataclass(frozen=True)
class Vanished:
    """The runner does not know the run any more."""


@dataclass(frozen=True)
class PackedResult:
    """A result that is ready to be sent: a file in the outbox folder."""

    file_name: str
    size: int


@dataclass(frozen=True)
class Packed:
    """The output is packed, or it turned out that there is none."""

    status: RunStatus
    log: str
    result: PackedResult | None


@dataclass(frozen=True)
class Killed:
    """Somebody wants the run to end, or the server does not have it any more."""


@dataclass(frozen=True)
class Disowned:
    """The server uses the run's id for another run: its database was replaced."""


@dataclass(frozen=True)
class Stopped:
    """The runner has ended the run."""


@dataclass(frozen=True)
class Removed:
    """The runner has removed everything it made for the run."""


@dataclass(frozen=True)
class Acknowledged:
    """The server has the final report, or will never take it."""


@dataclass(frozen=True)
class Recovered:
    """The node started again; `handle` is where the runner found the run, if it did."""

    handle: RunHandle | None


Event = (
    Admitted
    | Allowed
    | Failed
    | Prepared
    | Present
    | Started
    | Ended
    | Vanished
    | Packed
    | Killed
    | Disowned
    | Stopped
    | Removed
    | Acknowledged
    | Recovered
)


# --- actions ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CheckPolicy:
    """Ask the gate; leads to `Allowed` or `Failed`."""


@dataclass(frozen=True)
class Prepare:
    """Make token, input and databases ready; leads to `Prepared`, `Present` or `Failed`."""


@dataclass(frozen=True)
class Start:
    """Tell the runner to start; leads to `Started` or `Failed`."""


@dataclass(frozen=True)
class Watch:
    """Wait for the end; leads to `Ended` or `Vanished`."""

    handle: RunHandle


@dataclass(frozen=True)
class Collect:
    """Read the output and pack it; leads to `Packed`."""

    handle: RunHandle
    exit_code: int | None


@dataclass(frozen=True)
class Stop:
    """Tell the runner to end the run; leads to `Stopped`."""

    handle: RunHandle


@dataclass(frozen=True)
class Remove:
    """Tell the runner to clean up; leads to `Removed`."""

    handle: RunHandle | None


@dataclass(frozen=True)
class Forget:
    """Delete the run's files here."""


@dataclass(frozen=True)
class DropReports:
    """Take the run's reports out of the outbox."""


@dataclass(frozen=True)
class ReportProgress:
    """Tell the server a status that is not final."""

    status: RunStatus


@dataclass(frozen=True)
class ReportFinal:
    """Tell the server how the run ended."""

    status: RunStatus
    log: str
    result: PackedResult | None = None


Action = (
    CheckPolicy
    | Prepare
    | Start
    | Watch
    | Collect
    | Stop
    | Remove
    | Forget
    | DropReports
    | ReportProgress
    | ReportFinal
)


@dataclass(frozen=True)
class Step:
    """The new record, and what to do once it is stored."""

    record: RunRecord
    actions: tuple[Action, ...] = ()


# --- the machine --------------------------------------------------------------------------------


def step(record: RunRecord, event: Event) -> Step:
    """Return what becomes of a run through an event."""
    if isinstance(event, Recovered):
        return _recover(record, event.handle)
    if isinstance(event, (Removed, Acknowledged)):
        return _wind_up(record, event)
    if isinstance(event, Killed):
        return _kill(record)
    if isinstance(event, Disowned):
        return _disown(record)
    if record.stage is RunStage.STOPPING:
        return _while_stopping(record, event)
    return _forward(record, event)


def _forward(record: RunRecord, event: Event) -> Step:
    """Return the next step of a run that nobody has killed."""
    handler = _FORWARD.get(record.stage)
    return Step(record) if handler is None else handler(record, event)


def _while_queued(record: RunRecord, event: Event) -> Step:
    if not isinstance(event, Admitted):
        return Step(record)
    started_at = record.started_at or event.at
    return Step(replace(record, stage=RunStage.CHECKING, started_at=started_at), (CheckPolicy(),))


def _while_checking(record: RunRecord, event: Event) -> Step:
    if isinstance(event, Allowed):
        progress = ReportProgress(RunStatus.INITIALIZING)
        return Step(replace(record, stage=RunStage.PREPARING), (progress, Prepare()))
    return _unless_failed(record, event)


def _while_preparing(record: RunRecord, event: Event) -> Step:
    if isinstance(event, Prepared):
        return Step(replace(record, stage=RunStage.STARTING), (Start(),))
    if isinstance(event, Present):
        return _run(record, event.handle)
    return _unless_failed(record, event)


def _while_starting(record: RunRecord, event: Event) -> Step:
    if isinstance(event, Started):
        return _run(record, event.handle)
    return _unless_failed(record, event)


def _while_running(record: RunRecord, event: Event) -> Step:
    if isinstance(event, Ended) and record.handle is not None:
        ended = replace(record, stage=RunStage.ENDED, exit_code=event.exit_code)
        return Step(ended, (Collect(record.handle, event.exit_code),))
    if isinstance(event, Vanished):
        return _report(record, RunStatus.UNKNOWN_ERROR, VANISHED_SENTENCE)
    return Step(record)


def _while_ended(record: RunRecord, event: Event) -> Step:
    if isinstance(event, Packed):
        return _report(record, event.status, event.log, event.result)
    return Step(record)


_FORWARD = {
    RunStage.QUEUED: _while_queued,
    RunStage.CHECKING: _while_checking,
    RunStage.PREPARING: _while_preparing,
    RunStage.STARTING: _while_starting,
    RunStage.RUNNING: _while_running,
    RunStage.ENDED: _while_ended,
}


def _unless_failed(record: RunRecord, event: Event) -> Step:
    if isinstance(event, Failed):
        return _report(record, event.status, event.reason)
    return Step(record)


def _run(record: RunRecord, handle: RunHandle) -> Step:
    running = replace(record, stage=RunStage.RUNNING, handle=handle)
    return Step(running, (ReportProgress(RunStatus.ACTIVE), Watch(handle)))


def _kill(record: RunRecord) -> Step:
    """Return how a run ends that somebody killed.

    Something may be under way in another thread. Its outcome is awaited, so that nothing starts
    after the run was reported as killed.
    """
    if not record.is_open or record.stage is RunStage.STOPPING:
        return Step(record)
    if record.stage is RunStage.QUEUED:
        return _report(record, RunStatus.KILLED, KILLED_SENTENCE)
    stopping = replace(record, stage=RunStage.STOPPING)
    if record.stage is RunStage.RUNNING and record.handle is not None:
        return Step(stopping, (Stop(record.handle),))
    return Step(stopping)


def _disown(record: RunRecord) -> Step:
    """Return how a run ends that the server does not have any more, without a report."""
    disowned = replace(record, is_disowned=True, is_acknowledged=True)
    if record.stage is RunStage.CLOSED or record.is_disowned:
        return Step(record)
    if record.stage is RunStage.REPORTED:
        closing = _wind_up(disowned, Acknowledged())
        return Step(closing.record, (DropReports(), *closing.actions))
    killing = _kill(disowned)
    return Step(killing.record, (DropReports(), *killing.actions))


def _while_stopping(record: RunRecord, event: Event) -> Step:
    if isinstance(event, (Started, Present)):
        return Step(replace(record, handle=event.handle), (Stop(event.handle),))
    if isinstance(event, (Allowed, Prepared, Failed, Packed, Stopped)):
        return _report(record, RunStatus.KILLED, KILLED_SENTENCE)
    return Step(record)


def _report(
    record: RunRecord, status: RunStatus, log: str, result: PackedResult | None = None
) -> Step:
    reported = replace(record, stage=RunStage.REPORTED, outcome=status)
    if record.is_disowned:
        return Step(reported, (Remove(record.handle),))
    return Step(reported, (ReportFinal(status, log, result), Remove(record.handle)))


def _wind_up(record: RunRecord, event: Removed | Acknowledged) -> Step:
    """Close a run once it is cleaned up here and acknowledged there."""
    if record.stage is not RunStage.REPORTED:
        return Step(record)
    if isinstance(event, Removed):
        noted = replace(record, is_removed=True)
    else:
        noted = replace(record, is_acknowledged=True)
    if noted.is_removed and noted.is_acknowledged:
        return Step(replace(noted, stage=RunStage.CLOSED), (Forget(),))
    return Step(noted)


def _recover(record: RunRecord, found: RunHandle | None) -> Step:
    """Return how to go on with a run after the node was started again."""
    if record.stage in _UNSTARTED:
        return _recover_unstarted(record, found)
    handle = found or record.handle
    if record.stage is RunStage.REPORTED:
        return Step(record) if record.is_removed else Step(record, (Remove(handle),))
    if record.stage is RunStage.STOPPING and handle is None:
        return _report(record, RunStatus.KILLED, KILLED_SENTENCE)
    again = None if handle is None else _action_again(record, handle)
    return Step(record) if again is None else Step(replace(record, handle=handle), (again,))


_UNSTARTED = frozenset({RunStage.CHECKING, RunStage.PREPARING, RunStage.STARTING})


def _recover_unstarted(record: RunRecord, found: RunHandle | None) -> Step:
    """Go on if the runner had started the run; else nothing was, and all of it is done again.

    Again includes the policies, which may have changed.
    """
    if record.stage is RunStage.STARTING and found is not None:
        return _run(record, found)
    return Step(replace(record, stage=RunStage.QUEUED))


def _action_again(record: RunRecord, handle: RunHandle) -> Action | None:
    if record.stage is RunStage.RUNNING:
        return Watch(handle)
    if record.stage is RunStage.ENDED:
        return Collect(handle, record.exit_code)
    if record.stage is RunStage.STOPPING:
        return Stop(handle)
    return None
