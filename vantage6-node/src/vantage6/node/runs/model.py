"""What the node knows of a run: the facts the server gave, and how far it has come here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from vantage6.common.status import RunStatus
from vantage6.node.datasources.requests import RequestedDatabase
from vantage6.node.runner.base import RunHandle

__all__ = ["OfferedRun", "RunFacts", "RunRecord", "RunStage"]


@dataclass(frozen=True)
class RunFacts:
    """What the server says about a run and its task; does not change.

    Attributes
    ----------
    run_id, task_id, job_id : int
        Identities on the server.
    image : str
        Image reference exactly as in the task.
    init_org_id : int
        Organization that gets the result.
    init_user_id, store_id, parent_id : int or None
        User who started the job, algorithm store, and parent task.
    created_at : str
        When the task was created, as the server writes it. Together with the ids it tells runs
        of a replaced server database apart.
    databases : tuple of RequestedDatabase
        Databases in the order of the task.
    has_blob : bool
        Whether input and result are kept in the server's blob store.
    """

    run_id: int
    task_id: int
    job_id: int
    image: str
    init_org_id: int
    init_user_id: int | None = None
    store_id: int | None = None
    parent_id: int | None = None
    created_at: str = ""
    databases: tuple[RequestedDatabase, ...] = ()
    has_blob: bool = False

    @property
    def fingerprint(self) -> str:
        """Text that is equal for two offers of the same run only."""
        return f"{self.run_id}/{self.task_id}/{self.created_at}"

    @property
    def is_subtask(self) -> bool:
        """Whether an algorithm, not a user, asked for the run."""
        return self.parent_id is not None


@dataclass(frozen=True)
class OfferedRun:
    """An open run as the server lists it; `input_text` is its input as it travels."""

    facts: RunFacts
    input_text: str | None


class RunStage(str, Enum):
    """How far a run has come at this node; kept in the journal."""

    QUEUED = "queued"
    """Known, waiting for its turn."""
    CHECKING = "checking"
    """The policy gate is asked."""
    PREPARING = "preparing"
    """Token, input and databases are made ready."""
    STARTING = "starting"
    """The runner was told, or is about to be told, to start it."""
    RUNNING = "running"
    """The algorithm runs."""
    ENDED = "ended"
    """The algorithm ended; its output is being packed."""
    STOPPING = "stopping"
    """Somebody killed the run; what is under way is brought to an end."""
    REPORTED = "reported"
    """The final report is in the outbox."""
    CLOSED = "closed"
    """The server has the final report and nothing is left here; kept to recognise repeats."""


@dataclass(frozen=True)
class RunRecord:
    """The journal's entry of one run.

    Attributes
    ----------
    facts : RunFacts
        What the server said.
    stage : RunStage
        How far the run has come.
    handle : RunHandle or None
        Where it runs, once it was started.
    exit_code : int or None
        How it ended.
    started_at : datetime or None
        When it was picked up.
    outcome : RunStatus or None
        Final status, once decided.
    is_removed, is_acknowledged : bool
        Whether the runner has cleaned up, and whether the server has the final report.
    is_disowned : bool
        Whether the server uses the run's id for another run, so that nothing may be reported.
    """

    facts: RunFacts
    stage: RunStage = RunStage.QUEUED
    handle: RunHandle | None = None
    exit_code: int | None = None
    started_at: datetime | None = None
    outcome: RunStatus | None = None
    is_removed: bool = False
    is_acknowledged: bool = False
    is_disowned: bool = False

    @property
    def run_id(self) -> int:
        """The run's id on the server."""
        return self.facts.run_id

    @property
    def is_open(self) -> bool:
        """Whether the final report has yet to be made."""
        return self.stage not in {RunStage.REPORTED, RunStage.CLOSED}

    @property
    def holds_slot(self) -> bool:
        """Whether the run counts for the number of runs at a time."""
        return self.is_open and self.stage is not RunStage.QUEUED
