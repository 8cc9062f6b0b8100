"""What a runner must be told about the node and the station it works for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

__all__ = [
    "DockerOptions",
    "Limits",
    "ProcessOptions",
    "ProxyAddress",
    "RegistryLogin",
    "RunOwner",
    "RunnerOptions",
    "instance_text",
]

_MEBIBYTE = 1024 * 1024
_ENTRY_POINT = "from vantage6.algorithm.tools.wrap import wrap_algorithm; wrap_algorithm()"
_INSTANCE_FILE = "instance"


def instance_text(data_folder: Path) -> str:
    """Return the text that tells the node with this data folder from all others.

    It is made at the first call and kept in the folder.
    """
    file = data_folder / _INSTANCE_FILE
    if not file.exists():
        draft = data_folder / f"{_INSTANCE_FILE}.{uuid4().hex}"
        draft.write_text(uuid4().hex, encoding="ascii")
        draft.replace(file)  # so that it is never seen half written
    return file.read_text(encoding="ascii").strip()


@dataclass(frozen=True)
class RunOwner:
    """Whose runs these are.

    Attributes
    ----------
    name, scope : str
        Configuration name of the node, and ``user`` or ``system``.
    instance : str
        Text that no other node on this machine has, and that stays the same over restarts; labels
        carry it, so that a node touches only what is its own. See `instance_text`.
    """

    name: str
    scope: str
    instance: str


@dataclass(frozen=True)
class Limits:
    """What one run may use.

    Attributes
    ----------
    result_bytes : int
        Largest output that is taken.
    log_bytes : int
        How much of a run's log is kept; of a longer one the beginning and the end.
    memory_bytes : int or None
        Memory of the container; None for no limit.
    cpus : float or None
        Processors the container may use; None for no limit.
    processes : int
        Processes and threads in the container.
    """

    result_bytes: int = 1024 * _MEBIBYTE
    log_bytes: int = 10 * _MEBIBYTE
    memory_bytes: int | None = None
    cpus: float | None = None
    processes: int = 1024


@dataclass(frozen=True)
class RegistryLogin:
    """Credentials for one image registry."""

    registry: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class ProxyAddress:
    """Where the node's proxy listens, as seen on the machine of the node.

    Attributes
    ----------
    socket : Path or None
        Unix socket, in a folder with nothing else in it.
    port : int or None
        TCP port on the loopback interface (or, in a container, on all of them).
    """

    socket: Path | None = None
    port: int | None = None


@dataclass(frozen=True)
class DockerOptions:
    """Settings of the Docker runner.

    Attributes
    ----------
    require_pull : bool
        Whether a failed pull means that the run cannot start, even with a local copy of the image.
    registries : tuple of RegistryLogin
        Credentials for pulls.
    relay_image : str
        Image with ``python3`` in which the relay between the runs and the proxy lives; not used
        when the node itself runs in a container.
    slot_pool : str
        Address range the networks of the runs are cut from. No address of it is ever given to
        this machine, so it may only clash with other Docker networks; those are avoided.
    warm_slots : int
        How many networks are made ready before the first run.
    scratch_days : float
        Days after which the scratch volume of a job is removed, when no run uses it.
    gpu : bool
        Whether runs get all graphics processors.
    services : Mapping[str, str]
        Alias to name of existing containers that each run may reach (``docker_services``).
    """

    require_pull: bool = True
    registries: tuple[RegistryLogin, ...] = ()
    relay_image: str = ""
    slot_pool: str = "198.18.0.0/15"
    warm_slots: int = 1
    scratch_days: float = 30.0
    gpu: bool = False
    services: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ProcessOptions:
    """Settings of the process runner.

    Attributes
    ----------
    packages : Mapping[str, str]
        Image name, as tasks give it, to the Python package that takes its place.
    python : str or None
        Interpreter with the packages; None for the node's own.
    entry_point : str
        Python program that runs the package named by ``PKG_NAME``.
    """

    packages: Mapping[str, str] = field(default_factory=dict)
    python: str | None = None
    entry_point: str = _ENTRY_POINT


@dataclass(frozen=True)
class RunnerOptions:
    """Everything `create_runner` needs.

    Attributes
    ----------
    kind : str
        ``docker`` or ``process``.
    owner : RunOwner
        Whose runs these are.
    data_folder : Path
        The node's data folder; the runner keeps its own files in subfolders of it.
    log_folder : Path
        Where the logs of runs go, as ``<run id>.log``.
    proxy : ProxyAddress
        Where runs reach the node.
    limits : Limits
        What one run may use.
    docker, process
        Settings of the one or the other runner.
    """

    kind: str
    owner: RunOwner
    data_folder: Path
    log_folder: Path
    proxy: ProxyAddress
    limits: Limits = field(default_factory=Limits)
    docker: DockerOptions = field(default_factory=DockerOptions)
    process: ProcessOptions = field(default_factory=ProcessOptions)
