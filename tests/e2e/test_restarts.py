"""Power cuts at the worst moment: every run still ends once, with its result."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import RUNNERS
from tests.support.networks import Researcher, lung_network
from vantage6.common.cli.local_network import LocalNetwork

SECONDS = 4.0


@pytest.fixture(params=RUNNERS)
def network(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LocalNetwork]:
    with lung_network(tmp_path, runner=request.param) as network:
        yield network


@pytest.fixture
def researcher(network: LocalNetwork) -> Iterator[Researcher]:
    with Researcher(network) as researcher:
        yield researcher


def _active(runs: list[dict[str, object]]) -> bool:
    return all(run["status"] == "active" for run in runs)


def test_a_run_survives_the_death_of_its_node(
    network: LocalNetwork, researcher: Researcher
) -> None:
    task = researcher.start("noop", "sleep", seconds=SECONDS, tag="kept")
    (before,) = researcher.wait_for(task, _active)

    network.kill_node(0)
    network.start_node(0, wait=False)

    (run,) = researcher.finish(task)
    assert run["status"] == "completed", run["log"]
    assert run["started_at"] == before["started_at"]
    assert researcher.results(task) == [{"slept": SECONDS, "tag": "kept"}]


def test_a_run_that_ends_while_its_node_is_away_is_reported_later(
    network: LocalNetwork, researcher: Researcher
) -> None:
    task = researcher.start("noop", "sleep", seconds=1.0, tag="late")
    researcher.wait_for(task, _active)

    network.kill_node(0)
    time.sleep(2.5)
    network.start_node(0, wait=False)

    (run,) = researcher.finish(task)
    assert run["status"] == "completed", run["log"]
    assert researcher.results(task) == [{"slept": 1.0, "tag": "late"}]


def test_a_result_waits_for_a_server_that_is_away(
    network: LocalNetwork, researcher: Researcher
) -> None:
    task = researcher.start("noop", "sleep", at=(0, 1, 2), seconds=1.0, tag="patient")
    researcher.wait_for(task, _active)

    network.kill_server()
    time.sleep(2.5)
    network.start_server()

    runs = researcher.finish(task)
    assert [run["status"] for run in runs] == ["completed"] * 3
    assert researcher.results(task) == [{"slept": 1.0, "tag": "patient"}] * 3


def test_a_task_made_while_a_node_is_away_runs_when_it_is_back(
    network: LocalNetwork, researcher: Researcher
) -> None:
    network.stop_node(2)
    task = researcher.start("noop", "noop", at=(0, 1, 2))
    researcher.wait_for(task, lambda runs: sum(r["status"] == "completed" for r in runs) == 2)

    network.start_node(2)

    runs = researcher.finish(task)
    assert [run["status"] for run in runs] == ["completed"] * 3
