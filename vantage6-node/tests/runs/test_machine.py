"""The run machine: lists of events in, records and actions out."""

from __future__ import annotations

from datetime import datetime, timezone

from hypothesis import given
from hypothesis import strategies as st

from vantage6.common.status import RunStatus, is_finished
from vantage6.node.runner.base import RunHandle
from vantage6.node.runs import machine as m
from vantage6.node.runs.model import RunFacts, RunRecord, RunStage

FACTS = RunFacts(run_id=1, task_id=2, job_id=3, image="img", init_org_id=4)
HANDLE = RunHandle(1, {"container": "abc"})
NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
RESULT = m.PackedResult("1.result", 10)
PACKED = m.Packed(RunStatus.COMPLETED, "fine", RESULT)


def play(*events: m.Event, record: RunRecord | None = None) -> tuple[RunRecord, list[m.Action]]:
    """Return the last record and all actions on the way."""
    record = record or RunRecord(FACTS)
    actions: list[m.Action] = []
    for event in events:
        step = m.step(record, event)
        record = step.record
        actions.extend(step.actions)
    return record, actions


TO_RUNNING: tuple[m.Event, ...] = (
    m.Admitted(NOW),
    m.Allowed(),
    m.Prepared(),
    m.Started(HANDLE),
)


def test_a_run_that_goes_well_takes_every_step_once() -> None:
    record, actions = play(*TO_RUNNING, m.Ended(0), PACKED, m.Removed(), m.Acknowledged())

    assert record.stage is RunStage.CLOSED
    assert record.started_at == NOW
    assert actions == [
        m.CheckPolicy(),
        m.ReportProgress(RunStatus.INITIALIZING),
        m.Prepare(),
        m.Start(),
        m.ReportProgress(RunStatus.ACTIVE),
        m.Watch(HANDLE),
        m.Collect(HANDLE, 0),
        m.ReportFinal(RunStatus.COMPLETED, "fine", RESULT),
        m.Remove(HANDLE),
        m.Forget(),
    ]


def test_acknowledgement_before_removal_closes_a_run_as_well() -> None:
    record, actions = play(*TO_RUNNING, m.Ended(0), PACKED, m.Acknowledged(), m.Removed())

    assert record.stage is RunStage.CLOSED
    assert actions[-1] == m.Forget()


def test_a_refused_run_is_reported_and_nothing_is_started() -> None:
    record, actions = play(m.Admitted(NOW), m.Failed(RunStatus.NOT_ALLOWED, "no"))

    assert record.stage is RunStage.REPORTED
    assert actions == [
        m.CheckPolicy(),
        m.ReportFinal(RunStatus.NOT_ALLOWED, "no"),
        m.Remove(None),
    ]


def test_a_run_killed_while_it_waits_is_reported_at_once() -> None:
    record, actions = play(m.Killed())

    assert record.stage is RunStage.REPORTED
    assert actions[0] == m.ReportFinal(RunStatus.KILLED, m.KILLED_SENTENCE)


def test_a_run_killed_while_it_starts_is_stopped_as_soon_as_it_has_started() -> None:
    record, actions = play(*TO_RUNNING[:3], m.Killed())
    assert record.stage is RunStage.STOPPING
    assert m.Start() in actions

    record, actions = play(m.Started(HANDLE), m.Stopped(), record=record)
    assert actions == [
        m.Stop(HANDLE),
        m.ReportFinal(RunStatus.KILLED, m.KILLED_SENTENCE),
        m.Remove(HANDLE),
    ]


def test_a_run_killed_while_it_is_checked_never_gets_to_preparing() -> None:
    _, actions = play(m.Admitted(NOW), m.Killed(), m.Allowed())

    assert m.Prepare() not in actions
    assert isinstance(actions[-2], m.ReportFinal)


def test_a_run_killed_while_its_output_is_packed_ends_as_killed() -> None:
    record, actions = play(*TO_RUNNING, m.Ended(0), m.Killed(), PACKED)

    assert record.outcome is RunStatus.KILLED
    assert actions[-2:] == [
        m.ReportFinal(RunStatus.KILLED, m.KILLED_SENTENCE),
        m.Remove(HANDLE),
    ]


def test_a_second_kill_changes_nothing() -> None:
    once, _ = play(*TO_RUNNING, m.Killed())
    twice, actions = play(m.Killed(), record=once)

    assert twice == once
    assert actions == []


def test_a_run_that_vanished_is_reported_as_unknown_error() -> None:
    record, _ = play(*TO_RUNNING, m.Vanished())

    assert record.outcome is RunStatus.UNKNOWN_ERROR


def test_a_disowned_run_ends_without_a_report() -> None:
    record, actions = play(*TO_RUNNING, m.Disowned(), m.Stopped(), m.Removed())

    assert record.stage is RunStage.CLOSED
    assert m.DropReports() in actions
    assert not any(isinstance(action, m.ReportFinal) for action in actions)


def test_disowning_a_reported_run_drops_its_report_and_closes_it() -> None:
    record, _ = play(*TO_RUNNING, m.Ended(0), PACKED, m.Removed())
    record, actions = play(m.Disowned(), record=record)

    assert record.stage is RunStage.CLOSED
    assert actions == [m.DropReports(), m.Forget()]


def test_after_a_restart_a_started_container_is_adopted() -> None:
    starting, _ = play(*TO_RUNNING[:3])
    record, actions = play(m.Recovered(HANDLE), record=starting)

    assert record.stage is RunStage.RUNNING
    assert actions == [m.ReportProgress(RunStatus.ACTIVE), m.Watch(HANDLE)]


def test_after_a_restart_a_run_without_container_starts_over() -> None:
    for count in (1, 2, 3):
        before, _ = play(*TO_RUNNING[:count])
        record, actions = play(m.Recovered(None), record=before)
        assert record.stage is RunStage.QUEUED
        assert record.started_at == NOW
        assert actions == []


def test_after_a_restart_an_ended_run_is_collected_again() -> None:
    ended, _ = play(*TO_RUNNING, m.Ended(3))
    _, actions = play(m.Recovered(None), record=ended)

    assert actions == [m.Collect(HANDLE, 3)]


def test_after_a_restart_a_killed_run_without_container_is_reported() -> None:
    stopping, _ = play(*TO_RUNNING[:3], m.Killed())
    record, _ = play(m.Recovered(None), record=stopping)

    assert record.outcome is RunStatus.KILLED


EVENTS = st.sampled_from(
    [
        m.Admitted(NOW),
        m.Allowed(),
        m.Failed(RunStatus.FAILED, "because"),
        m.Prepared(),
        m.Present(HANDLE),
        m.Started(HANDLE),
        m.Ended(0),
        m.Vanished(),
        PACKED,
        m.Killed(),
        m.Disowned(),
        m.Stopped(),
        m.Removed(),
        m.Acknowledged(),
        m.Recovered(None),
        m.Recovered(HANDLE),
    ]
)


@given(st.lists(EVENTS, max_size=40))
def test_in_any_order_of_events_a_run_is_reported_at_most_once(events: list[m.Event]) -> None:
    record, actions = play(*events)

    finals = [action for action in actions if isinstance(action, m.ReportFinal)]
    assert len(finals) <= 1
    assert not (finals and record.is_open)
    assert all(is_finished(final.status) for final in finals)
    assert actions.count(m.Forget()) <= 1


@given(st.lists(EVENTS, max_size=40))
def test_nothing_starts_after_a_kill(events: list[m.Event]) -> None:
    record = RunRecord(FACTS)
    is_killed = False
    for event in events:
        step = m.step(record, event)
        if is_killed:
            assert not any(
                isinstance(action, (m.CheckPolicy, m.Prepare, m.Start, m.Watch))
                for action in step.actions
            )
        is_killed = is_killed or isinstance(event, (m.Killed, m.Disowned))
        record = step.record


@given(st.lists(EVENTS, max_size=40))
def test_nothing_is_removed_before_the_report_is_decided(events: list[m.Event]) -> None:
    _, actions = play(*events)

    kinds = [type(action) for action in actions]
    if m.Remove in kinds and m.Disowned() not in events:
        assert m.ReportFinal in kinds[: kinds.index(m.Remove)]
