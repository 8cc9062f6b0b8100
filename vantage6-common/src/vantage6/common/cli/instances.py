"""Commands that are the same for every kind of instance: start, stop, list, files, attach.

A running instance holds a lock on its process file for as long as it lives, so that a crash or
a re-used process id never makes it look alive; the file says which process it is and when it
started.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

from vantage6.common.cli import output
from vantage6.common.clock import Clock, SystemClock, iso_utc
from vantage6.common.config.context import InstanceContext
from vantage6.common.enums import InstanceType
from vantage6.common.errors import ConfigurationError, V6Error
from vantage6.common.files import lock_file
from vantage6.common.log import DETACHED_VARIABLE

__all__ = [
    "InstanceError",
    "RunningProcess",
    "attach",
    "context_options",
    "files",
    "holding",
    "list_instances",
    "running",
    "select",
    "start_detached",
    "stop",
]

_POLL = 0.1
_LOCK_ATTEMPTS = 20
_GRACE = 10.0
_TAIL_LINES = 15
_NAME_WIDTH = 25
_HEADER_RULE = 53
_CLOSING_RULES = {InstanceType.SERVER: 85, InstanceType.NODE: 53}
_LABEL_WIDTH = 18
_ERROR_LABEL = "[error] - "
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has one signal for both

F = TypeVar("F", bound=Callable[..., Any])


class InstanceError(V6Error):
    """An instance cannot be started, stopped or followed."""


@dataclass(frozen=True)
class RunningProcess:
    """The process of a running instance.

    Parameters
    ----------
    pid : int
        Its id.
    started_at : str
        When it started, ISO 8601.
    """

    pid: int
    started_at: str


# -- choosing -----------------------------------------------------------------------------------


def context_options(*, default_system: bool) -> Callable[[F], F]:
    """Return a decorator that adds ``--name``, ``--config`` and ``--system/--user``.

    The command receives them as ``name``, ``config`` and ``system``.
    """
    import click

    def decorate(command: F) -> F:
        for option in (
            click.option(
                "--system/--user",
                "system",
                default=default_system,
                help="Use the folders of the system or those of the user"
                f" (default: {'system' if default_system else 'user'}).",
            ),
            click.option(
                "-c", "--config", default=None, help="Configuration file; wins over --name."
            ),
            click.option("-n", "--name", default=None, help="Name of the configuration."),
        ):
            command = option(command)
        return command

    return decorate


def select(
    kind: InstanceType, name: str | None, config: str | None, *, system: bool
) -> InstanceContext:
    """Return the instance the options name, or let the user at a terminal choose one.

    Raises
    ------
    ConfigurationError
        If there is none, or several and nobody to ask.
    """
    available = InstanceContext.available(kind, system=system)
    several = len(available) > 1
    if name is None and config is None and several and sys.stdin.isatty():
        name = _ask([context.name for context in available], kind)
    return InstanceContext.find(kind, name, config, system)


def _ask(names: Sequence[str], kind: InstanceType) -> str:
    import click

    for number, name in enumerate(names, start=1):
        output.plain(f"{number:3} {name}")
    number = click.prompt(
        f"Which {kind.value}", type=click.IntRange(1, len(names)), default=1, show_default=True
    )
    return names[number - 1]


# -- running ------------------------------------------------------------------------------------


@contextmanager
def holding(context: InstanceContext) -> Iterator[None]:
    """Mark the instance as running in this process for the time of the block.

    Raises
    ------
    InstanceError
        If it runs already.
    """
    context.make_folders()
    path = _process_file(context)
    with path.open("a+", encoding="utf-8") as file:
        if not _locked(file):
            raise _already_running(context)
        _write_process(file)
        try:
            yield
        finally:
            file.truncate(0)


def running(context: InstanceContext) -> RunningProcess | None:
    """Return the process of an instance, or None if it is not running.

    Raises
    ------
    InstanceError
        If its data folder belongs to another user.
    """
    try:
        with _process_file(context).open(encoding="utf-8") as file:
            if lock_file(file):
                return None
            file.seek(0)
            return RunningProcess(**json.loads(file.read()))
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise InstanceError(
            f"Whether the {context.kind.value} {context.name} runs cannot be seen, because "
            f"{context.data_dir} belongs to another user; ask as that user."
        ) from error
    except (ValueError, TypeError):
        # It took the lock a moment ago and has not written its id yet.
        return RunningProcess(0, "")


def start_detached(
    context: InstanceContext,
    command: Sequence[str],
    ready: str,
    timeout: float = 60.0,
    clock: Clock | None = None,
) -> RunningProcess:
    """Start an instance in the background and return once it is ready.

    Parameters
    ----------
    context : InstanceContext
        The instance.
    command : sequence of str
        Runs it in the foreground; has to use `holding`.
    ready : str
        Text in its output that tells that it is ready.
    timeout : float
        Seconds to wait for that.
    clock : Clock, optional
        The time.

    Raises
    ------
    InstanceError
        If it runs already, ends at once, or is not ready in time; the message has the last
        lines of its output.
    """
    if running(context):
        raise _already_running(context)
    context.make_folders()
    console_file = context.log_dir / f"{context.kind.value}_{context.scope}.out"
    with console_file.open("wb") as console:
        process = subprocess.Popen(  # noqa: S603 - our own command
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", DETACHED_VARIABLE: "1"},
        )
    _wait_until_ready(
        process, context, console_file, ready, timeout=timeout, clock=clock or SystemClock()
    )
    started = running(context) or RunningProcess(process.pid, "")
    # It is on its own from here on; without a code, Popen would complain that it still runs.
    process.returncode = 0
    return started


def stop(
    context: InstanceContext,
    timeout: float = 30.0,
    *,
    force: bool = False,
    clock: Clock | None = None,
) -> bool:
    """Stop an instance and return whether it was running.

    Parameters
    ----------
    context : InstanceContext
        The instance.
    timeout : float
        Seconds it has for an orderly end, before it is killed.
    force : bool
        Whether to kill it at once.
    clock : Clock, optional
        The time.

    Raises
    ------
    InstanceError
        If it belongs to someone else, or does not even end when it is killed.
    """
    clock = clock or SystemClock()
    process = running(context)
    if process is None or not process.pid:
        return False
    _signal(process.pid, _KILL if force else signal.SIGTERM, context)
    if _wait_until_gone(context, timeout, clock):
        return True
    _signal(process.pid, _KILL, context)
    if _wait_until_gone(context, timeout, clock):
        return True
    raise InstanceError(
        f"The {context.kind.value} {context.name} (process {process.pid}) does not end; "
        "end it with the tools of the system."
    )


# -- looking ------------------------------------------------------------------------------------


def list_instances(kind: InstanceType) -> None:
    """Print a table of all configurations of both scopes and whether they run."""
    output.plain()
    output.plain(f"{'Name':<{_NAME_WIDTH}}{'Status':<16}System/User")
    output.plain("-" * _HEADER_RULE)
    for system in (True, False):
        for context in InstanceContext.available(kind, system=system):
            _print_row(context)
    output.plain("-" * _CLOSING_RULES[kind])


def files(context: InstanceContext, further: Sequence[tuple[str, object]] = ()) -> None:
    """Print where the files of an instance lie.

    Parameters
    ----------
    context : InstanceContext
        The instance.
    further : sequence of (str, object)
        Further labels and values.
    """
    lines = [
        ("Configuration file", context.config_file),
        ("Log file", context.log_file),
        *further,
    ]
    for label, value in lines:
        output.info(f"{label:<{_LABEL_WIDTH}} = {value}")


def attach(context: InstanceContext, clock: Clock | None = None) -> None:
    """Print the log of a running instance as it grows, until it ends or the user has enough.

    An instance that is not running is no failure (contract, cli section 2.6).
    """
    if running(context) is None:
        output.error(
            f"The {context.kind.value} {context.name} is not running; "
            f"start it with: v6 {context.kind.value} start --name {context.name}"
        )
        return
    clock = clock or SystemClock()
    try:
        for line in _followed(context, clock):
            output.plain(line)
    except KeyboardInterrupt:
        output.info(f"The {context.kind.value} goes on; this only ends following its log.")


# -- parts --------------------------------------------------------------------------------------


def _process_file(context: InstanceContext) -> Path:
    # The name is part of it, because two configurations may share a data folder.
    return context.data_dir / f"{context.kind.value}_{context.name}_{context.scope}.pid"


def _locked(file: IO[str], clock: Clock | None = None) -> bool:
    """Take the lock; who only looks whether the instance runs holds it for a moment, too."""
    clock = clock or SystemClock()
    for _ in range(_LOCK_ATTEMPTS):
        if lock_file(file):
            return True
        clock.sleep(_POLL / 10)
    return False


def _write_process(file: IO[str]) -> None:
    file.truncate(0)
    json.dump({"pid": os.getpid(), "started_at": iso_utc(SystemClock().now())}, file)
    file.flush()


def _already_running(context: InstanceContext) -> InstanceError:
    return InstanceError(
        f"The {context.kind.value} {context.name} is already running; "
        f"stop it first with: v6 {context.kind.value} stop --name {context.name}"
    )


def _wait_until_ready(
    process: subprocess.Popen[bytes],
    context: InstanceContext,
    console_file: Path,
    ready: str,
    *,
    timeout: float,
    clock: Clock,
) -> None:
    what = f"The {context.kind.value} {context.name}"
    deadline = clock.monotonic() + timeout
    while True:
        shown = console_file.read_text(encoding="utf-8", errors="replace")
        if ready in shown:
            return
        code = process.poll()
        if code is not None:
            last = f"{what} ended at once with exit code {code}:{_tail(shown)}"
            raise InstanceError(_own_words(shown) or last)
        if clock.monotonic() > deadline:
            _end(process)
            raise InstanceError(
                f"{what} was not ready within {timeout:.0f} s and was stopped:{_tail(shown)}"
            )
        clock.sleep(_POLL)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _own_words(shown: str) -> str | None:
    """Return the sentence with which an instance says why it does not start, if it does."""
    last = shown.strip().rpartition("\n")[2]
    return last.removeprefix(_ERROR_LABEL) if last.startswith(_ERROR_LABEL) else None


def _tail(text: str) -> str:
    lines = text.strip().splitlines()[-_TAIL_LINES:]
    return "\n" + "\n".join(lines) if lines else " it said nothing."


def _signal(pid: int, number: signal.Signals, context: InstanceContext) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise InstanceError(
            f"The {context.kind.value} {context.name} (process {pid}) belongs to another user; "
            "stop it as that user."
        ) from error


def _wait_until_gone(context: InstanceContext, timeout: float, clock: Clock) -> bool:
    deadline = clock.monotonic() + timeout
    while running(context) is not None:
        if clock.monotonic() > deadline:
            return False
        clock.sleep(_POLL)
    return True


def _print_row(context: InstanceContext) -> None:
    context, problem = _with_folders(context)
    status = "Invalid" if problem else _status(context)
    output.plain(f"{context.name:<{_NAME_WIDTH}}{status:<16} {context.scope.capitalize()}")
    if problem:
        output.warning(problem)


def _status(context: InstanceContext) -> str:
    try:
        return "Running" if running(context) else "Not running"
    except InstanceError:
        return "Unknown"


def _with_folders(context: InstanceContext) -> tuple[InstanceContext, str | None]:
    try:
        return context.with_folders_of(context.read()), None
    except ConfigurationError as error:
        return context, str(error)


def _followed(context: InstanceContext, clock: Clock) -> Iterator[str]:
    """Give the lines of the log file, across rotations, as long as the instance runs."""
    path = context.log_file
    inode, offset = -1, 0
    while True:
        alive = running(context) is not None
        status = path.stat() if path.exists() else None
        if status is not None:
            if status.st_ino != inode or status.st_size < offset:
                inode, offset = status.st_ino, 0
            lines, offset = _complete_lines(path, offset)
            yield from lines
        if not alive:
            return
        clock.sleep(_POLL)


def _complete_lines(path: Path, offset: int) -> tuple[list[str], int]:
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read()
    end = data.rfind(b"\n") + 1
    return data[:end].decode("utf-8", "replace").splitlines(), offset + end
