"""What a researcher gets from a network, with both runners and encryption."""

from __future__ import annotations

import csv
import math
from base64 import b64decode

import pytest

from tests.support.networks import LUNG, Researcher
from vantage6.common.cli.local_network import LocalNetwork

ALL = (0, 1, 2)


def test_the_federated_average_is_that_of_the_pooled_records(researcher: Researcher) -> None:
    with LUNG.open() as file:
        ages = [float(row["age"]) for row in csv.DictReader(file)]

    task = researcher.start("average", "central_average", column_name="age")
    (run,) = researcher.finish(task)

    assert run["status"] == "completed", run["log"]
    (result,) = researcher.results(task)
    assert math.isclose(result["average"], math.fsum(ages) / len(ages), abs_tol=1e-9)
    assert result["count"] == len(ages)


def test_a_task_at_three_stations_runs_once_at_each(researcher: Researcher) -> None:
    task = researcher.start("noop", "sleep", at=ALL, seconds=0.1, tag="x")
    runs = researcher.finish(task)

    assert [run["status"] for run in runs] == ["completed"] * 3
    assert researcher.results(task) == [{"slept": 0.1, "tag": "x"}] * 3
    organizations = {run["organization"]["id"] for run in runs}
    assert organizations == {member.organization_id for member in researcher.network.members}


def test_the_server_keeps_inputs_and_results_it_cannot_read(
    network: LocalNetwork, researcher: Researcher
) -> None:
    task = researcher.start("noop", "sleep", seconds=0.0, tag="a-secret-word")
    researcher.finish(task)

    (run,) = network.root.get("/run", params={"task_id": task})["data"]
    (result,) = network.root.get("/result", params={"task_id": task})["data"]
    for text in (run["input"], result["result"]):
        parts = text.split("$")
        assert len(parts) == 3
        assert not any(b"a-secret-word" in b64decode(part) for part in parts)


@pytest.mark.parametrize(
    ("method", "status"),
    [("raise_error", "crashed"), ("exit_with", "crashed"), ("no_output", "failed")],
)
def test_an_algorithm_that_fails_ends_its_run_with_a_short_reason(
    researcher: Researcher, method: str, status: str
) -> None:
    task = researcher.start("noop", method)
    (run,) = researcher.finish(task)

    assert run["status"] == status
    assert run["finished_at"]
    assert 0 < len(run["log"]) < 400


def test_an_image_the_station_does_not_allow_is_refused(researcher: Researcher) -> None:
    task = researcher.start("somewhere.example/other:1", "noop")
    (run,) = researcher.finish(task)

    assert run["status"] == "not allowed"
    assert "somewhere.example/other:1" in run["log"]


def test_a_killed_task_ends_and_later_tasks_still_run(
    network: LocalNetwork, researcher: Researcher
) -> None:
    task = researcher.start("noop", "sleep", at=ALL, seconds=120)
    researcher.wait_for(task, lambda runs: all(run["status"] == "active" for run in runs))

    network.root.post("/kill/task", json={"id": task})

    runs = researcher.finish(task)
    assert [run["status"] for run in runs] == ["killed by user"] * 3
    after = researcher.finish(researcher.start("noop", "noop", at=ALL))
    assert [run["status"] for run in after] == ["completed"] * 3
