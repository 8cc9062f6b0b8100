"""Which runs are new, and whose turn it is."""

from __future__ import annotations

from dataclasses import replace

from vantage6.common.clock import ManualClock
from vantage6.node.runs.model import RunFacts, RunRecord, RunStage
from vantage6.node.runs.queue import STALL_AFTER, Offer, RunQueue, judge_offer


def run(run_id: int, *, parent_id: int | None = None) -> RunFacts:
    return RunFacts(run_id, run_id, run_id, "img", 1, parent_id=parent_id, created_at="then")


def test_an_unknown_run_is_new() -> None:
    assert judge_offer(None, run(1)) is Offer.NEW


def test_a_run_that_is_under_way_is_known() -> None:
    assert judge_offer(RunRecord(run(1), RunStage.RUNNING), run(1)) is Offer.KNOWN


def test_a_run_that_was_delivered_is_lost_at_the_server() -> None:
    assert judge_offer(RunRecord(run(1), RunStage.CLOSED), run(1)) is Offer.LOST_THERE


def test_the_id_of_a_delivered_run_may_be_used_again() -> None:
    other = replace(run(1), created_at="later")
    assert judge_offer(RunRecord(run(1), RunStage.CLOSED), other) is Offer.NEW


def test_the_id_of_a_run_under_way_used_again_means_a_replaced_server() -> None:
    other = replace(run(1), created_at="later")
    assert judge_offer(RunRecord(run(1), RunStage.RUNNING), other) is Offer.REPLACED


def test_runs_get_their_turn_in_order_up_to_the_capacity() -> None:
    queue = RunQueue(2, ManualClock())
    for run_id in (5, 3, 4):
        queue.add(run(run_id))

    assert queue.next_turns([]) == [3, 4]
    assert queue.next_turns([run(1)]) == [3]
    assert queue.next_turns([run(1), run(2)]) == []


def test_subtasks_have_places_of_their_own() -> None:
    queue = RunQueue(1, ManualClock())
    queue.add(run(7, parent_id=1))

    assert queue.next_turns([run(1)]) == [7]


def test_subtasks_that_wait_for_subtasks_do_not_block_them_for_ever() -> None:
    clock = ManualClock()
    queue = RunQueue(1, clock)
    queue.add(run(8, parent_id=7))
    held = [run(1), run(7, parent_id=1)]
    assert queue.next_turns(held) == []

    clock.advance(STALL_AFTER)
    assert queue.next_turns(held) == [8]


def test_a_stalled_run_of_a_user_is_not_let_in_above_the_limit() -> None:
    clock = ManualClock()
    queue = RunQueue(1, clock)
    queue.add(run(2))
    clock.advance(10 * STALL_AFTER)

    assert queue.next_turns([run(1)]) == []


def test_a_discarded_run_gets_no_turn() -> None:
    queue = RunQueue(1, ManualClock())
    queue.add(run(2))
    queue.discard(2)

    assert queue.next_turns([]) == []
    assert len(queue) == 0
