"""Writing a run's result where the node collects it."""

# pathlib would cost start-up time.
# ruff: noqa: PTH105, PTH108, PTH116, PTH123

from __future__ import annotations

import contextlib
import os
import stat

__all__ = ["write_output"]


def write_output(path: str, data: bytes) -> None:
    """Put the complete result in the output file, so that no reader ever sees a part of it.

    The result is written beside the file and then takes its place. Where that is impossible
    (the file itself is a mount, or the folder is read-only), the file is overwritten, and
    emptied again if it cannot hold all.

    Raises
    ------
    OSError
        If the result cannot be written.
    """
    try:
        _replace(path, data)
    except OSError:
        _overwrite(path, data)


def _replace(path: str, data: bytes) -> None:
    before = os.stat(path)
    if not stat.S_ISREG(before.st_mode) or before.st_uid != os.geteuid():
        raise OSError(f"{path} keeps its owner only if it is overwritten.")
    beside = f"{path}.part"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
            file.write(data)
        os.replace(beside, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def _overwrite(path: str, data: bytes) -> None:
    try:
        with open(path, "wb") as file:
            file.write(data)
    except OSError:
        with contextlib.suppress(OSError):
            os.truncate(path, 0)
        raise
