"""What every runner must do; the same tests for each."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vantage6.common.status import RunStatus
from vantage6.node.runner import Bind, RunHandle, RunPhase, StartError


def decoded(text: str) -> str:
    return base64.b32decode(text.replace("!", "=")).decode()


def test_a_run_gives_its_output_log_and_exit_code(station: Any) -> None:
    state, output = station.finish(station.spec("echo", 1, "two"))

    assert (state.phase, state.exit_code) == (RunPhase.EXITED, 0)
    assert json.loads(output.result) == [1, "two"]
    assert output.exit_code == 0
    assert output.reason is None
    assert output.log_file.read_text() == "hello from the algorithm\n"
    assert output.log_file == station.options.log_folder / "1.log"


def test_a_crash_gives_its_exit_code_and_what_it_said(station: Any) -> None:
    state, output = station.finish(station.spec("crash"))

    assert (state.phase, state.exit_code) == (RunPhase.EXITED, 3)
    assert output.result == b""
    assert "this goes wrong" in output.log_file.read_text()


def test_starting_a_run_again_gives_the_one_that_is_there(station: Any) -> None:
    spec = station.spec("sleep", 60)
    first = station.start(spec)

    assert station.runner.start(spec) == first
    assert list(station.runner.adopt()) == [first]


def test_starting_an_ended_run_again_does_not_repeat_it(station: Any) -> None:
    spec = station.spec("count")
    first = station.start(spec)
    station.runner.wait(first, 30)

    assert station.runner.start(spec) == first
    station.runner.wait(first, 30)
    assert station.runner.collect(first, spec.folder).result == b"1"


def test_a_run_that_is_not_wanted_any_more_does_not_start(station: Any) -> None:
    spec = replace(station.spec("sleep", 60), is_wanted=lambda: False)
    with pytest.raises(StartError) as caught:
        station.runner.start(spec)

    assert caught.value.status is RunStatus.KILLED
    assert list(station.runner.adopt()) == []


def test_a_run_goes_on_when_the_node_is_gone_and_is_found_again(station: Any) -> None:
    spec = station.spec("sleep", 1)
    handle = station.start(spec)

    station.restart()

    assert list(station.runner.adopt()) == [handle]
    assert station.runner.poll(handle).phase is RunPhase.RUNNING
    assert station.runner.wait(handle, 30).exit_code == 0
    assert station.runner.collect(handle, spec.folder).result == b'"slept"'


def test_a_run_that_ended_while_the_node_was_gone_is_found_too(station: Any) -> None:
    spec = station.spec("crash")
    handle = station.start(spec)
    station.runner.wait(handle, 30)

    station.restart()

    assert list(station.runner.adopt()) == [handle]
    assert station.runner.poll(handle).exit_code == 3


def test_a_handle_survives_json(station: Any) -> None:
    handle = station.start(station.spec("echo"))
    copy = RunHandle(handle.run_id, json.loads(json.dumps(dict(handle.data))))

    assert station.runner.wait(copy, 30).exit_code == 0


def test_waiting_returns_as_soon_as_the_run_ends(station: Any) -> None:
    handle = station.start(station.spec("sleep", 0.5))
    begin = time.monotonic()

    assert station.runner.wait(handle, 60).phase is RunPhase.EXITED
    assert time.monotonic() - begin < 20


def test_waiting_gives_up_after_its_time(station: Any) -> None:
    handle = station.start(station.spec("sleep", 60))
    begin = time.monotonic()

    assert station.runner.wait(handle, 0.5).phase is RunPhase.RUNNING
    assert 0.4 < time.monotonic() - begin < 10


def test_stopping_ends_a_run(station: Any) -> None:
    handle = station.start(station.spec("sleep", 60))
    station.runner.stop(handle, 0)
    state = station.runner.wait(handle, 30)

    assert state.phase is RunPhase.EXITED
    assert state.exit_code == 137


def test_stopping_ends_a_run_that_does_not_want_to(station: Any) -> None:
    handle = station.start(station.spec("stubborn"))
    station.runner.wait(handle, 0.5)
    begin = time.monotonic()
    station.runner.stop(handle, 1)

    assert station.runner.wait(handle, 10).phase is RunPhase.EXITED
    assert time.monotonic() - begin < 20


def test_stopping_an_ended_run_is_harmless(station: Any) -> None:
    handle = station.start(station.spec("echo"))
    station.runner.wait(handle, 30)
    station.runner.stop(handle, 1)
    station.runner.stop(handle, 0)

    assert station.runner.poll(handle).exit_code == 0


def test_a_removed_run_is_gone(station: Any) -> None:
    handle = station.start(station.spec("echo"))
    station.runner.wait(handle, 30)
    station.runner.remove(handle)
    station.runner.remove(handle)
    station.runner.stop(handle, 0)

    state = station.runner.poll(handle)
    assert state.phase is RunPhase.GONE
    assert state.reason is not None
    assert station.runner.wait(handle, 5).phase is RunPhase.GONE
    assert list(station.runner.adopt()) == []


def test_the_same_run_may_be_started_anew_after_its_removal(station: Any) -> None:
    spec = station.spec("echo", "again")
    station.runner.remove(station.start(spec))

    _, output = station.finish(spec)
    assert json.loads(output.result) == ["again"]


def test_values_of_the_environment_are_encoded(station: Any) -> None:
    spec = {
        "environment": {"CUSTOM": "x y", "DB_LABELS": "default,other"},
        "database_types": {"default": "csv"},
    }
    names = ["CUSTOM", "DB_LABELS", "API_PATH", "PORT", "HOST", "TEMPORARY_FOLDER"]
    told = station.answer("tell", *names, **spec)

    assert decoded(told["environment"]["CUSTOM"]) == "x y"
    assert decoded(told["environment"]["DB_LABELS"]) == "default,other"
    assert told["environment"]["API_PATH"] == ""
    assert decoded(told["environment"]["HOST"]).startswith("http://")
    assert told["token"] == "the-token"


def test_a_requested_database_can_be_read(station: Any, table: Bind) -> None:
    told = station.answer("tell", databases={"default": table}, database_types={"default": "csv"})

    assert told["table"] == "age\n41\n"


def test_a_database_that_only_its_owner_may_read_can_be_read(station: Any, table: Bind) -> None:
    table.source.chmod(0o600)

    assert station.answer("tell", databases={"default": table})["table"] == "age\n41\n"


def test_no_secret_of_the_node_is_in_the_environment(
    make_station: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY", "secret")
    told = make_station().answer("tell")

    assert "API_KEY" not in told["names"]


@pytest.mark.parametrize("name", ["PKG_NAME", "a-b"])
def test_a_variable_that_cannot_be_given_fails_the_run(station: Any, name: str) -> None:
    with pytest.raises(StartError, match="algorithm_env") as caught:
        station.start(station.spec("echo", environment={name: "x"}))

    assert caught.value.status is RunStatus.FAILED
    assert list(station.runner.adopt()) == []


def test_an_image_that_is_not_there_is_told_by_name(station: Any) -> None:
    with pytest.raises(StartError, match=r"127\.0\.0\.1:1/no/image:7") as caught:
        station.start(station.spec("echo", image="127.0.0.1:1/no/image:7"))

    assert caught.value.status is RunStatus.NO_DOCKER_IMAGE
    assert list(station.runner.adopt()) == []


def test_runs_of_one_job_share_a_folder_and_others_do_not(station: Any) -> None:
    assert station.answer("count", run_id=1, job_id=5) == 1
    assert station.answer("count", run_id=2, job_id=5) == 2
    assert station.answer("count", run_id=3, job_id=6) == 1


def test_an_output_that_links_elsewhere_is_not_followed(station: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    _, output = station.finish(station.spec("link", str(secret)))

    assert output.result == b""
    assert output.reason is not None
    assert "must be a regular file" in output.reason


@pytest.mark.parametrize(
    ("method", "reason"), [("unlink", "removed its output"), ("pipe", "not a regular file")]
)
def test_an_output_that_is_no_file_is_told(station: Any, method: str, reason: str) -> None:
    _, output = station.finish(station.spec(method))

    assert output.result == b""
    assert reason in output.reason


def test_an_output_that_is_too_large_is_not_read(make_station: Any) -> None:
    station = make_station({"result_bytes": 1000})
    _, output = station.finish(station.spec("fill", 10**12))

    assert output.result == b""
    assert "larger than the 1000 bytes" in output.reason


def test_a_log_without_end_is_cut_with_a_mark(make_station: Any) -> None:
    station = make_station({"log_bytes": 100_000})
    _, output = station.finish(station.spec("chatter", 50))

    text = output.log_file.read_text()
    assert "bytes of the log are left out here" in text
    assert len(text) < 101_000


def test_output_and_log_may_be_collected_twice(station: Any) -> None:
    spec = station.spec("echo", 1)
    _, first = station.finish(spec)

    assert station.runner.collect(station.handles[0], spec.folder) == first


def test_preparing_and_closing_may_be_repeated(station: Any) -> None:
    station.runner.prepare()
    station.runner.prepare()
    assert station.answer("echo", 1) == [1]
