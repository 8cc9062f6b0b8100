"""The search for leaks finds what is there, and nothing else."""

from __future__ import annotations

import base64
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.leaks import cells, find_leaks

SECRET = "zeta_years"
DOCUMENT = b'{"column": "zeta_years"}'


def _hidden(times: int) -> bytes:
    data = DOCUMENT
    for _ in range(times):
        data = base64.b64encode(data)
    return data


@pytest.mark.parametrize("times", [0, 1, 2, 3])
@pytest.mark.parametrize("before", [b"", b"a", b"ab", b"abc", b"$"])
def test_a_text_is_found_in_base64_wherever_that_begins(times: int, before: bytes) -> None:
    assert find_leaks([SECRET, "other"], before + _hidden(times) + b" ...") == {SECRET}


def test_a_text_is_found_in_base64_for_addresses() -> None:
    data = b"\xfb\xff\xfe" + DOCUMENT
    assert find_leaks([SECRET], base64.urlsafe_b64encode(data)) == {SECRET}


def test_all_cells_of_a_database_are_searched(tmp_path: Path) -> None:
    file = tmp_path / "some.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE t (number INTEGER, text TEXT, data BLOB)")
        filler = "x" * 10_000  # the cell goes over several pages
        connection.execute("INSERT INTO t VALUES (1, ?, ?)", (filler + SECRET, b"\xff1234567"))
        connection.commit()

    assert find_leaks([SECRET, "1234567", "absent"], cells(file)) == {SECRET, "1234567"}
