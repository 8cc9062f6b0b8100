"""What the server and the line to it learn of an encrypted analysis: no word and no number of it.

The records have column names and fractions that occur nowhere else, so a search through all bytes
tells. Not searched for, because they are in every file anyway: whole numbers such as counts and
events (0, 1, 3, 228), words of the results such as "time" and "log", and numbers of fewer than
six digits such as 0.95. The names of the images are known to the server on purpose, since the
stations decide by them; the names and the descriptions of tasks are for everybody to read.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import socketio

from examples.data.split import split_by_institution, write_parts
from tests.support.faulty_proxy import FaultyProxy
from tests.support.leaks import cells, find_leaks
from tests.support.networks import (
    DEFAULT_DATABASE,
    LUNG,
    RELAY_IMAGE,
    Researcher,
    image,
    network_of,
)
from vantage6.common.cli.local_network import LocalNetwork, Station
from vantage6.common.wire.socket import NAMESPACE

COLUMNS = {"age": "zeta_age_years", "time": "zeta_days_observed", "status": "zeta_event_marker"}
FRACTIONS = {"age": 0.1372915, "time": 0.5841737}
CONFIDENCE = 0.9173645
ANALYSES = {
    "average": {"method": "central_average", "kwargs": {"column_name": COLUMNS["age"]}},
    "kaplan_meier": {
        "method": "central_kaplan_meier",
        "kwargs": {
            "time_column": COLUMNS["time"],
            "event_column": COLUMNS["status"],
            "confidence_level": CONFIDENCE,
        },
    },
}
WORDS = {
    *COLUMNS.values(),
    *("central_average", "partial_average", "central_kaplan_meier", "partial_event_table"),
    *("column_name", "time_column", "event_column", "confidence_level"),
    str(CONFIDENCE),
}
FEWEST_DIGITS = 6


@dataclass(frozen=True)
class Evidence:
    """What there is to be found, and all places where it could be.

    Attributes
    ----------
    numbers : set of str
        The numbers of all results, also of subtasks, as the researcher reads them.
    database : tuple of bytes
        The server's files, and the content of their cells.
    log : bytes
        All that the server writes at level DEBUG.
    traffic : bytes
        All requests, answers and socket frames between the server and nodes and researcher.
    events : bytes
        What a user's socket was told.
    """

    numbers: set[str]
    database: tuple[bytes, ...]
    log: bytes
    traffic: bytes
    events: bytes


@pytest.fixture(scope="module", params=[True, False], ids=["encrypted", "plain"])
def evidence(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[bool, Evidence]:
    """Do both analyses in a network whose every word is kept."""
    return request.param, _gather(tmp_path_factory.mktemp("secrecy"), encrypted=request.param)


def test_an_encrypted_analysis_is_found_nowhere_and_a_plain_one_everywhere(
    evidence: tuple[bool, Evidence],
) -> None:
    encrypted, found = evidence
    sought = WORDS | found.numbers
    assert len(found.numbers) > 100

    expected: set[str] = set() if encrypted else sought
    assert find_leaks(sought, *found.database) == expected
    assert find_leaks(sought, found.traffic) == expected


def test_log_and_events_tell_nothing_even_of_a_plain_analysis(
    evidence: tuple[bool, Evidence],
) -> None:
    _, found = evidence
    sought = WORDS | found.numbers

    assert b"DEBUG" in found.log
    assert find_leaks(sought, found.log) == set()
    assert b"new_task" in found.events
    assert b"algorithm_status_change" in found.events
    assert find_leaks(sought, found.events) == set()


# -- gathering ----------------------------------------------------------------------------------


def _gather(folder: Path, *, encrypted: bool) -> Evidence:
    files = _distinctive_records(folder)
    with ExitStack() as stack:
        proxy = stack.enter_context(FaultyProxy(lambda: network.port, is_recording=True))
        network = network_of(
            [Station.with_csv(f"station {i}", file) for i, file in enumerate(files, 1)],
            runner="process",
            encrypted=encrypted,
            folder=folder / "network",
            server_settings={"logging": {"level": "DEBUG", "file": "server.log"}},
            node_settings={
                "images": {"relay": RELAY_IMAGE},
                "port": proxy.port,
            },
        )
        stack.enter_context(network)
        researcher = stack.enter_context(Researcher(network, port=proxy.port))
        events = stack.enter_context(_Listener(network, researcher)).events
        results = [_analyse(researcher, name) for name in ANALYSES]
        server = network.folder / "server"
        database = [file.read_bytes() for file in sorted(server.glob("server.sqlite*"))]
        database.append(cells(server / "server.sqlite"))
    logs = [server / "output.log", *server.glob("log/**/*.log*")]
    return Evidence(
        numbers=set(_long_numbers(results)),
        database=tuple(database),
        log=b"".join(file.read_bytes() for file in logs),
        traffic=b"\n".join(message.data for message in proxy.recorded),
        events="\n".join(events).encode(),
    )


def _distinctive_records(folder: Path) -> list[Path]:
    """Write the lung cancer records with unusual names and numbers, one file per station."""
    source = folder / "lung.csv"
    with LUNG.open(newline="") as file, source.open("w", newline="") as output:
        rows = csv.reader(file)
        names = next(rows)
        writer = csv.writer(output)
        writer.writerow([COLUMNS.get(name, name) for name in names])
        for row in rows:
            values = zip(names, row, strict=True)
            writer.writerow([_shifted(name, value) for name, value in values])
    return write_parts(split_by_institution(source, 3), folder / "data")


def _shifted(name: str, value: str) -> str:
    return f"{float(value) + FRACTIONS[name]:.7f}" if name in FRACTIONS else value


def _analyse(researcher: Researcher, name: str) -> list[Any]:
    """Carry out an analysis; returns its result and those of its subtasks."""
    network = researcher.network
    answer = researcher.client.task.create(
        organizations=[network.members[0].organization_id],
        name="an analysis",
        description="for the test of secrecy",
        image=image(name),
        input_=ANALYSES[name],
        databases=list(DEFAULT_DATABASE),
    )
    (run,) = researcher.finish(answer["id"])
    assert run["status"] == "completed", run["log"]
    subtasks = researcher.client.task.list(parent=answer["id"])["data"]
    assert len(subtasks) == 1
    return [researcher.results(task) for task in (answer["id"], subtasks[0]["id"])]


def _long_numbers(value: Any) -> Iterator[str]:
    """Give the numbers in a result that have enough digits to be recognized."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _long_numbers(each)
    elif isinstance(value, float):
        text = json.dumps(value)
        if sum(character.isdigit() for character in text.partition("e")[0]) >= FEWEST_DIGITS:
            yield text


class _Listener:
    """A user's socket that keeps every event for the time of the block."""

    def __init__(self, network: LocalNetwork, researcher: Researcher) -> None:
        self._origin = f"{network.host}:{network.port}"
        self._authorization = researcher.client.transport.authorization()
        self._socket = socketio.Client(reconnection=False, handle_sigint=False)
        self._socket.on("*", self._keep, namespace=NAMESPACE)
        self.events: list[str] = []

    def __enter__(self) -> _Listener:
        self._socket.connect(
            self._origin,
            headers={"Authorization": self._authorization},
            namespaces=[NAMESPACE],
            transports=["websocket"],
            wait_timeout=10,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.disconnect()

    def _keep(self, event: str, *arguments: Any) -> None:
        self.events.append(json.dumps([event, *arguments]))
