"""A federated analysis on this machine, from nothing to a picture, and nothing left behind.

One server and three data stations in an encrypted collaboration. Each station holds the records
of some of the hospitals of a lung cancer study. A researcher asks for an average and a survival
curve; both must equal what the pooled records give.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from chart import draw
from pooled import Curve, largest_difference, pooled_average, pooled_survival
from progress import follow
from rich.console import Console
from rich.table import Table

from vantage6.client import UserClient
from vantage6.common._version import __version__
from vantage6.common.cli.local_network import LocalNetwork, Station
from vantage6.common.errors import V6Error

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = REPOSITORY / "examples" / "data"
REGISTRY = "127.0.0.1:5055"
RELAY_IMAGE = "vantage6/test-base:bookworm"  # made by scripts/services.sh
PACKAGES = {"average": "v6_average", "kaplan_meier": "v6_kaplan_meier"}
STATIONS = ("North hospitals", "East hospitals", "South hospitals")
COLUMN = "age"
TOLERANCE = 1e-9

console = Console(highlight=False)


@dataclass(frozen=True)
class Comparison:
    """One number twice: from the stations, and from all records in one place."""

    what: str
    federated: float
    pooled: float
    difference: float


class DemoError(V6Error):
    """The demo cannot go on; the text says why."""


def main() -> int:
    """Run the demo; 0 if both analyses agree with the pooled records."""
    arguments = _arguments()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave_orderly)
    started = time.monotonic()
    try:
        comparisons = _run(_choose_runner(arguments.runner), arguments)
    except V6Error as error:
        console.print(f"[red]The demo failed:[/] {error}")
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted; everything was stopped and removed.")
        return 130
    console.print(f"Everything was stopped and removed; {time.monotonic() - started:.0f} s in all.")
    if any(comparison.difference > TOLERANCE for comparison in comparisons):
        console.print(f"[red]A difference is larger than {TOLERANCE}: that is an error.[/]")
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--runner",
        choices=("docker", "process"),
        help="how algorithms run; by default Docker if an engine answers",
    )
    parser.add_argument("--output", type=Path, default=Path("demo-output") / "survival.png")
    parser.add_argument(
        "--stay",
        action="store_true",
        help="keep the network up after the analyses, and show how to log in, until Ctrl-C",
    )
    return parser.parse_args()


def _leave_orderly(_signal: int, _frame: FrameType | None) -> None:
    """Unwind the stack once, so that everything is removed; further requests have to wait."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


# -- how algorithms run -------------------------------------------------------------------------


def _choose_runner(wanted: str | None) -> str:
    if wanted == "process":
        console.print("Algorithms run as [bold]processes[/], without isolation, as asked.")
        return wanted
    if not _engine_answers():
        if wanted == "docker":
            raise DemoError("No Docker engine answers; start one (make services) or leave it out.")
        console.print("No Docker engine answers: algorithms run as [bold]processes[/].")
        return "process"
    problem = _prepare_images()
    if problem and wanted == "docker":
        raise DemoError(f"The images could not be made: {problem}")
    if problem:
        console.print(f"Docker answers, but the images could not be made ({problem}):")
        console.print("algorithms run as [bold]processes[/].")
        return "process"
    console.print("A Docker engine answers: algorithms run as [bold]containers[/].")
    return "docker"


def _engine_answers() -> bool:
    if not shutil.which("docker"):
        return False
    answer = subprocess.run(["docker", "info"], capture_output=True, check=False)
    return answer.returncode == 0


def _prepare_images() -> str | None:
    """Build and push what the demo needs; returns the last words of what failed."""
    for command in (("services.sh", "start"), ("images.sh", *PACKAGES)):
        answer = subprocess.run(
            [REPOSITORY / "scripts" / command[0], *command[1:]],
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode:
            return (answer.stderr.strip().splitlines() or ["no reason given"])[-1]
    return None


# -- the network and the analyses ---------------------------------------------------------------


def _run(runner: str, arguments: argparse.Namespace) -> list[Comparison]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="v6-demo-")))
        files = _split_data(folder)
        with console.status("Starting a server and three data stations …"):
            network = stack.enter_context(
                LocalNetwork(
                    [
                        Station.with_csv(name, file)
                        for name, file in zip(STATIONS, files, strict=True)
                    ],
                    runner=runner,
                    allowed_algorithms=[_image(name) for name in PACKAGES],
                    process_packages={_image(name): package for name, package in PACKAGES.items()},
                    node_settings={"images": {"relay": RELAY_IMAGE}},
                )
            )
        console.print(f"Server at {network.url}; stations: {', '.join(STATIONS)}; encrypted.")
        client = stack.enter_context(_log_in(network))
        comparisons = _analyse(client, network, arguments.output)
        console.print(_table(comparisons))
        console.print(f"Survival curves, federated and pooled: {arguments.output}")
        if arguments.stay:
            _stay(network)
        with console.status("Stopping …"):
            stack.close()
    return comparisons


def _split_data(folder: Path) -> list[Path]:
    subprocess.run([sys.executable, DATA / "split.py", folder], check=True, capture_output=True)
    return sorted(folder.glob("*.csv"))


def _image(name: str) -> str:
    return f"{REGISTRY}/vantage6/{name}:{__version__}"


def _analyse(client: UserClient, network: LocalNetwork, output: Path) -> list[Comparison]:
    average = _ask(
        client, network, "average", {"method": "central_average", "kwargs": {"column_name": COLUMN}}
    )
    survival = _ask(
        client,
        network,
        "kaplan_meier",
        {
            "method": "central_kaplan_meier",
            "kwargs": {"time_column": "time", "event_column": "status"},
        },
    )
    records = DATA / "lung.csv"
    federated = Curve.of(survival)
    pooled = pooled_survival(records, time="time", event="status")
    draw(federated, pooled, output)
    mean = pooled_average(records, COLUMN)
    return [
        Comparison(
            f"average {COLUMN} (years)",
            average["average"],
            mean,
            abs(average["average"] - mean),
        ),
        Comparison(
            "median survival (days)",
            federated.median,
            pooled.median,
            abs(federated.median - pooled.median),
        ),
        Comparison(
            "survival, largest difference at any time",
            federated.last,
            pooled.last,
            largest_difference(federated, pooled),
        ),
    ]


def _log_in(network: LocalNetwork) -> UserClient:
    member = network.members[0]
    client = UserClient(network.host, network.port, network.api_path, log_level="error")
    client.authenticate(member.username, member.password)
    client.setup_encryption(member.private_key)
    client.setup_collaboration(network.collaboration_id)
    return client


def _ask(
    client: UserClient, network: LocalNetwork, name: str, input_: dict[str, Any]
) -> dict[str, Any]:
    """Send one central function to the first station, follow it, and return its result."""
    task = client.task.create(
        organizations=[network.members[0].organization_id],
        name=name,
        description=f"{name} over all stations",
        image=_image(name),
        input_=input_,
        databases=[{"label": "default"}],
    )
    if "id" not in task:
        raise DemoError(f"The task {name} was not accepted: {task}")
    follow(client, task["id"], name.replace("_", "-"), console)
    (run,) = client.run.from_task(task["id"])["data"]
    if run["status"] != "completed":
        raise DemoError(f"The task {name} ended as '{run['status']}': {run['log']}")
    (answer,) = client.result.from_task(task["id"])["data"]
    result: dict[str, Any] = json.loads(answer["result"])
    return result


def _stay(network: LocalNetwork) -> None:
    member = network.members[0]
    console.print(
        "\nThe network stays up until Ctrl-C. In a notebook:\n\n"
        "  from vantage6.client import Client\n"
        f"  client = Client({network.host!r}, {network.port}, {network.api_path!r})\n"
        f"  client.authenticate({member.username!r}, {member.password!r})\n"
        f"  client.setup_encryption({str(member.private_key)!r})\n"
        f"  client.setup_collaboration({network.collaboration_id})\n",
        markup=False,
    )
    console.print(f"The images: {', '.join(map(_image, PACKAGES))}")
    with suppress(KeyboardInterrupt):
        threading.Event().wait()


def _table(comparisons: list[Comparison]) -> Table:
    table = Table("", "federated", "pooled", "difference")
    for row in comparisons:
        table.add_row(
            row.what, f"{row.federated:.12g}", f"{row.pooled:.12g}", f"{row.difference:.1e}"
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
