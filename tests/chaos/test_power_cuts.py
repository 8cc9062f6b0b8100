"""Power cuts at random moments under load: every run ends once, with its own result."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.counting import COUNTING, COUNTING_SETTINGS, Ledger
from tests.support.networks import Researcher, lung_network
from vantage6.common.cli.local_network import LocalNetwork

TASKS = 12
CUTS = 6
SEED = 20
ALL = (0, 1, 2)


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    return Ledger(tmp_path, monkeypatch)


@pytest.fixture
def network(tmp_path: Path, ledger: Ledger) -> Iterator[LocalNetwork]:
    with lung_network(tmp_path, runner="process", **COUNTING_SETTINGS) as network:
        yield network


@pytest.fixture
def researcher(network: LocalNetwork) -> Iterator[Researcher]:
    with Researcher(network) as researcher:
        yield researcher


def _cut(network: LocalNetwork, dice: random.Random) -> None:
    """Kill the server or one node, and start it again a moment later."""
    victim = dice.randrange(len(network.nodes) + 1)
    if victim == len(network.nodes):
        network.kill_server()
        time.sleep(dice.random())
        network.start_server()
        return
    network.kill_node(victim)
    time.sleep(dice.random())
    network.start_node(victim, wait=False)


@pytest.mark.slow
def test_every_run_ends_once_with_its_result_whatever_is_killed(
    network: LocalNetwork, researcher: Researcher, ledger: Ledger
) -> None:
    dice = random.Random(SEED)
    tasks = {
        researcher.start(COUNTING, "count", at=ALL, seconds=0.5 + dice.random(), tag=str(i)): str(i)
        for i in range(TASKS)
    }

    for _ in range(CUTS):
        time.sleep(dice.random())
        _cut(network, dice)

    for task, tag in tasks.items():
        runs = researcher.finish(task, timeout=120)
        assert [run["status"] for run in runs] == ["completed"] * len(ALL), [r["log"] for r in runs]
        assert [result["tag"] for result in researcher.results(task)] == [tag] * len(ALL)
    starts = ledger.starts()
    assert len(starts) == TASKS * len(ALL)
    assert set(starts.values()) == {1}
