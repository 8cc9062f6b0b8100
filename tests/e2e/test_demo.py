"""The demo ends well, shows its results and leaves nothing but a picture."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import RUNNERS
from tests.support.networks import REPOSITORY, docker_objects
from vantage6.common.cli.child import kill_processes_using

DEMO = REPOSITORY / "examples" / "demo" / "demo.py"
PNG = b"\x89PNG\r\n"


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    """Home and temporary folder of its own, in which leftovers would show."""
    for name in ("home", "tmp", "matplotlib"):
        (tmp_path / name).mkdir()
    return {
        **os.environ,
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "tmp"),
        "MPLCONFIGDIR": str(tmp_path / "matplotlib"),
        "COLUMNS": "120",
    }


@pytest.mark.parametrize("runner", RUNNERS)
def test_the_demo_agrees_with_the_pooled_records_and_leaves_only_the_picture(
    runner: str, tmp_path: Path, surroundings: dict[str, str]
) -> None:
    before = docker_objects("local-") if runner == "docker" else set()
    picture = tmp_path / "out" / "survival.png"

    answer = subprocess.run(
        [sys.executable, DEMO, "--runner", runner, "--output", picture],
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )

    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "62.4473684211" in answer.stdout
    assert "median survival (days)" in answer.stdout
    assert picture.read_bytes().startswith(PNG)
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not list((tmp_path / "home").rglob("*vantage6*"))
    assert kill_processes_using(tmp_path) == []
    if runner == "docker":
        assert docker_objects("local-") <= before


def test_an_interrupted_demo_leaves_nothing(tmp_path: Path, surroundings: dict[str, str]) -> None:
    with subprocess.Popen(
        [sys.executable, DEMO, "--runner", "process", "--output", tmp_path / "survival.png"],
        env=surroundings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as demo:
        deadline = time.monotonic() + 60
        while not list((tmp_path / "tmp").glob("*/node-*/output.log")):
            assert time.monotonic() < deadline, "no node was started"
            time.sleep(0.05)
        demo.send_signal(signal.SIGINT)
        output, _ = demo.communicate(timeout=60)

    assert demo.returncode == 130, output
    assert list((tmp_path / "tmp").iterdir()) == []
    assert kill_processes_using(tmp_path) == []
