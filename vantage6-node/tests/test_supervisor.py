"""Loops that fail, and loops that are to stop."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from vantage6.node.supervisor import Loop, Supervisor, stopping_on_signals


def test_a_loop_that_fails_starts_again() -> None:
    runs: list[int] = []
    went_on = threading.Event()

    def run(stop: threading.Event) -> None:
        runs.append(1)
        if len(runs) < 3:
            raise RuntimeError("it broke")
        went_on.set()
        stop.wait()

    supervisor = Supervisor(first_restart=0.001, slowest_restart=0.01)
    supervisor.start([Loop("test", run)])
    assert went_on.wait(5)
    assert supervisor.shut_down() == []
    assert len(runs) == 3


def test_loops_stop_in_the_reverse_order_of_their_start() -> None:
    ended: list[str] = []

    def loop(name: str) -> Loop:
        def run(stop: threading.Event) -> None:
            stop.wait()
            ended.append(name)

        return Loop(name, run)

    supervisor = Supervisor()
    supervisor.start([loop("first"), loop("second"), loop("third")])
    supervisor.shut_down()

    assert ended == ["third", "second", "first"]


def test_a_waiting_loop_is_woken_to_stop() -> None:
    bell = threading.Event()

    def run(stop: threading.Event) -> None:
        while not stop.is_set():
            bell.wait()

    supervisor = Supervisor()
    supervisor.start([Loop("sleeper", run, bell.set)])

    assert supervisor.shut_down() == []


def test_a_loop_that_does_not_end_is_named_and_left_behind() -> None:
    forever = threading.Event()

    def run(_stop: threading.Event) -> None:
        forever.wait()

    supervisor = Supervisor()
    supervisor.start([Loop("stubborn", run)])

    assert supervisor.shut_down(timeout=0.05) == ["stubborn"]
    forever.set()


def test_loops_that_hang_share_the_time_to_end() -> None:
    forever = threading.Event()

    def run(_stop: threading.Event) -> None:
        forever.wait()

    supervisor = Supervisor()
    supervisor.start([Loop(name, run) for name in "abcd"])
    begin = time.monotonic()

    assert supervisor.shut_down(timeout=1.0) == ["d", "c", "b", "a"]
    assert time.monotonic() - begin < 2.5
    forever.set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_waiting_whichever_thread_receives_it(number: signal.Signals) -> None:
    stop = threading.Event()
    before = signal.getsignal(number)

    def receive() -> None:
        time.sleep(0.1)  # until the main thread waits
        signal.pthread_kill(threading.get_ident(), number)

    with stopping_on_signals(stop):
        receiver = threading.Thread(target=receive)
        receiver.start()
        asked = time.monotonic()
        assert stop.wait(10)
        assert time.monotonic() - asked < 5
        receiver.join()
    assert signal.getsignal(number) is before
