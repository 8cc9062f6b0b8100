"""Errands that nobody waits for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

from vantage6.common.log import bind, bound_identities
from vantage6.server.mail.courier import Courier


@pytest.fixture
def courier() -> Iterator[Courier]:
    made = Courier(pause=0.0)
    yield made
    made.close()


def test_errands_are_done_beside_the_caller(courier: Courier) -> None:
    done: list[str] = []
    courier.submit("a", lambda: done.append(threading.current_thread().name))
    courier.finish()
    assert done[0].startswith("courier-")


def test_a_failure_is_logged_and_the_next_errand_done(
    courier: Courier, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[int] = []

    def fail() -> None:
        raise LookupError("no such thing")

    for _ in range(5):
        courier.submit("the failing one", fail)
    courier.submit("the good one", lambda: done.append(1))
    courier.finish()
    assert done == [1]
    lines = [record.getMessage() for record in caplog.records]
    assert len([line for line in lines if "the failing one" in line]) == 5


def test_an_errand_begins_after_the_pause() -> None:
    courier = Courier(pause=0.2)
    begun: list[float] = []
    submitted = time.monotonic()
    courier.submit("a", lambda: begun.append(time.monotonic()))
    assert begun == []
    courier.finish()
    courier.close()
    assert begun[0] - submitted >= 0.2


def test_what_exceeds_the_capacity_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    courier = Courier(pause=0.0, workers=1, capacity=1)
    busy, go = threading.Event(), threading.Event()
    done: list[int] = []

    def wait() -> None:
        busy.set()
        go.wait()

    courier.submit("first", wait)
    busy.wait()
    courier.submit("second", lambda: done.append(2))
    courier.submit("third", lambda: done.append(3))
    go.set()
    courier.finish()
    courier.close()
    assert done == [2]
    assert "third" in caplog.text


def test_log_lines_of_an_errand_carry_the_request(courier: Courier) -> None:
    seen: list[dict[str, object]] = []
    with bind(request_id="r1"):
        courier.submit("a", lambda: seen.append(bound_identities()))
    courier.finish()
    assert seen == [{"request_id": "r1"}]


def test_closing_waits_for_what_was_submitted() -> None:
    courier = Courier(pause=0.05)
    done: list[int] = []
    for number in range(3):
        courier.submit("a", partial(done.append, number))
    courier.close(grace=10.0)
    assert sorted(done) == [0, 1, 2]


def test_closing_waits_no_longer_than_the_grace() -> None:
    courier = Courier(pause=0.0, workers=1)
    go = threading.Event()
    courier.submit("a", go.wait)
    before = time.monotonic()
    courier.close(grace=0.1)
    assert time.monotonic() - before < 5
    go.set()


def test_an_unused_courier_has_no_threads() -> None:
    before = threading.active_count()
    Courier().close()
    assert threading.active_count() == before
