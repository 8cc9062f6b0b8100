"""A child process that says when it is ready, and that ends with its parent's wish."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from vantage6.common.errors import V6Error

__all__ = ["ChildError", "ChildProcess", "kill_processes_using"]

_POLL = 0.05
_TAIL_LINES = 15


class ChildError(V6Error):
    """A child process did not start, or did not stop."""


class ChildProcess:
    """A command run in a session of its own, with its output in a file.

    The own session keeps Ctrl-C in a terminal away from the child, so that the parent decides
    in which order things end.

    Parameters
    ----------
    name : str
        How messages call it.
    command : sequence of str
        Program and arguments.
    output : Path
        File its standard output and error are appended to.
    ready : str
        Text that appears in the output once the process can be used.
    environment : mapping, optional
        Variables added to those of this process.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        output: Path,
        *,
        ready: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.output = output
        self._command = list(command)
        self._ready = ready.encode()
        self._environment = {"PYTHONUNBUFFERED": "1", **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._offset = 0

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process and self.running else None

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    def spawn(self) -> None:
        """Start the process without waiting until it is ready."""
        if self.running:
            raise ChildError(f"{self.name} is running already; stop it first.")
        self.output.parent.mkdir(parents=True, exist_ok=True)
        with self.output.open("ab") as output:
            self._offset = output.tell()
            self._process = subprocess.Popen(  # noqa: S603 - the caller's own command
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self._environment},
                start_new_session=True,
            )

    def wait_ready(self, timeout: float = 60.0) -> None:
        """Return once the process said that it is ready.

        Raises
        ------
        ChildError
            If it ends before, or says nothing for `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while self._ready not in self._said():
            if not self.running:
                raise ChildError(f"{self.name} ended before it was ready:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise ChildError(
                    f"{self.name} was not ready within {timeout:.0f} s:\n{self.tail()}"
                )
            time.sleep(_POLL)

    def start(self, timeout: float = 60.0) -> None:
        """Start the process and wait until it is ready."""
        self.spawn()
        self.wait_ready(timeout)

    def terminate(self) -> None:
        """Ask the process to end, without waiting for it."""
        if self._process is not None:
            self._process.terminate()

    def stop(self, grace: float = 30.0) -> None:
        """Ask the process to end, and make it end after `grace` seconds; silent when it has."""
        if self._process is None:
            return
        self.terminate()
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the process at once, as a power cut would (SIGKILL)."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def tail(self) -> str:
        """Return the last lines of the output since the latest start."""
        lines = self._said().decode(errors="replace").splitlines()
        return "\n".join(lines[-_TAIL_LINES:])

    def _said(self) -> bytes:
        with self.output.open("rb") as output:
            output.seek(self._offset)
            return output.read()


def kill_processes_using(folder: Path) -> list[int]:
    """End every process whose command line, folder or environment lies in `folder`.

    Runs outlive their node on purpose; when a whole network is removed they have to go, too.
    This process and those it was started by are spared. Does nothing where there is no ``/proc``.
    """
    # The whole path: /tmp/demo is not /tmp/demo-2.
    needle = re.compile(re.escape(os.fsencode(folder.resolve())) + rb"(?=[/\0:]|$)")
    spared = _with_ancestors(os.getpid())
    found = [pid for pid in _all_processes() if pid not in spared and _mentions(pid, needle)]
    for pid in found:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    return found


def _all_processes() -> list[int]:
    proc = Path("/proc")
    return [int(entry.name) for entry in proc.glob("[0-9]*")] if proc.is_dir() else []


def _with_ancestors(pid: int) -> set[int]:
    """Return a process and those that started it: who asked for the folder may be in it."""
    found: set[int] = set()
    while pid > 0 and pid not in found:
        found.add(pid)
        try:
            status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            break
        pid = int(status.rpartition(")")[2].split()[1])
    return found


def _mentions(pid: int, needle: re.Pattern[bytes]) -> bool:
    proc = Path("/proc") / str(pid)
    try:
        parts = [(proc / "cmdline").read_bytes(), (proc / "environ").read_bytes()]
        parts.append(os.fsencode((proc / "cwd").readlink()))
    except OSError:  # ended in the meantime, or not ours
        return False
    return any(needle.search(part) for part in parts)
