"""The status of a task in SQL is the one that is derived in Python."""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import Any

import pytest
from sqlalchemy import insert, select

from vantage6.common.status import RunStatus, task_status
from vantage6.server.models import Run, Task
from vantage6.server.repositories.tasks import descendant_ids, has_status

STATUSES: tuple[str | None, ...] = (*(status.value for status in RunStatus), None, "odd")


@pytest.fixture(scope="module")
def expected() -> dict[int, RunStatus]:
    """Return the status of a task for every mixture of up to three runs."""
    mixtures = [mix for size in range(4) for mix in combinations_with_replacement(STATUSES, size)]
    return {identity: task_status(mix) for identity, mix in enumerate(mixtures, start=1)}


def test_sql_and_python_agree_on_every_mixture(world: Any, expected: dict[int, RunStatus]) -> None:
    mixtures = [mix for size in range(4) for mix in combinations_with_replacement(STATUSES, size)]
    with world.session() as session:
        session.execute(
            insert(Task), [{"id": identity, "collaboration_id": 1} for identity in expected]
        )
        rows = [
            {"task_id": identity, "organization_id": 2, "status": status}
            for identity, mix in enumerate(mixtures, start=1)
            for status in mix
        ]
        session.execute(insert(Run), rows)
    with world.session() as session:
        for status in RunStatus:
            found = set(session.scalars(select(Task.id).where(has_status(status))))
            assert found == {key for key, value in expected.items() if value is status}, status


def test_descendants_come_after_their_parents(world: Any) -> None:
    top = world.add_task()
    child = world.add_task(parent_id=top)
    world.add_task()
    grandchild = world.add_task(parent_id=child)
    with world.session() as session:
        assert descendant_ids(session, top) == [top, child, grandchild]
