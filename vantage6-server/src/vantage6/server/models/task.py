"""Tasks, their runs, and what belongs to these."""

from __future__ import annotations

from datetime import datetime, timezone

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from vantage6.common.status import RunStatus, task_status
from vantage6.server.models.base import Base
from vantage6.server.models.collaboration import Collaboration, Study
from vantage6.server.models.identity import User
from vantage6.server.models.organization import Organization

__all__ = ["AlgorithmPort", "Run", "Task", "TaskDatabase"]


def _now() -> datetime:
    return datetime.now(timezone.utc)


class Task(Base):
    """A request to run one algorithm function at one or more organizations."""

    __tablename__ = "task"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - the form SQLAlchemy documents

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(nullable=True)
    description: Mapped[str] = mapped_column(nullable=True)
    image: Mapped[str] = mapped_column(nullable=True)
    collaboration_id: Mapped[int] = mapped_column(
        ForeignKey("collaboration.id"), nullable=True, index=True
    )
    study_id: Mapped[int | None] = mapped_column(ForeignKey("study.id"), index=True)
    job_id: Mapped[int] = mapped_column(nullable=True, index=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"), index=True)
    init_org_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id"), index=True)
    init_user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(nullable=True)
    algorithm_store_id: Mapped[int | None] = mapped_column(
        ForeignKey("algorithmstore.id"), index=True
    )
    idempotency_key: Mapped[str | None] = mapped_column(unique=True, index=True)
    """Creator and the key it sent, so that a repeated request finds the first one's task."""

    collaboration: Mapped[Collaboration] = relationship()
    study: Mapped[Study | None] = relationship()
    parent: Mapped[Task | None] = relationship(remote_side="Task.id")
    init_org: Mapped[Organization | None] = relationship()
    init_user: Mapped[User | None] = relationship()
    databases: Mapped[list[TaskDatabase]] = relationship(
        back_populates="task",
        order_by="TaskDatabase.id",
        passive_deletes="all",
    )
    runs: Mapped[list[Run]] = relationship(
        back_populates="task", order_by="Run.id", passive_deletes="all"
    )

    @property
    def status(self) -> RunStatus:
        """Status derived from the runs, which should be loaded already."""
        return task_status(run.status for run in self.runs)

    @property
    def finished_at(self) -> datetime | None:
        """When the last run ended, if all completed; a run without that moment is left out."""
        if self.status is not RunStatus.COMPLETED:
            return None
        return max((run.finished_at for run in self.runs if run.finished_at), default=None)


class TaskDatabase(Base):
    """A data source a task asks for; the order by id is the order the user gave."""

    __tablename__ = "taskdatabase"

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), nullable=True, index=True)
    database: Mapped[str] = mapped_column(nullable=True)
    parameters: Mapped[str] = mapped_column(nullable=True)

    task: Mapped[Task] = relationship(back_populates="databases")


class Run(Base):
    """One task at one organization."""

    __tablename__ = "run"
    __table_args__ = (
        # A node asks for the open runs of its organization again and again.
        Index("ix_run_open", "organization_id", "finished_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    input: Mapped[str | None] = mapped_column(Text)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), nullable=True, index=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"), nullable=True)
    result: Mapped[str | None] = mapped_column(Text)
    assigned_at: Mapped[datetime] = mapped_column(nullable=True, default=_now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(Text, nullable=True)
    log: Mapped[str | None] = mapped_column(Text)
    cleanup_at: Mapped[datetime | None]
    blob_storage_used: Mapped[bool | None] = mapped_column(default=False)

    task: Mapped[Task] = relationship(back_populates="runs")
    organization: Mapped[Organization] = relationship()
    ports: Mapped[list[AlgorithmPort]] = relationship(
        back_populates="run", order_by="AlgorithmPort.id", passive_deletes="all"
    )


class AlgorithmPort(Base):
    """A port a run opened for its peers."""

    __tablename__ = "algorithmport"

    id: Mapped[int] = mapped_column(primary_key=True)
    port: Mapped[int] = mapped_column(nullable=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), nullable=True, index=True)
    label: Mapped[str | None]

    run: Mapped[Run] = relationship(back_populates="ports")
