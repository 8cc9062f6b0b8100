"""Run statuses, how one follows another, and the status of a task."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vantage6.common.status import (
    RunStatus,
    allowed_predecessors,
    has_failed,
    is_finished,
    task_status,
)

_ALIVE = (RunStatus.PENDING, RunStatus.INITIALIZING, RunStatus.ACTIVE)
_FINAL = [status for status in RunStatus if status not in _ALIVE]


def test_statuses_are_the_contracts() -> None:
    assert [str(status) for status in RunStatus] == [
        "pending",
        "initializing",
        "active",
        "completed",
        "failed",
        "start failed",
        "non-existing Docker image",
        "crashed",
        "killed by user",
        "not allowed",
        "unknown error",
    ]


@pytest.mark.parametrize("status", _FINAL)
def test_every_final_status_may_follow_any_living_one(status: RunStatus) -> None:
    assert allowed_predecessors(status) == set(_ALIVE)
    assert is_finished(status)
    assert has_failed(status) is (status is not RunStatus.COMPLETED)


def test_living_statuses_only_move_forward() -> None:
    for earlier, later in itertools.combinations(_ALIVE, 2):
        assert earlier in allowed_predecessors(later)
        assert later not in allowed_predecessors(earlier)


@given(st.lists(st.sampled_from(RunStatus), min_size=1))
def test_whatever_is_reported_a_run_ends_once(reports: list[RunStatus]) -> None:
    """Apply reports as the server does: only where the present status is a predecessor."""
    status = RunStatus.PENDING
    ends = 0
    for report in reports:
        if status in allowed_predecessors(report):
            ends += is_finished(report)
            status = report

    assert ends <= 1
    assert is_finished(status) is (ends == 1)
    if any(is_finished(report) for report in reports):
        first = next(report for report in reports if is_finished(report))
        assert status is first


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([], RunStatus.COMPLETED),
        (["completed", "completed"], RunStatus.COMPLETED),
        (["completed", "pending"], RunStatus.PENDING),
        (["active", "pending", "completed"], RunStatus.ACTIVE),
        (["pending", "initializing"], RunStatus.INITIALIZING),
        (["crashed", "active"], RunStatus.CRASHED),
        (["crashed", "not allowed"], RunStatus.FAILED),
        (["completed", "something new"], RunStatus.FAILED),
        ([None], RunStatus.FAILED),
    ],
)
def test_a_task_has_the_status_of_its_runs_together(
    runs: list[str | None], expected: RunStatus
) -> None:
    assert task_status(runs) is expected


@given(st.lists(st.sampled_from(RunStatus)))
def test_a_task_is_finished_when_a_run_failed_or_all_are(runs: list[RunStatus]) -> None:
    status = task_status(runs)

    assert has_failed(status) is any(has_failed(run) for run in runs)
    if not has_failed(status):
        assert is_finished(status) is all(is_finished(run) for run in runs)
