"""Reading what a run left, without trusting it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from vantage6.common.errors import V6Error

__all__ = ["INPUT_NAME", "OUTPUT_NAME", "TOKEN_NAME", "OutputError", "open_to_run", "read_output"]

INPUT_NAME = "input"
OUTPUT_NAME = "output"
TOKEN_NAME = "token"  # noqa: S105 - the name of a file

_SAFE_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_READABLE = 0o644
_WRITABLE = 0o666
_FOLDER = 0o755


class OutputError(V6Error):
    """The output of a run cannot be taken; one sentence says why."""


def read_output(folder: Path, limit: int) -> bytes:
    """Return the content of a run's output file.

    The algorithm could put anything in place of the file: a link to a secret of the station, a
    pipe that never ends, a file without end. Only a regular file of bounded size is taken.

    Raises
    ------
    OutputError
        If there is no such file.
    """
    try:
        descriptor = os.open(folder / OUTPUT_NAME, _SAFE_OPEN)
    except FileNotFoundError:
        raise OutputError(
            "The algorithm removed its output file; it must write its result to the file named by "
            "OUTPUT_FILE."
        ) from None
    except OSError as error:
        raise OutputError(
            f"The output file of the algorithm cannot be read ({error.strerror}); it must be a "
            "regular file."
        ) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OutputError("The output file of the algorithm is not a regular file.")
        content = _content(descriptor, limit) if status.st_size <= limit else None
    finally:
        os.close(descriptor)
    if content is None or len(content) > limit:
        raise OutputError(
            f"The output of the algorithm is larger than the {limit} bytes this node takes; "
            "return less, or ask the data station to raise its limit on results."
        )
    return content


def _content(descriptor: int, limit: int) -> bytes:
    """Return the content of an open file, and one byte too many if it is beyond the limit."""
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read(limit + 1)


def open_to_run(folder: Path) -> None:
    """Let whatever account an algorithm runs under read its files and write its output.

    The folder above belongs to the node alone, so no other account of the machine gets here.
    """
    folder.chmod(_FOLDER)
    for file in folder.iterdir():
        if file.is_file() and not file.is_symlink():
            file.chmod(_WRITABLE if file.name == OUTPUT_NAME else _READABLE)
