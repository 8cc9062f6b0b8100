"""The output file holds the whole result or nothing."""

from __future__ import annotations

import os

import pytest

from vantage6.algorithm.tools.output import write_output


def test_the_result_takes_the_place_of_the_empty_file(tmp_path):
    file = tmp_path / "output"
    file.write_bytes(b"")
    file.chmod(0o640)
    write_output(str(file), b"[1]")
    assert file.read_bytes() == b"[1]"
    assert file.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["output"]


def test_a_longer_earlier_result_leaves_no_rest(tmp_path):
    file = tmp_path / "output"
    file.write_bytes(b"x" * 100)
    write_output(str(file), b"[1]")
    assert file.read_bytes() == b"[1]"


def test_a_missing_file_is_made(tmp_path):
    write_output(str(tmp_path / "output"), b"1")
    assert (tmp_path / "output").read_bytes() == b"1"


def test_a_file_that_cannot_be_replaced_is_overwritten(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(16, "Device or resource busy")

    file = tmp_path / "output"
    file.write_bytes(b"x" * 100)
    inode = file.stat().st_ino
    monkeypatch.setattr(os, "replace", refuse)
    write_output(str(file), b"[1]")
    assert (file.read_bytes(), file.stat().st_ino) == (b"[1]", inode)
    assert [path.name for path in tmp_path.iterdir()] == ["output"]


def test_a_full_disk_leaves_no_part_of_a_result():
    with pytest.raises(OSError, match="No space left"):
        write_output("/dev/full", b"[1]")
