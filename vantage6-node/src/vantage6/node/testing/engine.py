"""A runner that only pretends, over an engine that outlives it as containers outlive a node."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from vantage6.node.runner.base import (
    RunHandle,
    RunnerUnavailableError,
    RunOutput,
    RunPhase,
    RunSpec,
    RunState,
)

__all__ = ["FakeEngine", "FakeRunner"]


@dataclass
class _Container:
    spec: RunSpec
    exit_code: int | None = None


class FakeEngine:
    """Holds the containers, and counts.

    Parameters
    ----------
    algorithm : callable, optional
        What a run computes: from its specification to exit code and output. Without it, runs go
        on until `finish` is called.

    Attributes
    ----------
    starts, stops, removals : Counter
        How often each happened, by run id.
    is_away : bool
        Whether every call fails.
    """

    def __init__(self, algorithm: Callable[[RunSpec], tuple[int, bytes]] | None = None) -> None:
        self._algorithm = algorithm
        self.changed = threading.Condition()
        self.containers: dict[int, _Container] = {}
        self.starts: Counter[int] = Counter()
        self.stops: Counter[int] = Counter()
        self.removals: Counter[int] = Counter()
        self.is_away = False
        self.specs: dict[int, RunSpec] = {}

    def start(self, spec: RunSpec) -> None:
        """Make a container; what it computes is there at once."""
        with self.changed:
            container = _Container(spec)
            self.containers[spec.run_id] = container
            self.specs[spec.run_id] = spec
            self.starts[spec.run_id] += 1
            if self._algorithm is not None:
                code, output = self._algorithm(spec)
                self._end(container, code, output)

    def finish(self, run_id: int, exit_code: int = 0, output: bytes = b'"done"') -> None:
        """Let an algorithm end."""
        with self.changed:
            self._end(self.containers[run_id], exit_code, output)

    def running(self) -> list[int]:
        """Return the ids of the runs whose algorithm goes on."""
        return [id_ for id_, each in self.containers.items() if each.exit_code is None]

    def _end(self, container: _Container, exit_code: int, output: bytes) -> None:
        (container.spec.folder / "output").write_bytes(output)
        container.exit_code = exit_code
        self.changed.notify_all()


class FakeRunner:
    """The runner interface over a `FakeEngine`.

    Parameters
    ----------
    engine : FakeEngine
        Where the runs are.
    log_folder : Path
        Where logs would be.
    between : callable, optional
        Called before and after everything that changes the engine, with a name for the moment;
        tests let the node crash there.
    """

    def __init__(
        self,
        engine: FakeEngine,
        log_folder: Path,
        between: Callable[[str], None] = lambda _moment: None,
    ) -> None:
        self._engine = engine
        self._log_folder = log_folder
        self._between = between

    def prepare(self) -> None:
        """Do nothing."""

    def start(self, spec: RunSpec) -> RunHandle:
        """Start a run, or return the handle of the one already there."""
        self._check()
        if spec.run_id not in self._engine.containers:
            spec.require_wanted()
            self._between("before start")
            self._engine.start(spec)
            self._between("after start")
        return RunHandle(spec.run_id, {"container": f"c{spec.run_id}"})

    def poll(self, handle: RunHandle) -> RunState:
        """Tell how the run is doing."""
        self._check()
        container = self._engine.containers.get(handle.run_id)
        if container is None:
            return RunState(RunPhase.GONE)
        if container.exit_code is None:
            return RunState(RunPhase.RUNNING)
        return RunState(RunPhase.EXITED, container.exit_code)

    def wait(self, handle: RunHandle, timeout: float) -> RunState:
        """Return as soon as the run ends."""
        with self._engine.changed:
            self._engine.changed.wait_for(
                lambda: self.poll(handle).phase is not RunPhase.RUNNING, timeout
            )
        return self.poll(handle)

    def collect(self, handle: RunHandle, folder: Path) -> RunOutput:
        """Read what the run left."""
        self._between("before collect")
        state = self.poll(handle)
        try:
            result = (folder / "output").read_bytes()
        except OSError as error:
            return RunOutput(state.exit_code, b"", self._log(handle), f"No output ({error}).")
        return RunOutput(state.exit_code, result, self._log(handle))

    def stop(self, handle: RunHandle, grace: float) -> None:
        """End the run."""
        self._check()
        self._between("before stop")
        container = self._engine.containers.get(handle.run_id)
        if container is not None and container.exit_code is None:
            self._engine.stops[handle.run_id] += 1
            self._engine.finish(handle.run_id, exit_code=137, output=b"")
        self._between("after stop")

    def remove(self, handle: RunHandle) -> None:
        """Remove the run."""
        self._check()
        self._between("before remove")
        with self._engine.changed:
            if self._engine.containers.pop(handle.run_id, None) is not None:
                self._engine.removals[handle.run_id] += 1
            self._engine.changed.notify_all()
        self._between("after remove")

    def adopt(self) -> Iterable[RunHandle]:
        """Return what is there."""
        self._check()
        return [RunHandle(id_, {"container": f"c{id_}"}) for id_ in self._engine.containers]

    def image_digest(self, image: str) -> str | None:
        """Know no registry."""
        return None

    def close(self) -> None:
        """Do nothing: the engine goes on."""

    def _check(self) -> None:
        if self._engine.is_away:
            raise RunnerUnavailableError("The fake engine is away.")

    def _log(self, handle: RunHandle) -> Path:
        return self._log_folder / f"{handle.run_id}.log"
