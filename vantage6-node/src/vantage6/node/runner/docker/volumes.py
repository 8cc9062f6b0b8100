"""What of this machine's disk a run gets to see, and where."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath
from typing import Any

from docker.errors import APIError, NotFound
from docker.types import Mount

from vantage6.common.wire.container import DATA_FOLDER, SCRATCH_FOLDER, run_folder_name
from vantage6.node.runner.base import Bind, RunSpec
from vantage6.node.runner.docker.engine import (
    Purpose,
    explanation,
    is_ours,
    label_filter,
    our_labels,
)
from vantage6.node.runner.options import RunOwner

__all__ = ["HostPaths", "ScratchVolumes", "own_container", "run_folder_in_container", "run_mounts"]

_CONTAINER_MARK = Path("/.dockerenv")
_MOUNTS = Path("/proc/self/mountinfo")
_OWN_ID = re.compile(r"/containers/([0-9a-f]{64})/")
_OTHERS_MAY_READ = 0o004
_ROOT = 0
_SCRATCH_ENDING = "tmpvol"  # by which the command `v6 node clean` knows them
_DAY = 86400.0

_log = logging.getLogger(__name__)


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
    """Return the engine's description of the container this process is in.

    None means that the process is in no container of this engine: it runs on the machine itself,
    or in a container of someone else's.
    """
    if not _CONTAINER_MARK.exists():
        return None
    found = _OWN_ID.search(_MOUNTS.read_text(encoding="utf-8"))
    try:
        details: dict[str, Any] = api.inspect_container(
            found.group(1) if found else socket.gethostname()
        )
    except NotFound:
        return None
    return details


def run_folder_in_container(run_id: int) -> str:
    """Return where a run sees its own folder."""
    return f"{DATA_FOLDER}/{run_folder_name(run_id)}"


class ScratchVolumes:
    """The volumes that runs of one job share.

    Parameters
    ----------
    api : docker.APIClient
        The engine.
    owner : RunOwner
        Whose volumes these are.
    """

    def __init__(self, api: Any, owner: RunOwner) -> None:
        self._api = api
        self._owner = owner

    def ensure(self, job_id: int) -> str:
        """Make the volume of a job if there is none yet, and return its name.

        The name is the contract's (node, section 5), unless a node with the same name, for
        another server, has it: what runs leave there is not for others.
        """
        stem = f"vantage6-{self._owner.name}-{self._owner.scope}-{job_id}"
        name = f"{stem}-{_SCRATCH_ENDING}"
        if not self._is_ours(name):
            name = f"{stem}-{self._owner.instance[:8]}-{_SCRATCH_ENDING}"
            self._is_ours(name)
        return name

    def remove_old(self, days: float) -> None:
        """Remove volumes made longer ago than `days` that no container uses."""
        filters = label_filter(self._owner, Purpose.SCRATCH)
        for volume in self._api.volumes(filters=filters)["Volumes"] or ():
            made = datetime.fromisoformat(volume["CreatedAt"].replace("Z", "+00:00"))
            if (datetime.now(timezone.utc) - made).total_seconds() < days * _DAY:
                continue
            try:
                self._api.remove_volume(volume["Name"])
            except APIError as error:
                _log.debug("The volume %s stays: %s", volume["Name"], explanation(error))

    def _is_ours(self, name: str) -> bool:
        """Make a volume, or find the one with this name, and tell whether it is ours."""
        labels = our_labels(self._owner, Purpose.SCRATCH)
        return is_ours(self._api.create_volume(name, labels=labels)["Labels"], self._owner)


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
