"""Why a task has failed, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vantage6.client.exceptions import FailedRun
from vantage6.common.errors import ResponseError
from vantage6.common.status import has_failed
from vantage6.common.wire.paths import Path

if TYPE_CHECKING:
    from vantage6.client.user_client import UserClient

__all__ = ["failed_runs"]

_LONGEST_REASON = 500


def failed_runs(client: UserClient, task_id: int) -> tuple[FailedRun, ...]:
    """Return what is known of the runs of a task that did not end well.

    Parameters
    ----------
    client : UserClient
        A client that is logged in.
    task_id : int
        The task.

    Raises
    ------
    RefusedError
        If the server does not show the runs.
    """
    runs = client.run.from_task(task_id, decrypt_input=False)["data"]
    return tuple(_failed_run(client, run) for run in runs if has_failed(run["status"]))


def _failed_run(client: UserClient, run: Mapping[str, Any]) -> FailedRun:
    organization_id = int(run["organization"]["id"])
    return FailedRun(
        run_id=int(run["id"]),
        organization_id=organization_id,
        organization=_organization_name(client, organization_id),
        status=str(run["status"]),
        reason=_last_line(run.get("log")),
    )


def _organization_name(client: UserClient, organization_id: int) -> str:
    try:
        found = client.transport.get(Path.ORGANIZATION.format(id=organization_id))
    except ResponseError:
        return f"organization {organization_id}"
    return str(found["name"])


def _last_line(log: str | None) -> str:
    """Return the last line of a log, which is where an error says what went wrong."""
    lines = [line.strip() for line in (log or "").splitlines() if line.strip()]
    return lines[-1][:_LONGEST_REASON] if lines else ""
