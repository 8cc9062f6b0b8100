"""What of this machine's disk a run gets to see, and where."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from docker.types import Mount

from vantage6.common.wire.container import DATA_FOLDER, SCRATCH_FOLDER, run_folder_name
from vantage6.node.runner.base import Bind, RunSpec

__all__ = ["HostPaths", "own_container", "run_folder_in_container", "run_mounts", "scratch_name"]

_CONTAINER_MARK = Path("/.dockerenv")
_OWN_ID = re.compile(r"/containers/([0-9a-f]{64})/")
_OTHERS_MAY_READ = 0o004
_ROOT = 0


class HostPaths:
    """Translates paths of the node's process to paths of the machine with the engine.

    They differ when the node runs in a container: the engine mounts what is on the machine.

    Parameters
    ----------
    mounts : Mapping[str, str]
        Mount point in the node's container to what is mounted there; empty outside of one.
    """

    def __init__(self, mounts: Mapping[str, str] | None = None) -> None:
        self._mounts = {PurePosixPath(target): source for target, source in (mounts or {}).items()}

    @classmethod
    def of_container(cls, details: Mapping[str, Any]) -> HostPaths:
        """Return the translation for the container that the engine describes so."""
        return cls({mount["Destination"]: mount["Source"] for mount in details["Mounts"]})

    def on_machine(self, path: Path) -> str:
        """Return where the engine finds a file or folder."""
        here = PurePosixPath(path)
        for parent in (here, *here.parents):
            if parent in self._mounts:
                return str(PurePosixPath(self._mounts[parent]) / here.relative_to(parent))
        return str(path)


def own_container(api: Any) -> dict[str, Any] | None:
    """Return the engine's description of the container this process is in, if it is in one."""
    if not _CONTAINER_MARK.exists():
        return None
    found = _OWN_ID.search(Path("/proc/self/mountinfo").read_text(encoding="utf-8"))
    details: dict[str, Any] = api.inspect_container(
        found.group(1) if found else socket.gethostname()
    )
    return details


def run_folder_in_container(run_id: int) -> str:
    """Return where a run sees its own folder."""
    return f"{DATA_FOLDER}/{run_folder_name(run_id)}"


def scratch_name(node_name: str, scope: str, job_id: int) -> str:
    """Name the volume that this node's runs of one job share (contract, node section 5)."""
    return f"vantage6-{node_name}-{scope}-{job_id}-tmpvol"


def run_mounts(spec: RunSpec, scratch: str, paths: HostPaths) -> list[Mount]:
    """Return the mounts of a run: its own folder, the scratch volume, the databases it may use."""
    binds = [
        Bind(spec.folder, run_folder_in_container(spec.run_id), read_only=False),
        *(database for database in spec.databases.values() if isinstance(database, Bind)),
    ]
    mounts = [
        Mount(bind.target, paths.on_machine(bind.source), type="bind", read_only=bind.read_only)
        for bind in binds
    ]
    return [*mounts, Mount(SCRATCH_FOLDER, scratch, type="volume")]


def needs_override(spec: RunSpec) -> bool:
    """Tell whether the account root in a container must be able to read files of others.

    Without capabilities, root is an account like others: a table that only its owner may read
    would be closed to the algorithm, although the station offers it.
    """
    sources = [bind.source for bind in spec.databases.values() if isinstance(bind, Bind)]
    return any(_is_closed(source) for source in sources)


def _is_closed(path: Path) -> bool:
    status = path.stat()
    return status.st_uid != _ROOT and (path.is_dir() or not status.st_mode & _OTHERS_MAY_READ)
