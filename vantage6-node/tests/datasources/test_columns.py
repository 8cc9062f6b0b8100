"""Column names come from the first line, however large the rest is."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path

import pytest

from vantage6.node.datasources.columns import header_columns


def test_names_are_read_with_quotes_and_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes('\ufeffid,"a ""b"", c","two\nlines"\r\n1,2,3\r\n'.encode())

    assert header_columns(file) == ("id", 'a "b", c', "two\nlines")


def test_a_compressed_file_is_understood(tmp_path: Path) -> None:
    file = tmp_path / "a.csv.gz"
    file.write_bytes(gzip.compress(b"x,y\n1,2\n"))

    assert header_columns(file) == ("x", "y")


def test_only_the_header_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    with file.open("wb") as out:
        out.write(b"x,y\n")
        out.truncate(50 * 1024**3)  # sparse: reading all of it would take minutes

    assert header_columns(file) == ("x", "y")


def test_a_file_without_line_ends_is_given_up(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"x" * (2 * 1024 * 1024))

    assert header_columns(file) == ()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00"])
def test_a_file_without_readable_header_has_no_names(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(content)

    assert header_columns(file) == ()


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.xz", "a.csv.bz2"])
@pytest.mark.parametrize("damage", ["cut", "altered", "something else"])
def test_a_damaged_file_is_told(tmp_path: Path, name: str, damage: str) -> None:
    pack = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress}[name[6:]]
    content = bytearray(pack(b"x,y\n1,2\n"))
    if damage == "cut":
        del content[12:]
    elif damage == "altered":
        content[10:20] = b"\xff" * 10
    else:
        content[:] = b"x,y\n1,2\n"
    (tmp_path / name).write_bytes(content)

    with pytest.raises(OSError, match=r"damaged|Invalid data|Not a gzipped"):
        header_columns(tmp_path / name)
