"""Results that are old are wiped, if so configured (contract, server-behaviour section 4)."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from sqlalchemy import update

from vantage6.common.status import RunStatus
from vantage6.server.models import Run
from vantage6.server.periodic import PeriodicJob
from vantage6.server.repositories.statements import affect
from vantage6.server.wiring import Services

__all__ = ["run_cleanup_job", "wipe_old_results"]

_log = logging.getLogger(__name__)

_HOUR = 3600.0


def run_cleanup_job(services: Services) -> PeriodicJob | None:
    """Return the job, or None if results are kept for ever."""
    days = services.settings["runs_data_cleanup_days"]
    if days is None or days < 1:
        return None
    return PeriodicJob(
        "run cleanup", _HOUR, lambda: wipe_old_results(services, days), at_start=True
    )


def wipe_old_results(services: Services, days: int) -> int:
    """Wipe the results of runs that completed longer ago than `days`; return how many.

    Record, status and log stay. Inputs are wiped, too, if so configured.
    """
    now = services.clock.now()
    values: dict[str, Any] = {"result": "", "cleanup_at": now}
    if services.settings["runs_data_cleanup_include_input"]:
        values["input"] = ""
    with services.work() as work:
        wiped = affect(
            work.session,
            update(Run)
            .where(
                Run.status == RunStatus.COMPLETED.value,
                Run.finished_at < now - timedelta(days=days),
                Run.cleanup_at.is_(None),
            )
            .values(**values),
        )
        work.commit()
    if wiped:
        _log.info("results of %d runs wiped, finished more than %d days ago", wiped, days)
    return wiped
