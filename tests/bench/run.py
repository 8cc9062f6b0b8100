"""Measure a whole network on this machine: start, latency, bursts, payloads, memory.

``python tests/bench/run.py [--runner process|docker]`` prints a table and writes a JSON file with
the machine's description. Times depend on the machine and the hour: compare the ratios to the
floor, which is measured in the same run and is what starting the algorithm alone costs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from tests.support.networks import Researcher, image, lung_network  # noqa: E402 - needs the path
from vantage6.common._version import __version__  # noqa: E402 - after the path
from vantage6.common.cli.local_network import LocalNetwork  # noqa: E402 - after the path

Figures = dict[str, Any]


def main() -> None:
    """Measure, print and store."""
    arguments = _arguments()
    figures: Figures = {"machine": _machine(), "runner": arguments.runner, "release": __version__}
    with tempfile.TemporaryDirectory(prefix="v6-bench-") as folder:
        started = time.perf_counter()
        with lung_network(Path(folder), runner=arguments.runner) as network:
            figures["network_up_seconds"] = time.perf_counter() - started
            with Researcher(network) as researcher:
                figures.update(_measure(network, researcher, arguments))
    print(json.dumps(figures, indent=1))
    output: Path = arguments.output
    output.mkdir(parents=True, exist_ok=True)
    file = output / f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}-{arguments.runner}.json"
    file.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"written to {file}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runner", choices=("process", "docker"), default="process")
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--burst", type=int, default=50)
    parser.add_argument("--payload-mb", type=float, nargs="*", default=[1.0, 10.0, 50.0])
    parser.add_argument("--output", type=Path, default=REPOSITORY / "tests" / "bench" / "results")
    return parser.parse_args()


def _machine() -> Figures:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory, 1),
    }


def _measure(
    network: LocalNetwork, researcher: Researcher, arguments: argparse.Namespace
) -> Figures:
    figures: Figures = {
        "idle_memory_mib": {
            "server": _memory(network.server.pid),
            "node": _memory(network.nodes[0].pid),
        },
        "floor": _spread(_floor(arguments.runner), arguments.repeat),
        "no_op_task": _spread(lambda: _whole(researcher, "noop", "noop"), arguments.repeat),
        "central_and_three_partials": _spread(
            lambda: _whole(researcher, "average", "central_average", column_name="age"),
            arguments.repeat,
        ),
        f"burst_of_{arguments.burst}_seconds": _burst(researcher, arguments.burst),
        "payload_seconds": {
            f"{mb:g} MB": _seconds(lambda mb=mb: _whole(researcher, "noop", "big", mb=mb))
            for mb in arguments.payload_mb
        },
    }
    figures["ratio_to_floor"] = figures["no_op_task"]["median"] / figures["floor"]["median"]
    figures["memory_after_mib"] = {
        "server": _memory(network.server.pid),
        "node": _memory(network.nodes[0].pid),
    }
    return figures


def _whole(researcher: Researcher, algorithm: str, method: str, **kwargs: Any) -> None:
    """Create a task, wait for its end and read the result, as a notebook would."""
    task = researcher.start(algorithm, method, **kwargs)
    runs = researcher.finish(task, timeout=300)
    assert [run["status"] for run in runs] == ["completed"], runs
    researcher.results(task)


def _burst(researcher: Researcher, number: int) -> float:
    started = time.perf_counter()
    for task in [researcher.start("noop", "noop") for _ in range(number)]:
        (run,) = researcher.finish(task, timeout=600)
        assert run["status"] == "completed", run
    return time.perf_counter() - started


def _floor(runner: str) -> Callable[[], None]:
    """Return what starts the algorithm's interpreter and imports, without any of our parts."""
    code = "import vantage6.algorithm.tools.wrap"
    command = [sys.executable, "-c", code]
    if runner == "docker":
        command = ["docker", "run", "--rm", image("noop"), "python", "-c", code]
    return lambda: _run(command)


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _seconds(action: Callable[[], None]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _spread(action: Callable[[], None], number: int) -> Figures:
    times = [_seconds(action) for _ in range(number)]
    return {"median": statistics.median(times), "least": min(times), "most": max(times)}


def _memory(pid: int | None) -> float | None:
    """Return the proportional memory of a process in MiB, where the system tells."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    main()
