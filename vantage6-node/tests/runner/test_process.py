"""What only the process runner does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from vantage6.node.runner import RunPhase, StartError, launcher

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are started the Unix way")


@pytest.fixture
def station(process_station: Any) -> Any:
    return process_station()


def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def lives(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(
    "image",
    ["example/algorithm:1.0", "example/algorithm@sha256:12", "example/algorithm:1@sha256:2"],
)
def test_an_image_is_found_without_its_version(station: Any, image: str) -> None:
    assert station.answer("echo", image=image) == []


def test_a_port_in_an_image_name_is_no_version(station: Any) -> None:
    with pytest.raises(StartError, match="process_packages"):
        station.start(station.spec("echo", image="example:5000/algorithm"))


def test_the_environment_is_small(station: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET", "x")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    names = set(station.answer("tell")["names"])

    assert names - {"LC_CTYPE"} == {
        *("PATH", "HOME", "LANG", "PKG_NAME"),
        *("INPUT_FILE", "OUTPUT_FILE", "TOKEN_FILE", "TEMPORARY_FOLDER"),
        *("HOST", "PORT", "API_PATH", "NO_PROXY", "no_proxy"),
    }


def test_paths_are_those_of_the_machine(station: Any) -> None:
    program = "[value('OUTPUT_FILE'), value('HOST'), os.getcwd(), os.environ['HOME']]"
    folder = str(station.spec("echo").folder)

    assert station.answer("program", program) == [
        f"{folder}/output",
        "http://127.0.0.1",
        folder,
        folder,
    ]


def test_without_a_port_of_the_proxy_nothing_is_started(process_station: Any) -> None:
    station = process_station(port=None)

    with pytest.raises(StartError, match="no loopback port"):
        station.start(station.spec("echo"))


def test_a_run_whose_launcher_was_killed_is_gone_with_all_it_started(station: Any) -> None:
    handle = station.start(station.spec("sleep", 60))
    launcher = int(handle.data["pid"])
    children = Path(f"/proc/{launcher}/task/{launcher}/children")
    eventually(lambda: children.read_text().split())
    (algorithm,) = map(int, children.read_text().split())

    os.kill(launcher, signal.SIGKILL)

    state = station.runner.wait(handle, 10)
    assert state.phase is RunPhase.GONE
    assert "has disappeared" in state.reason
    eventually(lambda: not lives(algorithm))


def test_an_algorithm_does_not_begin_when_its_launcher_is_gone_already() -> None:
    codes = [
        subprocess.run(["true"], preexec_fn=partial(launcher._die_with, parent), check=False)
        for parent in (os.getpid(), 2**22 + 1)
    ]

    assert [code.returncode for code in codes] == [0, 127]


def test_processes_that_left_the_session_are_ended_too(station: Any) -> None:
    program = (
        "__import__('subprocess').Popen(['sleep', '300'], start_new_session=True,"
        " stdout=-3, stderr=-3).pid"
    )
    left_behind = station.answer("program", program)

    assert not lives(left_behind)


def test_a_process_that_holds_the_output_open_does_not_delay_the_end(station: Any) -> None:
    begin = time.monotonic()
    program = "__import__('subprocess').Popen(['sleep', '300'], start_new_session=True).pid"

    station.answer("program", program)

    assert time.monotonic() - begin < 20


def test_another_process_with_the_same_number_is_not_taken_for_the_run(station: Any) -> None:
    handle = station.start(station.spec("sleep", 60))
    other = type(handle)(handle.run_id, {"pid": os.getpid(), "start": handle.data["start"]})

    station.runner.stop(other, 0)

    assert station.runner.poll(other).phase is RunPhase.GONE


def test_an_interpreter_that_is_not_there_is_told_in_the_log(process_station: Any) -> None:
    station = process_station()
    options = station.options
    process = type(options.process)(packages=options.process.packages, python="/no/such/python")
    station.options = type(options)(**{**options.__dict__, "process": process})
    station.restart()

    state, output = station.finish(station.spec("echo"))

    assert state.exit_code == 127
    assert "/no/such/python" in output.log_file.read_text()


def test_a_log_that_cannot_be_written_is_told(station: Any) -> None:
    spec = station.spec("echo")
    (station.options.log_folder / "1.log").mkdir()

    with pytest.raises(StartError, match=r"1\.log"):
        station.start(spec)


def test_the_order_to_start_leaves_no_secret_in_the_process_list(station: Any) -> None:
    handle = station.start(station.spec("sleep", 60, environment={"DB_PASSWORD": "secret"}))
    line = Path(f"/proc/{handle.data['pid']}/cmdline").read_bytes()

    assert b"secret" not in line
    state = json.loads((station.options.data_folder / "processes/1/handle.json").read_text())
    assert set(state) == {"pid", "start"}
