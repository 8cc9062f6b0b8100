"""Names of the columns of a text file, from its first line only."""

from __future__ import annotations

import bz2
import csv
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

__all__ = ["header_columns"]

_LONGEST_LINE = 1024 * 1024
_OPENERS: dict[str, Callable[..., IO[Any]]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}


def header_columns(path: Path) -> tuple[str, ...]:
    """Return the column names in the first line of a csv file; no more of it is read.

    The file may be compressed. A header that cannot be read as text, or longer than 1 MiB, gives
    no names.

    Raises
    ------
    OSError
        If the file cannot be read, or is compressed and damaged.
    """
    opener = _OPENERS.get(path.suffix.lower(), open)
    with opener(path, "rt", encoding="utf-8-sig", newline="") as lines:
        try:
            return tuple(next(csv.reader(_bounded(lines)), ()))
        except (UnicodeDecodeError, csv.Error):
            return ()
        except (EOFError, zlib.error, lzma.LZMAError) as error:
            raise OSError(f"the compressed file {path} is damaged ({error})") from error


def _bounded(lines: IO[str]) -> Iterator[str]:
    """Give lines, and stop at one that is too long to be a header."""
    while line := lines.readline(_LONGEST_LINE):
        if not line.endswith(("\n", "\r")) and len(line) >= _LONGEST_LINE:
            raise csv.Error("line too long")
        yield line
