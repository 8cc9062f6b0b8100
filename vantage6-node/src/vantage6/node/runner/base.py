"""The narrow interface between the node and whatever runs algorithms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from vantage6.common.errors import V6Error
from vantage6.common.status import RunStatus

__all__ = [
    "Bind",
    "RunContext",
    "RunHandle",
    "RunOutput",
    "RunPhase",
    "RunSpec",
    "RunState",
    "Runner",
    "RunnerUnavailableError",
    "StartError",
]


@dataclass(frozen=True)
class Bind:
    """One file or folder of the host that a run may see.

    Attributes
    ----------
    source : Path
        Absolute path on the host.
    target : str
        Absolute path the algorithm sees.
    read_only : bool
        Whether the algorithm may only read it.
    """

    source: Path
    target: str
    read_only: bool = True


@dataclass(frozen=True)
class RunContext:
    """What the file ``run_context.json`` says beyond what the runner knows itself.

    Attributes
    ----------
    method : str
        Function the task asks for; empty if it names none.
    args, kwargs
        Its arguments.
    node_id, collaboration_id : int
        Identities on the server.
    database_arguments : Mapping[str, Mapping]
        Label to the ``arguments`` of the task's database parameters, where given.
    """

    method: str
    args: list[Any]
    kwargs: dict[str, Any]
    node_id: int
    collaboration_id: int
    database_arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class RunSpec:
    """Everything a runner needs to start one run.

    Attributes
    ----------
    run_id, task_id, job_id : int
        Identities on the server.
    image : str
        Image reference exactly as in the task.
    folder : Path
        The run's folder on the host; holds ``input``, ``token`` and an empty ``output``.
    environment : Mapping[str, str]
        Plain, undecoded values that do not depend on the runner (requested labels, query,
        algorithm settings …). The runner adds the file, folder, proxy and database variables,
        whose values depend on what the algorithm sees, and encodes all of them.
    databases : Mapping[str, Bind | str]
        Label to file or folder, or to the URI text; only the databases the task asked for.
    database_types : Mapping[str, str]
        Label to type.
    context : RunContext or None
        Given when the run gets a ``run_context.json``.
    is_wanted : callable
        Asked right before the algorithm starts: getting its image may take long, and a run killed
        meanwhile must not start.
    """

    run_id: int
    task_id: int
    job_id: int
    image: str
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    databases: Mapping[str, Bind | str] = field(default_factory=dict)
    database_types: Mapping[str, str] = field(default_factory=dict)
    context: RunContext | None = None
    is_wanted: Callable[[], bool] = field(default=lambda: True, repr=False, compare=False)

    def require_wanted(self) -> None:
        """Check that the run is still wanted.

        Raises
        ------
        StartError
            If it is not.
        """
        if not self.is_wanted():
            raise StartError(
                f"Run {self.run_id} was killed before it had started.", RunStatus.KILLED
            )


@dataclass(frozen=True)
class RunHandle:
    """Where a started run lives; plain JSON, so that it survives a restart of the node."""

    run_id: int
    data: Mapping[str, Any]


class RunPhase(str, Enum):
    """What the runner knows of a run."""

    RUNNING = "running"
    EXITED = "exited"
    GONE = "gone"


@dataclass(frozen=True)
class RunState:
    """Answer to a poll; `exit_code` is given when the phase is ``EXITED``."""

    phase: RunPhase
    exit_code: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class RunOutput:
    """What a finished run left.

    Attributes
    ----------
    exit_code : int or None
        None when it cannot be known.
    result : bytes
        Content of the output file; empty when there is none.
    log_file : Path
        The run's log at the station.
    reason : str or None
        One sentence when the output could not be taken as it is (missing, too large, not a
        regular file), else None.
    """

    exit_code: int | None
    result: bytes
    log_file: Path
    reason: str | None = None


class StartError(V6Error):
    """A run could not be started.

    Parameters
    ----------
    message : str
        One sentence: what, why, and what to do.
    status : RunStatus
        The final status this gives the run.
    """

    def __init__(self, message: str, status: RunStatus = RunStatus.START_FAILED) -> None:
        super().__init__(message)
        self.status = status


class RunnerUnavailableError(V6Error):
    """What runs the algorithms does not answer at the moment; the same call may work later."""


class Runner(Protocol):
    """Starts runs, watches them and cleans up after them.

    Any method may raise `RunnerUnavailableError`; nothing is known about the runs then.
    """

    def prepare(self) -> None:
        """Make ready for the next run and remove what is left of old ones; call it now and then.

        It may take long, and it may be left out: `start` makes whatever is missing.
        """
        ...

    def start(self, spec: RunSpec) -> RunHandle:
        """Start a run, or return the handle of the one already there for this run id.

        Raises
        ------
        StartError
            If it cannot be started; nothing is left behind.
        """
        ...

    def poll(self, handle: RunHandle) -> RunState:
        """Tell how the run is doing; never blocks."""
        ...

    def wait(self, handle: RunHandle, timeout: float) -> RunState:
        """Return as soon as the run ends, or after `timeout` seconds."""
        ...

    def collect(self, handle: RunHandle, folder: Path) -> RunOutput:
        """Read output, log and exit code of a run that ended; may be repeated."""
        ...

    def stop(self, handle: RunHandle, grace: float) -> None:
        """End the run, forcibly after `grace` seconds; silent when it is gone already."""
        ...

    def remove(self, handle: RunHandle) -> None:
        """Remove what the runner made for the run; silent when it is gone already."""
        ...

    def adopt(self) -> Iterable[RunHandle]:
        """Return handles of this node's runs that are still present, running or ended."""
        ...

    def image_digest(self, image: str) -> str | None:
        """Return the digest the registry has for an image, or None if it cannot be known."""
        ...

    def close(self) -> None:
        """Release what is not tied to a run; running runs go on.

        What runs still need (their network, the way to the proxy) stays as long as a run is
        left; without one, all that the runner made is removed.
        """
        ...
