"""A network that is over has left nothing, however it ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import RUNNERS
from tests.support.networks import Researcher, docker_objects, lung_network
from vantage6.common.cli.child import ChildError, kill_processes_using


@pytest.mark.parametrize("runner", RUNNERS)
def test_nothing_is_left_when_a_test_fails_in_the_middle_of_a_run(
    runner: str, tmp_path: Path
) -> None:
    network = lung_network(tmp_path, runner=runner, encrypted=False)

    def leave_in_the_middle() -> None:
        with network, Researcher(network) as researcher:
            task = researcher.start("noop", "sleep", seconds=300)
            researcher.wait_for(task, lambda runs: runs[0]["status"] == "active")
            assert runner != "docker" or docker_objects(network.name)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leave_in_the_middle()

    assert not network.folder.exists()
    assert kill_processes_using(network.folder) == []
    if runner == "docker":
        assert docker_objects(network.name) == set()


def test_a_network_that_cannot_start_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    network = lung_network(tmp_path, runner="process", server_settings={"port": "nowhere"})

    with pytest.raises(ChildError, match="port"), network:
        pytest.fail("a server without a port came up")

    assert not network.folder.exists()
    assert kill_processes_using(network.folder) == []


def test_a_station_without_a_policy_runs_nothing(tmp_path: Path) -> None:
    network = lung_network(tmp_path, runner="process", allowed_algorithms=[])
    with network, Researcher(network) as researcher:
        (run,) = researcher.finish(researcher.start("noop", "noop"))

    assert run["status"] == "not allowed"
