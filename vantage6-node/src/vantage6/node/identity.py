"""Who this node is, and which folders of the data station it uses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vantage6.common.wire.container import run_folder_name

__all__ = ["NodeFolders", "NodeIdentity"]


@dataclass(frozen=True)
class NodeIdentity:
    """What the server says about the node that logged in.

    Attributes
    ----------
    node_id, organization_id, collaboration_id : int
        Identities on the server.
    node_name, organization_name : str
        Names on the server.
    encrypted : bool
        Whether the collaboration encrypts payloads.
    """

    node_id: int
    node_name: str
    organization_id: int
    organization_name: str
    collaboration_id: int
    encrypted: bool


@dataclass(frozen=True)
class NodeFolders:
    """Folders of one node, all below its data folder.

    Attributes
    ----------
    data : Path
        The node's data folder.
    """

    data: Path

    @property
    def database(self) -> Path:
        """The file with the run journal and the outbox."""
        return self.data / "node.sqlite"

    @property
    def runs(self) -> Path:
        """Folder with one folder and one log file per run."""
        return self.data / "runs"

    @property
    def jobs(self) -> Path:
        """Folder with one scratch folder per job."""
        return self.data / "jobs"

    @property
    def outbox(self) -> Path:
        """Folder with packed results that the server has not acknowledged yet."""
        return self.data / "outbox"

    @property
    def proxy(self) -> Path:
        """Folder with the proxy's socket."""
        return self.data / "proxy"

    def run(self, run_id: int) -> Path:
        """Return the folder that a run sees as its own."""
        return self.runs / run_folder_name(run_id)

    def run_log(self, run_id: int) -> Path:
        """Return where a run's log is kept at the station."""
        return self.runs / f"{run_id}.log"

    def create(self) -> None:
        """Make the folders, readable for the node's own account only."""
        for folder in (self.data, self.runs, self.jobs, self.outbox, self.proxy):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
