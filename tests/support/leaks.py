"""Looks for given texts in bytes, also where they are hidden in base64, once or several times."""

from __future__ import annotations

import base64
import re
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

_RUN = re.compile(rb"[A-Za-z0-9+/_-]{16,}")
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_DEPTH = 3


def find_leaks(texts: Iterable[str], *sources: bytes) -> set[str]:
    """Return those of some texts that occur in some bytes, plainly or in base64.

    What looks like base64 is decoded from each of four places, because it may go on from other
    text without a gap; what comes out is searched in the same way.
    """
    wanted = {text: text.encode() for text in texts}
    found: set[str] = set()
    for source in sources:
        for view in _views(source, _DEPTH):
            found |= {text for text, sought in wanted.items() if sought in view}
    return found


def _views(data: bytes, depth: int) -> Iterator[bytes]:
    yield data
    if not depth:
        return
    for run in _RUN.findall(data):
        for start in range(4):
            cut = run[start:].translate(_TO_STANDARD)
            whole = cut[:-1] if len(cut) % 4 == 1 else cut + b"=" * (-len(cut) % 4)
            yield from _views(base64.b64decode(whole), depth - 1)


def cells(database: Path) -> bytes:
    """Return the content of all cells of an SQLite file, one per line.

    Unlike the file itself, it has no text that goes over the border of two pages.
    """
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        tables = [
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        lines = [
            cell if isinstance(cell, bytes) else str(cell).encode()
            for table in tables
            for row in connection.execute(f'SELECT * FROM "{table}"')
            for cell in row
        ]
    finally:
        connection.close()
    return b"\n".join(lines)
