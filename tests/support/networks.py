"""Whole networks for tests: the lung cancer records at three stations, and a researcher."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from examples.data.split import split_by_institution, write_parts
from vantage6.client import UserClient
from vantage6.common._version import __version__
from vantage6.common.cli.local_network import LocalNetwork, Station
from vantage6.common.status import is_finished

REPOSITORY = Path(__file__).resolve().parents[2]
LUNG = REPOSITORY / "examples" / "data" / "lung.csv"
REGISTRY = "127.0.0.1:5055"
RELAY_IMAGE = "vantage6/test-base:bookworm"
PACKAGES = {"average": "v6_average", "kaplan_meier": "v6_kaplan_meier", "noop": "v6_noop"}
DEFAULT_DATABASE = ({"label": "default"},)


def image(name: str) -> str:
    """Return the reference `scripts/images.sh` gives an example algorithm."""
    return f"{REGISTRY}/vantage6/{name}:{__version__}"


def lung_network(folder: Path, *, runner: str, **settings: Any) -> LocalNetwork:
    """Return a network of three stations that share the lung cancer records by institution."""
    files = write_parts(split_by_institution(LUNG, 3), folder / "data")
    stations = [Station.with_csv(f"station {i}", file) for i, file in enumerate(files, 1)]
    return network_of(stations, runner=runner, **settings)


def network_of(stations: Sequence[Station], *, runner: str, **settings: Any) -> LocalNetwork:
    """Return a network of stations that allow the example algorithms.

    Keys are small, since tests make many of them.
    """
    return LocalNetwork(
        stations,
        **{
            "runner": runner,
            "allowed_algorithms": [image(name) for name in PACKAGES],
            "process_packages": {image(name): package for name, package in PACKAGES.items()},
            "node_settings": {"images": {"relay": RELAY_IMAGE}},
            "key_bits": 2048,
            **settings,
        },
    )


class Researcher:
    """A user of one station, and the few things the tests ask of it.

    Parameters
    ----------
    network : LocalNetwork
        A network that is up.
    port : int, optional
        Where to find the server, if not at its own port.
    at : int, optional
        Number of the station; the first one is 0.
    """

    def __init__(self, network: LocalNetwork, port: int | None = None, *, at: int = 0) -> None:
        self.network = network
        member = network.members[at]
        self.client = UserClient(
            network.host, port or network.port, network.api_path, log_level="error"
        )
        self.client.authenticate(member.username, member.password)
        self.client.setup_encryption(str(member.private_key) if member.private_key else None)
        self.client.setup_collaboration(network.collaboration_id)

    def __enter__(self) -> Researcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def start(
        self, algorithm: str, method: str, *, at: tuple[int, ...] = (0,), **kwargs: Any
    ) -> int:
        """Create a task at some stations; returns its id."""
        answer = self.client.task.create(
            organizations=[self.network.members[i].organization_id for i in at],
            name=method,
            description="",
            image=algorithm if "/" in algorithm else image(algorithm),
            input_={"method": method, "kwargs": kwargs},
            databases=list(DEFAULT_DATABASE),
        )
        assert "id" in answer, answer
        return int(answer["id"])

    def runs(self, task_id: int) -> list[dict[str, Any]]:
        """Return the runs of a task, with their inputs as they are kept."""
        answer = self.client.run.from_task(task_id, decrypt_input=False)
        runs: list[dict[str, Any]] = answer["data"]
        return runs

    def finish(self, task_id: int, timeout: float = 60.0) -> list[dict[str, Any]]:
        """Wait until every run of a task has ended; returns the runs."""
        return self.wait_for(
            task_id, lambda runs: all(is_finished(run["status"]) for run in runs), timeout
        )

    def wait_for(
        self,
        task_id: int,
        condition: Callable[[list[dict[str, Any]]], bool],
        timeout: float = 60.0,
    ) -> list[dict[str, Any]]:
        """Wait until the runs of a task fulfil a condition; returns them."""
        deadline = time.monotonic() + timeout
        while not condition(runs := self.runs(task_id)):
            assert time.monotonic() < deadline, f"still {[run['status'] for run in runs]}"
            time.sleep(0.1)
        return runs

    def results(self, task_id: int) -> list[Any]:
        """Return the results of a task, decrypted and read as JSON."""
        data = self.client.result.from_task(task_id)["data"]
        return [json.loads(item["result"]) for item in data]


def docker_objects(prefix: str) -> set[str]:
    """Return containers, networks and volumes labelled with a node whose name begins so."""
    found: set[str] = set()
    for *listing, identity in (
        ("ps", "--all", "ID"),
        ("network", "ls", "ID"),
        ("volume", "ls", "Name"),
    ):
        form = f'{{{{.{identity}}}}} {{{{.Label "node"}}}}'
        command = ["docker", *listing, "--filter", "label=node", "--format", form]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
        lines = (line.split() for line in answer.stdout.splitlines())
        found |= {thing for thing, node in lines if node.startswith(prefix)}
    return found
