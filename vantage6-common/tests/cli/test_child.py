from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vantage6.common.cli.child import ChildError, ChildProcess, kill_processes_using

_WAITING = "import sys; print('up', flush=True); sys.stdin.read()"
_STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"


def _child(tmp_path: Path, code: str) -> ChildProcess:
    command = [sys.executable, "-c", code]
    return ChildProcess("the child", command, tmp_path / "out" / "output.log", ready="ready!")


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[ChildProcess]:
    child = _child(tmp_path, "import time; print('ready!'); time.sleep(60)")
    yield child
    child.kill()


def test_start_returns_when_the_child_says_it_is_ready(sleeper: ChildProcess) -> None:
    sleeper.start(timeout=20)

    assert sleeper.running
    assert sleeper.tail() == "ready!"


def test_a_child_that_ends_early_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    child = _child(tmp_path, "raise SystemExit('no such port')")

    with pytest.raises(ChildError, match="ended before it was ready:\nno such port"):
        child.start(timeout=20)


def test_a_child_that_stays_silent_is_an_error(tmp_path: Path) -> None:
    child = _child(tmp_path, "import time; time.sleep(60)")

    with pytest.raises(ChildError, match="not ready within 0 s"):
        child.start(timeout=0.2)
    child.kill()


def test_a_running_child_is_not_started_twice(sleeper: ChildProcess) -> None:
    sleeper.start(timeout=20)

    with pytest.raises(ChildError, match="running already"):
        sleeper.spawn()


def test_a_second_start_waits_for_its_own_readiness(sleeper: ChildProcess) -> None:
    sleeper.start(timeout=20)
    first = sleeper.pid
    sleeper.kill()
    sleeper.start(timeout=20)

    assert sleeper.pid != first
    assert sleeper.output.read_text() == "ready!\nready!\n"


def test_a_child_that_ignores_the_request_is_killed_after_the_grace(tmp_path: Path) -> None:
    child = _child(tmp_path, f"import time; {_STUBBORN}; print('ready!'); time.sleep(60)")
    child.start(timeout=20)

    child.stop(grace=0.2)

    assert not child.running


def test_processes_that_name_a_folder_are_ended(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _WAITING, str(tmp_path / "run")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        process.stdout.readline()

        assert kill_processes_using(tmp_path) == [process.pid]
        assert process.wait(timeout=20) == -signal.SIGKILL


def test_a_folder_with_a_longer_name_is_another_one(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _WAITING, str(tmp_path / "demo-2")], stdin=subprocess.PIPE
    ) as other:
        assert kill_processes_using(tmp_path / "demo") == []
        assert other.poll() is None
        other.kill()


def test_who_asks_for_it_is_spared(tmp_path: Path) -> None:
    asks = (
        "import pathlib, sys; from vantage6.common.cli.child import kill_processes_using;"
        "print(kill_processes_using(pathlib.Path(sys.argv[1])))"
    )
    starts = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, *sys.argv[1:]]))"
    command = [sys.executable, "-c", starts, "-c", asks, str(tmp_path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (answer.returncode, answer.stdout) == (0, "[]\n")
