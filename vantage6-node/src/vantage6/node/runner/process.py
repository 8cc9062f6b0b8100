"""Runs algorithms as processes of the node's own account; for tests and development.

There is no isolation: an algorithm can read and do what the node can. What is the same as in
containers is all that an algorithm is told and all that it leaves.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from vantage6.common.status import RunStatus
from vantage6.common.wire.container import PACKAGE_NAME_VARIABLE
from vantage6.node.runner import launcher
from vantage6.node.runner.base import (
    Bind,
    RunHandle,
    RunOutput,
    RunPhase,
    RunSpec,
    RunState,
    StartError,
)
from vantage6.node.runner.environment import RunView, run_environment, write_context
from vantage6.node.runner.files import OutputError, read_output
from vantage6.node.runner.options import RunnerOptions

__all__ = ["ProcessRunner"]

_LOOPBACK = "127.0.0.1"
_LAUNCH_TIMEOUT = 60.0
_END_TIMEOUT = 5.0
_POLL_INTERVAL = 0.05  # only where the system cannot tell about the end of a process
_KEPT_VARIABLES = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")


class ProcessRunner:
    """Runs algorithms as processes that survive a restart of the node.

    Parameters
    ----------
    options : RunnerOptions
        Whose runs these are, folders, limits, and which package takes the place of which image.
    """

    def __init__(self, options: RunnerOptions) -> None:
        self._options = options
        self._states = options.data_folder / "processes"
        self._jobs = options.data_folder / "jobs"

    def prepare(self) -> None:
        """Do nothing: processes need no preparation."""

    def start(self, spec: RunSpec) -> RunHandle:
        """Start a run, or return the handle of the one already there for this run id.

        Raises
        ------
        StartError
            If the image has no package, or the process cannot be started.
        """
        package = self._package(spec.image)
        state = self._state(spec.run_id)
        if self._known(state) is None:
            spec.require_wanted()
        view = self._view(spec)
        write_context(spec, view)
        order = {
            "command": [
                self._options.process.python or sys.executable,
                "-c",
                self._options.process.entry_point,
            ],
            "folder": str(spec.folder),
            "environment": {
                **_base_environment(spec.folder),
                **run_environment(spec, view),
                PACKAGE_NAME_VARIABLE: package,
            },
            "log": str(self._log_file(spec.run_id)),
            "log_bytes": self._options.limits.log_bytes,
            "state": str(state),
        }
        for folder in (state, Path(view.scratch), self._options.log_folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _launch(spec.run_id, order)
        handle = self._known(state)
        if handle is None:
            raise StartError(
                f"The process of run {spec.run_id} did not come up; see the log of the node."
            )
        return handle

    def poll(self, handle: RunHandle) -> RunState:
        """Tell how the run is doing; never blocks."""
        ended = self._exited(handle)
        if ended is not None:
            return ended
        if _lives(handle):
            return RunState(RunPhase.RUNNING)
        # It may have ended between the two questions.
        return self._exited(handle) or RunState(
            RunPhase.GONE,
            reason=f"The process of run {handle.run_id} has disappeared, as after a restart of "
            "the machine; start the task again.",
        )

    def wait(self, handle: RunHandle, timeout: float) -> RunState:
        """Return as soon as the run ends, or after `timeout` seconds."""
        if self._exited(handle) is None:
            _await_end(handle, timeout)
        return self.poll(handle)

    def collect(self, handle: RunHandle, folder: Path) -> RunOutput:
        """Read output, log and exit code of a run that ended; may be repeated."""
        log_file = self._log_file(handle.run_id)
        log_file.touch(mode=0o600, exist_ok=True)
        exit_code = self.poll(handle).exit_code
        try:
            result = read_output(folder, self._options.limits.result_bytes)
        except OutputError as error:
            return RunOutput(exit_code, b"", log_file, str(error))
        return RunOutput(exit_code, result, log_file)

    def stop(self, handle: RunHandle, grace: float) -> None:
        """End the run with all its processes, forcibly after `grace` seconds."""
        if grace > 0:
            _signal(handle, signal.SIGTERM)
            if _await_end(handle, grace):
                return
        _signal(handle, signal.SIGINT)
        if not _await_end(handle, _END_TIMEOUT):
            _signal(handle, signal.SIGKILL)
            _await_end(handle, _END_TIMEOUT)

    def remove(self, handle: RunHandle) -> None:
        """Forget the run; one that is still going on is ended first."""
        if _lives(handle):
            self.stop(handle, 0)
        shutil.rmtree(self._state(handle.run_id), ignore_errors=True)

    def adopt(self) -> Iterable[RunHandle]:
        """Return handles of this node's runs that are still present, running or ended."""
        folders = sorted(self._states.iterdir()) if self._states.is_dir() else []
        handles = [self._known(folder) for folder in folders]
        return [handle for handle in handles if handle is not None]

    def image_digest(self, image: str) -> str | None:
        """Return None: processes come from no registry."""

    def close(self) -> None:
        """Do nothing: processes go on, and the runner holds nothing else."""

    def _package(self, image: str) -> str:
        packages = self._options.process.packages
        package = packages.get(image) or packages.get(_without_version(image))
        if package is None:
            raise StartError(
                f"The image {image!r} has no Python package on this node, which runs algorithms "
                "as processes; add it to the setting process_packages, or use the Docker runner.",
                RunStatus.NO_DOCKER_IMAGE,
            )
        return package

    def _view(self, spec: RunSpec) -> RunView:
        port = self._options.proxy.port
        if port is None:
            raise StartError(
                "The proxy of this node has no loopback port, so algorithms that run as processes "
                "cannot reach it; start the node with the runner 'process' in its settings."
            )
        return RunView(
            folder=str(spec.folder),
            scratch=str(self._jobs / str(spec.job_id)),
            proxy_host=_LOOPBACK,
            proxy_port=port,
            locations={
                label: str(database.source) if isinstance(database, Bind) else database
                for label, database in spec.databases.items()
            },
        )

    def _state(self, run_id: int) -> Path:
        return self._states / str(run_id)

    def _log_file(self, run_id: int) -> Path:
        return self._options.log_folder / f"{run_id}.log"

    def _known(self, state: Path) -> RunHandle | None:
        try:
            data = json.loads((state / launcher.HANDLE_FILE).read_text(encoding="ascii"))
        except FileNotFoundError:
            return None  # the launcher never got that far
        return RunHandle(int(state.name), data)

    def _exited(self, handle: RunHandle) -> RunState | None:
        file = self._state(handle.run_id) / launcher.EXIT_FILE
        try:
            return RunState(RunPhase.EXITED, exit_code=int(file.read_text(encoding="ascii")))
        except FileNotFoundError:
            return None


def _launch(run_id: int, order: Mapping[str, object]) -> None:
    # -E -s -S: without the environment and the packages of the node.
    command = [sys.executable, "-E", "-s", "-S", launcher.__file__]
    try:
        subprocess.run(  # noqa: S603 - no part of the command comes from outside
            command,
            input=json.dumps(order),
            capture_output=True,
            text=True,
            timeout=_LAUNCH_TIMEOUT,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        lines = str(getattr(error, "stderr", None) or error).strip().splitlines()
        raise StartError(
            f"The process of run {run_id} cannot be started: {lines[-1] if lines else error}."
        ) from error


def _base_environment(folder: Path) -> dict[str, str]:
    """Return what a program needs to work at all; nothing else of the node's environment."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {**kept, "HOME": str(folder), "LANG": "C.UTF-8"}


def _without_version(image: str) -> str:
    """Return an image reference without its tag and digest."""
    name = image.partition("@")[0]
    head, separator, last = name.rpartition("/")
    return f"{head}{separator}{last.partition(':')[0]}"


def _lives(handle: RunHandle) -> bool:
    started = launcher.start_time(int(handle.data["pid"]))
    return started is not None and started == str(handle.data["start"])


def _signal(handle: RunHandle, number: int) -> None:
    """Send a signal to the launcher, and to no other process that has its number by now."""
    with _process(handle) as descriptor, suppress(ProcessLookupError):
        if not _lives(handle):
            return
        if descriptor is None:
            os.kill(int(handle.data["pid"]), number)
        else:
            signal.pidfd_send_signal(descriptor, number)


def _await_end(handle: RunHandle, timeout: float) -> bool:
    """Wait until the launcher has ended; False if it lives on."""
    with _process(handle) as descriptor:
        if descriptor is not None and _lives(handle):
            poller = select.poll()
            poller.register(descriptor, select.POLLIN)
            poller.poll(max(0.0, timeout) * 1000)
            return not _lives(handle)
        return _await_end_by_asking(handle, timeout)


def _await_end_by_asking(handle: RunHandle, timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while _lives(handle):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_INTERVAL)
    return True


@contextmanager
def _process(handle: RunHandle) -> Iterator[int | None]:
    """Give a descriptor of the launcher's process, where the system has such a thing."""
    descriptor = None
    if sys.platform == "linux":
        with suppress(OSError):
            descriptor = os.pidfd_open(int(handle.data["pid"]))
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)
