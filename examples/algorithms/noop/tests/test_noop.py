"""Each function does the one thing it says."""

from __future__ import annotations

import time

import pytest
import v6_noop

from vantage6.algorithm.tools.mock_client import MockAlgorithmClient


def test_noop_and_sleep_return_through_a_task():
    client = MockAlgorithmClient([[], []], "v6_noop")
    task = client.task.create({"method": "noop"}, [0, 1])
    assert client.wait_for_results(task["id"]) == [{"ok": True}] * 2
    started = time.monotonic()
    assert v6_noop.sleep(0.05, "x") == {"slept": 0.05, "tag": "x"}
    assert time.monotonic() - started >= 0.05


@pytest.mark.parametrize("mb", [0, 0.5, 1, 2.25])
def test_big_returns_a_text_of_that_size(mb):
    assert len(v6_noop.big(mb)["blob"]) == mb * 1024 * 1024


def test_failures_are_those_asked_for():
    with pytest.raises(RuntimeError, match="no luck"):
        v6_noop.raise_error("no luck")
    with pytest.raises(SystemExit) as end:
        v6_noop.exit_with(5)
    assert end.value.code == 5


def test_a_run_can_end_well_without_a_result():
    with pytest.raises(SystemExit) as end:
        v6_noop.no_output()
    assert end.value.code == 0


def test_rubbish_is_neither_text_nor_json(tmp_path, monkeypatch):
    monkeypatch.setenv("OUTPUT_FILE", str(tmp_path / "output"))
    with pytest.raises(SystemExit) as end:
        v6_noop.garbage_output(5)
    assert end.value.code == 0
    data = (tmp_path / "output").read_bytes()
    assert len(data) == 5
    with pytest.raises(UnicodeDecodeError):
        data.decode()


def test_a_flood_has_no_line_break(capsys):
    assert v6_noop.flood(0.25) == {"mb": 0.25}
    assert capsys.readouterr().out == "x" * (256 * 1024)
