"""The part that combines what the organizations give."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from v6_kaplan_meier.estimate import INTERVALS, EventTable, kaplan_meier, merge
from vantage6.algorithm.client import AlgorithmClient
from vantage6.algorithm.tools.decorators import algorithm_client
from vantage6.algorithm.tools.exceptions import CollectResultsError, UserInputError
from vantage6.algorithm.tools.util import info

__all__ = ["central_kaplan_meier"]


@algorithm_client
def central_kaplan_meier(
    client: AlgorithmClient,
    time_column: str,
    event_column: str,
    organization_ids: list[int] | None = None,
    *,
    confidence_level: float = 0.95,
    interval: str = "log",
) -> dict[str, Any]:
    """Return the Kaplan-Meier estimate over all records of the organizations together.

    Parameters
    ----------
    client : AlgorithmClient
        Given by the platform.
    time_column, event_column : str
        Columns with the time under observation, and whether it ended with the event (1) or the
        record was censored (0).
    organization_ids : list of int, optional
        Organizations to ask; by default all of the collaboration, or of the study.
    confidence_level : float
        Coverage of the pointwise confidence limits, between 0 and 1.
    interval : str
        ``"log"``, ``"log-log"`` or ``"plain"``; see `v6_kaplan_meier.estimate.kaplan_meier`.

    Returns
    -------
    dict
        The lists and the median of `v6_kaplan_meier.estimate.SurvivalCurve`, with ``records``,
        ``missing`` (records left out), ``organizations``, ``confidence_level`` and ``interval``.

    Raises
    ------
    UserInputError
        If the confidence level or the interval is none of those described.
    CollectResultsError
        If an organization gave no counts: the curve of the others would be that of another
        population.

    Notes
    -----
    The numbers of events and of records at risk at each time add up over disjoint sets of
    records. The estimate depends on the data through them alone, so it equals that of the pooled
    data at every event time, without any approximation.
    """
    if interval not in INTERVALS:
        raise UserInputError(f"The interval is {interval!r}; give one of {', '.join(INTERVALS)}.")
    if not 0 < confidence_level < 1:
        raise UserInputError(
            f"The confidence level is {confidence_level}; give a number between 0 and 1."
        )
    results = _event_tables(client, time_column, event_column, organization_ids)
    table = merge(
        EventTable(
            events=dict(zip(result["times"], result["events"], strict=True)),
            leaving=dict(zip(result["times"], result["leaving"], strict=True)),
        )
        for result in results
    )
    curve = kaplan_meier(table, confidence_level=confidence_level, interval=interval)
    return {
        **asdict(curve),
        "records": sum(table.leaving.values()),
        "missing": sum(result["missing"] for result in results),
        "organizations": len(results),
        "confidence_level": confidence_level,
        "interval": interval,
    }


def _event_tables(
    client: AlgorithmClient,
    time_column: str,
    event_column: str,
    organization_ids: list[int] | None,
) -> list[dict[str, Any]]:
    """Return the counts of each organization."""
    ids = organization_ids or [organization["id"] for organization in client.organization.list()]
    info(f"Asking {len(ids)} organizations for their counts per time")
    task = client.task.create(
        input_={
            "method": "partial_event_table",
            "kwargs": {"time_column": time_column, "event_column": event_column},
        },
        organizations=ids,
        name="event table",
        description="Counts per time",
    )
    results = client.wait_for_results(task_id=task["id"])
    if len(results) != len(ids) or None in results:
        raise CollectResultsError(
            f"Only {sum(result is not None for result in results)} of {len(ids)} organizations "
            f"gave counts; look at the runs of task {task['id']} for the reason."
        )
    return results
