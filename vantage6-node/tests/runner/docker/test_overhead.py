"""What a run costs beyond its bare container; prints the figures (``pytest -s``)."""

from __future__ import annotations

import statistics
import subprocess
import threading
import time
from typing import Any

import pytest

pytestmark = pytest.mark.docker

_ROUNDS = 5
_MOST_EXTRA = 0.5  # seconds; the machine may be busy. On an idle one it is about a fifth of it.


def bare(station: Any, program: str) -> float:
    """Time a container of the same image with the same program, made by the command line."""
    folder = station.spec("program", program).folder
    encoded = {"INPUT_FILE": "/run-files/input", "OUTPUT_FILE": "/run-files/output"}
    options = [
        part for name, path in encoded.items() for part in ("--env", f"{name}={_encoded(path)}")
    ]
    command = ["docker", "run", "--rm", "--volume", f"{folder}:/run-files", *options, station.image]
    begin = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    return time.monotonic() - begin


def _encoded(text: str) -> str:
    from vantage6.common.wire.container import encode_value

    return encode_value(text)


def test_a_run_in_a_warm_network_costs_little_more_than_its_container(docker_station: Any) -> None:
    station = docker_station(warm_slots=1)
    station.runner.prepare()
    plain, ours = [], []
    for number in range(_ROUNDS):
        plain.append(bare(station, "1"))
        spec = station.spec("program", "1", run_id=number + 10)
        begin = time.monotonic()
        handle = station.runner.start(spec)
        station.runner.wait(handle, 30)
        output = station.runner.collect(handle, spec.folder)
        ours.append(time.monotonic() - begin)
        station.runner.remove(handle)
        assert output.result == b"1"

    extra = statistics.median(ours) - statistics.median(plain)
    print(
        f"\ndocker run --rm: {statistics.median(plain):.3f} s, "
        f"run to collected output: {statistics.median(ours):.3f} s, extra: {extra:.3f} s"
    )
    assert extra < _MOST_EXTRA


def test_runs_can_be_started_at_the_same_time(docker_station: Any) -> None:
    station = docker_station(warm_slots=0)
    outputs: dict[int, Any] = {}

    def run(number: int) -> None:
        _, outputs[number] = station.finish(station.spec("echo", number, run_id=number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {number: output.result for number, output in outputs.items()} == {
        number: f"[{number}]".encode() for number in range(1, 7)
    }
