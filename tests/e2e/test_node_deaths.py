"""A node that is killed again and again, also while it starts: no run is lost or repeated."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.counting import COUNTING, COUNTING_SETTINGS, Ledger
from tests.support.networks import Researcher, network_of
from vantage6.common.cli.local_network import LocalNetwork, Station

DEATHS = 15
RUNS = 10
LONGEST_LIFE = 3.0  # seconds; the first one of them goes by until the node is ready
SECONDS = 1.5
SEED = 15


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    return Ledger(tmp_path, monkeypatch)


@pytest.fixture
def network(tmp_path: Path, ledger: Ledger) -> Iterator[LocalNetwork]:
    records = tmp_path / "records.csv"
    records.write_text("age\n50\n")
    stations = [Station.with_csv("station", records)]
    with network_of(stations, runner="process", **COUNTING_SETTINGS) as network:
        yield network


@pytest.mark.slow
def test_every_run_starts_once_and_completes_however_often_its_node_is_killed(
    network: LocalNetwork, ledger: Ledger
) -> None:
    dice = random.Random(SEED)
    node = network.nodes[0]
    with Researcher(network) as researcher:
        tasks: dict[int, str] = {}
        for death in range(DEATHS):
            if death < RUNS:
                tag = f"run {death}"
                tasks[researcher.start(COUNTING, "count", seconds=SECONDS, tag=tag)] = tag
            time.sleep(dice.uniform(0, LONGEST_LIFE))
            node.kill()
            node.spawn()

        for task, tag in tasks.items():
            (run,) = researcher.finish(task, timeout=120)
            assert run["status"] == "completed", run["log"]
            assert researcher.results(task) == [{"tag": tag}]
    starts = ledger.starts()
    assert len(starts) == RUNS
    assert set(starts.values()) == {1}
