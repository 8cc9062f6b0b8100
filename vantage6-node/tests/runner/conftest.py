"""Stations for the runner tests: the same for every kind of runner."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import docker
from vantage6.common.wire.container import Label
from vantage6.node.runner import (
    Bind,
    DockerOptions,
    Limits,
    ProcessOptions,
    ProxyAddress,
    RunHandle,
    Runner,
    RunnerOptions,
    RunOutput,
    RunOwner,
    RunSpec,
    RunState,
    create_runner,
)

ALGORITHM = Path(__file__).with_name("algorithm.py")
BASE_IMAGE = "vantage6/test-base:bookworm"
IMAGE = "vantage6/test-runner-algorithm:1"
PROCESS_IMAGE = "example/algorithm"
PATIENCE = 30.0


@dataclass
class Station:
    """A data folder and a runner on it; `restart` is what a new process of the node would do."""

    options: RunnerOptions
    image: str
    runner: Runner = field(init=False)
    handles: list[RunHandle] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.runner = create_runner(self.options)

    def restart(self) -> None:
        """Forget everything, as a killed node does, and begin anew on the same folders."""
        self.runner = create_runner(self.options)

    def spec(
        self, method: str, *args: Any, run_id: int = 1, job_id: int = 1, **fields: Any
    ) -> RunSpec:
        folder = self.options.log_folder / f"task-{run_id:09d}"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / "input").write_text(json.dumps({"method": method, "args": list(args)}))
        (folder / "token").write_text("the-token")
        (folder / "output").touch()
        return RunSpec(
            run_id=run_id,
            task_id=run_id + 100,
            job_id=job_id,
            image=fields.pop("image", self.image),
            folder=folder,
            **fields,
        )

    def start(self, spec: RunSpec) -> RunHandle:
        handle = self.runner.start(spec)
        self.handles.append(handle)
        return handle

    def finish(self, spec: RunSpec) -> tuple[RunState, RunOutput]:
        handle = self.start(spec)
        state = self.runner.wait(handle, PATIENCE)
        return state, self.runner.collect(handle, spec.folder)

    def answer(self, method: str, *args: Any, **fields: Any) -> Any:
        """Run to the end and return the result; a failure shows the log."""
        state, output = self.finish(self.spec(method, *args, **fields))
        assert state.exit_code == 0, output.log_file.read_text()
        return json.loads(output.result)

    def clean(self) -> None:
        for handle in self.runner.adopt():
            self.runner.stop(handle, 0)
            self.runner.remove(handle)
        self.runner.close()


@pytest.fixture
def table(tmp_path: Path) -> Bind:
    path = tmp_path / "patients.csv"
    path.write_text("age\n41\n")
    return Bind(path, "/mnt/data/default.csv")


@pytest.fixture(scope="session")
def algorithm_image() -> str:
    """Build the image with the test algorithm; unchanged, it comes from the cache."""
    text = f'FROM {BASE_IMAGE}\nCOPY algorithm.py /algorithm.py\nCMD ["python3", "/algorithm.py"]\n'
    subprocess.run(
        ["docker", "build", "-q", "-t", IMAGE, "-f", "-", str(ALGORITHM.parent)],
        input=text.encode(),
        check=True,
        capture_output=True,
        env={"DOCKER_BUILDKIT": "0", "PATH": "/usr/bin:/bin", "HOME": "/root"},
    )
    return IMAGE


StationMaker = Callable[..., Station]


@pytest.fixture
def process_station(tmp_path: Path) -> Iterator[StationMaker]:
    made: list[Station] = []

    def make(limits: Mapping[str, Any] | None = None, **options: Any) -> Station:
        entry = f"import runpy; runpy.run_path({str(ALGORITHM)!r}, run_name='__main__')"
        station = Station(
            RunnerOptions(
                kind="process",
                owner=RunOwner("alpha", "user", uuid.uuid4().hex),
                data_folder=tmp_path / "data",
                log_folder=tmp_path / "data" / "runs",
                proxy=ProxyAddress(port=options.pop("port", 1)),
                limits=Limits(**(limits or {})),
                process=ProcessOptions(packages={PROCESS_IMAGE: "unused"}, entry_point=entry),
            ),
            image=PROCESS_IMAGE,
        )
        made.append(station)
        return station

    yield make
    for station in made:
        station.clean()


@pytest.fixture
def docker_station(tmp_path: Path, algorithm_image: str) -> Iterator[StationMaker]:
    made: list[Station] = []

    def make(limits: Mapping[str, Any] | None = None, **options: Any) -> Station:
        socket = options.pop("socket", None) or tmp_path / "proxy" / "proxy.sock"
        socket.parent.mkdir(exist_ok=True)
        station = Station(
            RunnerOptions(
                kind="docker",
                owner=RunOwner("alpha", "user", uuid.uuid4().hex),
                data_folder=tmp_path / "data",
                log_folder=tmp_path / "data" / "runs",
                proxy=ProxyAddress(socket=socket),
                limits=Limits(**(limits or {})),
                docker=DockerOptions(
                    **{"require_pull": False, "relay_image": BASE_IMAGE, **options}
                ),
            ),
            image=algorithm_image,
        )
        made.append(station)
        return station

    yield make
    for station in made:
        station.clean()
        _remove_volumes(station.options.owner)


def _remove_volumes(owner: RunOwner) -> None:
    api = docker.APIClient()
    filters = {"label": f"{Label.NODE_ID}={owner.instance}"}
    for volume in api.volumes(filters=filters)["Volumes"] or ():
        api.remove_volume(volume["Name"])
    api.close()


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def make_station(request: pytest.FixtureRequest) -> StationMaker:
    """Make stations of each kind in turn."""
    if request.param == "process" and sys.platform == "win32":
        pytest.skip("processes are started the Unix way")
    maker: StationMaker = request.getfixturevalue(f"{request.param}_station")
    return maker


@pytest.fixture
def station(make_station: StationMaker) -> Station:
    return make_station()
