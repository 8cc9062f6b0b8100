"""The part that combines what the organizations give."""

from __future__ import annotations

import math
from typing import Any

from vantage6.algorithm.client import AlgorithmClient
from vantage6.algorithm.tools.decorators import algorithm_client
from vantage6.algorithm.tools.exceptions import CollectResultsError
from vantage6.algorithm.tools.util import info

__all__ = ["central_average"]


@algorithm_client
def central_average(
    client: AlgorithmClient, column_name: str, organization_ids: list[int] | None = None
) -> dict[str, float | int]:
    """Return the average of a column over all records of the organizations together.

    Parameters
    ----------
    client : AlgorithmClient
        Given by the platform.
    column_name : str
        Name of a numeric column.
    organization_ids : list of int, optional
        Organizations to ask; by default all of the collaboration, or of the study.

    Returns
    -------
    dict
        ``average`` in the column's unit, ``count`` of the records with a value, ``missing`` of
        those without, and ``organizations``, the number that took part.

    Raises
    ------
    CollectResultsError
        If an organization gave no result: the average of the others would be that of another
        population.

    Notes
    -----
    The arithmetic mean is the sum of all values divided by their number, and both add up over
    disjoint sets of records, so the result is that of the pooled data. Local sums are correctly
    rounded (``math.fsum``, after Shewchuk, Discrete & Computational Geometry 18, 1997).
    """
    ids = organization_ids or [organization["id"] for organization in client.organization.list()]
    info(f"Asking {len(ids)} organizations for the sum and count of {column_name}")
    task = client.task.create(
        input_={"method": "partial_average", "kwargs": {"column_name": column_name}},
        organizations=ids,
        name="partial average",
        description="Sum and count of one column",
    )
    results = client.wait_for_results(task_id=task["id"])
    if len(results) != len(ids) or None in results:
        raise CollectResultsError(
            f"Only {sum(result is not None for result in results)} of {len(ids)} organizations "
            f"gave a sum; look at the runs of task {task['id']} for the reason."
        )
    return _combined(results)


def _combined(results: list[dict[str, Any]]) -> dict[str, float | int]:
    count = sum(result["count"] for result in results)
    return {
        "average": math.fsum(result["sum"] for result in results) / count,
        "count": count,
        "missing": sum(result["missing"] for result in results),
        "organizations": len(results),
    }
