"""Which offered runs are new, and whose turn it is; no input, no output."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from vantage6.common.clock import Clock
from vantage6.node.runs.model import RunFacts, RunRecord, RunStage

__all__ = ["STALL_AFTER", "Offer", "RunQueue", "judge_offer"]

STALL_AFTER = 30.0
"""Seconds without any progress after which a waiting subtask is let in above the limit."""


class Offer(Enum):
    """What an open run at the server is to this node."""

    NEW = "new"
    """Never seen, or its id was used for another run that is over and done with here."""
    KNOWN = "known"
    """In the journal; nothing to do."""
    LOST_THERE = "lost there"
    """Delivered long ago; the server has lost the result."""
    REPLACED = "replaced"
    """Another run than the one in the journal, which still is under way here."""


def judge_offer(known: RunRecord | None, offered: RunFacts) -> Offer:
    """Compare an offered run with the journal's entry for its id."""
    if known is None:
        return Offer.NEW
    is_same = known.facts.fingerprint == offered.fingerprint
    if known.stage is RunStage.CLOSED:
        return Offer.LOST_THERE if is_same else Offer.NEW
    return Offer.KNOWN if is_same else Offer.REPLACED


class RunQueue:
    """Runs waiting for their turn.

    Runs that users asked for and runs that algorithms asked for (subtasks) have `capacity` places
    each, so that central functions that wait for subtasks on the same node do not keep them out.
    When all places of subtasks are taken by runs that themselves wait for subtasks, one more is
    let in each time nothing has moved for a while.

    Parameters
    ----------
    capacity : int
        Number of places of each kind.
    clock : Clock
        The time.
    """

    def __init__(self, capacity: int, clock: Clock) -> None:
        self._capacity = capacity
        self._clock = clock
        self._waiting: dict[int, RunFacts] = {}
        self._last_move = clock.monotonic()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, facts: RunFacts) -> None:
        """Put a run in; the lowest run id is served first."""
        self._waiting[facts.run_id] = facts

    def discard(self, run_id: int) -> None:
        """Take a run out, if it is in."""
        self._waiting.pop(run_id, None)

    def note_progress(self) -> None:
        """Tell that a run got on."""
        self._last_move = self._clock.monotonic()

    def next_turns(self, active: Iterable[RunFacts]) -> list[int]:
        """Return the runs whose turn it is, given those that hold places."""
        held = list(active)
        turns = self._serve(held, subtasks=False) + self._serve(held, subtasks=True)
        if not turns and self._is_stalled():
            return self._first(subtasks=True, count=1)
        return turns

    def _serve(self, held: Iterable[RunFacts], *, subtasks: bool) -> list[int]:
        taken = sum(facts.is_subtask is subtasks for facts in held)
        return self._first(subtasks=subtasks, count=max(0, self._capacity - taken))

    def _first(self, *, subtasks: bool, count: int) -> list[int]:
        ids = (run_id for run_id, facts in self._waiting.items() if facts.is_subtask is subtasks)
        return sorted(ids)[:count]

    def _is_stalled(self) -> bool:
        return self._clock.monotonic() - self._last_move >= STALL_AFTER
