"""Reading outputs and keeping logs within bounds."""

from __future__ import annotations

import stat
import tracemalloc
from pathlib import Path

import pytest

from vantage6.node.runner.bounded_log import BoundedLog
from vantage6.node.runner.files import OutputError, open_to_run, read_output
from vantage6.node.runner.options import instance_text


def test_an_output_up_to_the_limit_is_read(tmp_path: Path) -> None:
    (tmp_path / "output").write_bytes(b"12345")

    assert read_output(tmp_path, 5) == b"12345"
    with pytest.raises(OutputError, match="larger than the 4 bytes"):
        read_output(tmp_path, 4)


def test_a_folder_in_place_of_the_output_is_refused(tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()

    with pytest.raises(OutputError, match="not a regular file"):
        read_output(tmp_path, 10)


def test_a_run_may_write_its_output_and_read_the_rest(tmp_path: Path) -> None:
    for name in ("input", "token", "output"):
        (tmp_path / name).touch(mode=0o600)
    (tmp_path / "link").symlink_to("/etc/hostname")

    open_to_run(tmp_path)

    modes = {path.name: stat.S_IMODE(path.lstat().st_mode) for path in tmp_path.iterdir()}
    assert (modes["input"], modes["token"], modes["output"]) == (0o644, 0o644, 0o666)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_log_within_the_limit_is_kept_whole(tmp_path: Path, size: int) -> None:
    text = b"0123456789" * 100
    with BoundedLog(tmp_path / "log", 1000) as log:
        for start in range(0, len(text), size):
            log.write(text[start : start + size])

    assert (tmp_path / "log").read_bytes() == text


@pytest.mark.parametrize("size", [1, 7, 90, 5000])
def test_of_a_longer_log_both_ends_are_kept(tmp_path: Path, size: int) -> None:
    text = bytes(range(256)) * 10
    with BoundedLog(tmp_path / "log", 101) as log:
        for start in range(0, len(text), size):
            log.write(text[start : start + size])

    mark = b"\n[... 2459 bytes of the log are left out here ...]\n"
    assert (tmp_path / "log").read_bytes() == text[:51] + mark + text[-50:]


def test_the_beginning_of_a_log_can_be_read_at_once(tmp_path: Path) -> None:
    with BoundedLog(tmp_path / "log", 100) as log:
        log.write(b"first line\n")

        assert (tmp_path / "log").read_bytes() == b"first line\n"


def test_a_log_without_line_ends_needs_little_memory(tmp_path: Path) -> None:
    chunk = b"x" * 65536
    with BoundedLog(tmp_path / "log", 100_000) as log:
        tracemalloc.start()
        for _ in range(800):
            log.write(chunk)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert peak < 1_000_000


def test_an_instance_is_told_from_others_and_stays_the_same(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()

    assert instance_text(one) == instance_text(one)
    assert instance_text(one) != instance_text(other)
