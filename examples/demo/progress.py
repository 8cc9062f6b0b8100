"""Watch a task and the subtasks it makes, station by station."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.progress import TimeElapsedColumn as Elapsed

from vantage6.client import UserClient
from vantage6.common.status import is_finished

__all__ = ["follow"]

_POLL = 0.2


def follow(client: UserClient, task_id: int, title: str, console: Console) -> None:
    """Show how many runs of the task and its subtasks are done; return when the task is."""
    job = client.task.get(task_id)["job_id"]
    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("runs"),
        Elapsed(),
    )
    with Progress(*columns, console=console) as progress:
        row = progress.add_task(title, total=None)
        finished = False
        while not finished:
            runs = _runs_of(client, job)
            done = sum(is_finished(status) for _, status in runs)
            progress.update(row, total=len(runs), completed=done)
            finished = all(is_finished(status) for task, status in runs if task == task_id)
            if not finished:
                time.sleep(_POLL)


def _runs_of(client: UserClient, job: int) -> list[tuple[int, str]]:
    """Return the task and the status of each run of a job."""
    tasks = client.task.list(job=job, per_page=50)["data"]
    return [
        (task["id"], run["status"])
        for task in tasks
        for run in client.run.from_task(task["id"])["data"]
    ]
