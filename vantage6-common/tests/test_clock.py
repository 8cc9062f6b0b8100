"""Time as a dependency."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from vantage6.common.clock import ManualClock, SystemClock, iso_utc


def test_the_system_clock_is_utc_aware_and_moves() -> None:
    clock = SystemClock()
    before, monotonic = clock.now(), clock.monotonic()

    clock.sleep(0.001)

    assert before.tzinfo is timezone.utc
    assert clock.now() > before
    assert clock.monotonic() > monotonic


def test_a_manual_clock_moves_when_told_or_slept_on() -> None:
    start = datetime(2026, 3, 1, tzinfo=timezone.utc)
    clock = ManualClock(start)

    clock.sleep(2)
    clock.advance(3)

    assert clock.now() - start == timedelta(seconds=5)
    assert clock.monotonic() == pytest.approx(5)


def test_moments_are_written_with_six_digits_and_utc() -> None:
    moment = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=1)))

    assert iso_utc(moment) == "2026-03-01T11:00:00.000000+00:00"
