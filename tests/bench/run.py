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
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from tests.support.networks import (  # noqa: E402 - needs the path
    PACKAGES,
    Researcher,
    image,
    lung_network,
)
from vantage6.common._version import __version__  # noqa: E402 - after the path
from vantage6.common.cli.local_network import LocalNetwork  # noqa: E402 - after the path
from vantage6.common.wire.container import (  # noqa: E402 - after the path
    DATA_FOLDER,
    PACKAGE_NAME_VARIABLE,
    Variable,
    encode_value,
)

Figures = dict[str, Any]

OVERHEAD_LIMIT = 0.6
"""Seconds; median of the tasks less median of the bare runs."""


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
    overhead = figures["overhead_seconds"]
    print(
        f"overhead of a no-op task over running its algorithm alone: {overhead:.2f} s "
        f"(at most {OVERHEAD_LIMIT} s)"
    )
    sys.exit(overhead > OVERHEAD_LIMIT)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runner", choices=("process", "docker"), default="docker")
    parser.add_argument("--repeat", type=int, default=10)
    parser.add_argument("--burst", type=int, default=20)
    parser.add_argument("--payload-mb", type=float, nargs="*", default=[1.0, 10.0])
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
        **_overhead(researcher, arguments),
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
    figures["memory_after_mib"] = {
        "server": _memory(network.server.pid),
        "node": _memory(network.nodes[0].pid),
    }
    return figures


def _overhead(researcher: Researcher, arguments: argparse.Namespace) -> Figures:
    """Compare a no-op task with its algorithm alone; in turns, since machines vary in pace."""
    with tempfile.TemporaryDirectory(prefix="v6-floor-") as folder:
        floor = _floor(arguments.runner, Path(folder))
        task = lambda: _whole(researcher, "noop", "noop")  # noqa: E731 - the two are timed alike
        for warm_up in (floor, task):
            warm_up()
        times = [(_seconds(floor), _seconds(task)) for _ in range(arguments.repeat)]
    floors, tasks = zip(*times, strict=True)
    return {
        "floor": _summary(floors),
        "no_op_task": _summary(tasks),
        "overhead_seconds": statistics.median(tasks) - statistics.median(floors),
    }


def _whole(researcher: Researcher, algorithm: str, method: str, **kwargs: Any) -> None:
    """Create a task, wait for its end and read the result, as a notebook does."""
    task = researcher.start(algorithm, method, **kwargs)
    answer = researcher.client.wait_for_results(task, timeout=300, raise_on_failure=True)
    (item,) = answer["data"]
    json.loads(item["result"])


def _burst(researcher: Researcher, number: int) -> float:
    started = time.perf_counter()
    for task in [researcher.start("noop", "noop") for _ in range(number)]:
        (run,) = researcher.finish(task, timeout=600)
        assert run["status"] == "completed", run
    return time.perf_counter() - started


def _floor(runner: str, folder: Path) -> Callable[[], None]:
    """Return what runs the no-op algorithm with its input and output, without any of our parts."""
    (folder / "input").write_text(json.dumps({"method": "noop"}))
    (folder / "output").touch()
    seen = str(folder) if runner == "process" else DATA_FOLDER
    environment = {
        Variable.INPUT_FILE: encode_value(f"{seen}/input"),
        Variable.OUTPUT_FILE: encode_value(f"{seen}/output"),
    }
    if runner == "docker":
        settings = [text for item in environment.items() for text in ("--env", "=".join(item))]
        mount = ["--volume", f"{folder}:{DATA_FOLDER}"]
        return lambda: _run(["docker", "run", "--rm", *mount, *settings, image("noop")])
    code = "from vantage6.algorithm.tools.wrap import wrap_algorithm; wrap_algorithm()"
    own = {**os.environ, **environment, PACKAGE_NAME_VARIABLE: PACKAGES["noop"]}
    return lambda: _run([sys.executable, "-c", code], own)


def _run(command: list[str], environment: dict[str, str] | None = None) -> None:
    subprocess.run(command, check=True, capture_output=True, env=environment)


def _seconds(action: Callable[[], None]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _spread(action: Callable[[], None], number: int) -> Figures:
    return _summary([_seconds(action) for _ in range(number)])


def _summary(times: Sequence[float]) -> Figures:
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
