"""Pauses between attempts."""

from __future__ import annotations

import pytest

from vantage6.common.http.retry import Backoff, RetryPolicy


def test_pauses_grow_up_to_the_longest() -> None:
    policy = RetryPolicy(attempts=6, first_delay=1, factor=2, max_delay=5, jitter=0)

    assert list(policy.delays()) == [1, 2, 4, 5, 5]


def test_one_attempt_means_no_pause() -> None:
    assert list(RetryPolicy(attempts=1).delays()) == []


def test_jitter_keeps_pauses_near_their_value() -> None:
    policy = RetryPolicy(attempts=200, first_delay=1, factor=1, jitter=0.1)
    delays = list(policy.delays())

    assert all(0.9 <= delay <= 1.1 for delay in delays)
    assert len(set(delays)) > 1


def test_backoff_grows_and_starts_over_after_a_success() -> None:
    backoff = Backoff(first=1, maximum=3, factor=2, jitter=0)

    assert [backoff.next() for _ in range(4)] == pytest.approx([1, 2, 3, 3])
    backoff.reset()
    assert backoff.next() == pytest.approx(1)
