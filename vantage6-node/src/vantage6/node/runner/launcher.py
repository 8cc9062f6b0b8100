"""Starts one algorithm as a process and stays with it; runs as a script of its own.

The node may end and start again meanwhile, so all that it needs to know is in files: the
launcher's process in ``handle.json``, and at the end the exit code in ``exit``. Only the standard
library is used, and none of the node's packages, so that it starts in a few milliseconds.

SIGTERM asks the algorithm to end; SIGINT ends it and everything it has started at once.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import selectors
import signal
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

try:
    from vantage6.node.runner.bounded_log import BoundedLog
except ImportError:  # as a script: the folder of this file comes first on the path
    from bounded_log import BoundedLog  # type: ignore[import-not-found,no-redef]

__all__ = ["EXIT_FILE", "HANDLE_FILE", "exit_code_of", "main", "start_time"]

HANDLE_FILE = "handle.json"
EXIT_FILE = "exit"
_LOCK_FILE = "lock"
_CHUNK = 64 * 1024
_NOT_STARTED = 127
_SIGNAL_BASE = 128
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_START_TIME_FIELD = 19  # counted from the state, which follows the name in parentheses
_DEAD_STATES = ("Z", "X")


def start_time(pid: int) -> str | None:
    """Return a text that only this process with this number has, or None if it does not live."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return None if Path("/proc/self").exists() else _start_time_from_ps(pid)
    except ProcessLookupError:
        return None
    after_name = fields.rpartition(")")[2].split()
    return None if after_name[0] in _DEAD_STATES else after_name[_START_TIME_FIELD]


def _start_time_from_ps(pid: int) -> str | None:
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return answer.stdout.strip() or None


def exit_code_of(return_code: int) -> int:
    """Return the code a shell would give: 128 and the signal's number for a signal."""
    return return_code if return_code >= 0 else _SIGNAL_BASE - return_code


def main() -> None:
    """Read the order from standard input, start the algorithm, and return to the caller at once.

    The order is a JSON object with ``command``, ``folder``, ``environment``, ``log``,
    ``log_bytes`` and ``state`` (the folder for the launcher's own files).
    """
    order = json.load(sys.stdin)
    state = Path(order["state"])
    lock = (state / _LOCK_FILE).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return  # another launcher is with this run already
    if (state / EXIT_FILE).exists():
        return
    log = BoundedLog(Path(order["log"]), int(order["log_bytes"]))
    ready_end, launcher_end = os.pipe()
    if os.fork():
        os.close(launcher_end)
        os.read(ready_end, 1)
        return
    os.close(ready_end)
    _leave_caller()
    signals = _signals_as_bytes()
    _write(state / HANDLE_FILE, json.dumps({"pid": os.getpid(), "start": start_time(os.getpid())}))
    os.close(launcher_end)
    with log:
        exit_code = _run(order, log, signals)
    _write(state / EXIT_FILE, str(exit_code))


def _leave_caller() -> None:
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    # Processes that leave the algorithm's session stay ours, so they can be ended with it.
    _process_control(_PR_SET_CHILD_SUBREAPER, 1)


def _die_with(launcher: int) -> None:
    """Let the algorithm end with its launcher, for nobody else could tell of its end."""
    _process_control(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != launcher:  # it was killed before it could matter
        os._exit(_NOT_STARTED)


def _process_control(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _run(order: dict[str, Any], log: BoundedLog, signals: int) -> int:
    """Run the algorithm to its end and return its exit code."""
    reading, writing = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: S603 - the command is the node's own
            order["command"],
            cwd=order["folder"],
            env=order["environment"],
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=partial(_die_with, os.getpid()),  # noqa: PLW1509 - no threads here
        )
    except OSError as error:
        log.write(f"The algorithm cannot be started: {error}\n".encode())
        return _NOT_STARTED
    os.close(writing)
    _watch(process, reading, signals, log)
    _end_descendants(process.pid)
    _drain(reading, log)
    return exit_code_of(process.returncode)


def _signals_as_bytes() -> int:
    """Let each signal of interest arrive as a byte to read, and return where."""
    reading, writing = os.pipe()
    for descriptor in (reading, writing):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return reading


def _watch(process: subprocess.Popen[bytes], output: int, signals: int, log: BoundedLog) -> None:
    """Copy output and pass on signals until the algorithm's first process has ended."""
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        selector.register(signals, selectors.EVENT_READ)
        while process.poll() is None:
            for key, _ in selector.select():
                if key.fd == signals:
                    _pass_on(os.read(signals, _CHUNK), process)
                elif not _copy(output, log):
                    selector.unregister(output)


def _pass_on(numbers: bytes, process: subprocess.Popen[bytes]) -> None:
    if signal.SIGINT in numbers:
        _signal_group(process.pid, signal.SIGKILL)
    elif signal.SIGTERM in numbers:
        _signal_group(process.pid, signal.SIGTERM)


def _copy(output: int, log: BoundedLog) -> bool:
    """Copy what there is; False at the end of the output."""
    chunk = os.read(output, _CHUNK)
    with suppress(OSError):  # a full disk must not hold the algorithm up; the log ends here
        log.write(chunk)
    return bool(chunk)


def _drain(output: int, log: BoundedLog) -> None:
    """Copy what is left in the pipe, without waiting for whoever still holds its other end."""
    os.set_blocking(output, False)
    with suppress(BlockingIOError):
        while _copy(output, log):
            pass


def _end_descendants(group: int) -> None:
    """End what the algorithm left behind: first its group, then what came to us as orphans."""
    _signal_group(group, signal.SIGKILL)
    while children := _children():
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        os.waitpid(-1, 0)


def _children() -> list[int]:
    try:
        text = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(pid) for pid in text.split()]


def _signal_group(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _write(path: Path, text: str) -> None:
    """Write a small file so that it is there completely or not at all, also after a power cut."""
    draft = path.with_suffix(".new")
    with draft.open("w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


if __name__ == "__main__":
    main()
