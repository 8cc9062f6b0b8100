"""Writing files so that a reader never meets half of one, and locking them."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

__all__ = ["lock_file", "write_atomic", "write_private"]

_OWNER_ONLY = 0o600
_LOCKED_BYTE = 1 << 30


def write_atomic(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Put a complete file in the place of `path`, or leave what is there as it is.

    The owner of a replaced file stays its owner, as far as we are permitted to see to that.

    Parameters
    ----------
    path : Path
        Where the file belongs; its folder must exist.
    data : bytes
        The contents.
    mode : int, optional
        Permission bits; by default those of the file that is replaced, else the usual ones.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    target = path.resolve()
    wanted = _usual_mode(target) if mode is None else mode
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(wanted)
        _keep_owner(target, name)
        Path(name).replace(target)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def write_private(path: Path, data: bytes, *, overwrite: bool = False) -> None:
    """Write a file that only its owner can read.

    Raises
    ------
    FileExistsError
        If the file exists and may not be replaced.
    OSError
        If the file cannot be written.
    """
    if overwrite:
        write_atomic(path, data, mode=_OWNER_ONLY)
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _keep_owner(target: Path, name: str) -> None:
    if not target.exists() or not hasattr(os, "chown"):
        return
    status = target.stat()
    with suppress(PermissionError):
        os.chown(name, status.st_uid, status.st_gid)


def _usual_mode(path: Path) -> int:
    if path.exists():
        return path.stat().st_mode & 0o7777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def lock_file(file: IO[Any]) -> bool:
    """Take an exclusive lock on an open file for as long as it stays open.

    Returns
    -------
    bool
        False if another process, or another open file of this one, holds it.
    """
    if sys.platform == "win32":
        import msvcrt

        # A byte far behind the contents, because Windows keeps others from reading a locked one.
        file.seek(_LOCKED_BYTE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
