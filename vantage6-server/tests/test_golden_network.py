"""Replays the recorded exchanges of VPN, addresses of algorithms and names of columns.

Where the recording shows what the contract calls a quirk, the answer we give on purpose is listed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from vantage6.common.testing.golden import differences
from vantage6.server.events.emit import to_wire
from vantage6.server.models import AlgorithmPort, Node, NodeConfig

SAMPLES = Path(__file__).parents[2] / "tests" / "contract" / "data" / "golden"
FILES = ("column__POST", "vpn__GET", "vpn_algorithm_addresses__GET", "vpn_update__POST")

# File, case: the status we answer instead of the recorded one.
DELIBERATE = {
    ("vpn__GET", "called-by-user"): 403,
    ("vpn_algorithm_addresses__GET", "called-by-user"): 403,
    ("vpn_update__POST", "always-fails"): 501,
}


def _cases() -> Iterator[tuple[str, dict[str, Any]]]:
    for stem in FILES:
        sample = json.loads((SAMPLES / f"{stem}.json").read_text(encoding="utf-8"))
        for case in sample["cases"]:
            yield stem, case


@pytest.mark.parametrize(
    ("stem", "case"), [pytest.param(*pair, id=f"{pair[0]}-{pair[1]['case']}") for pair in _cases()]
)
def test_recorded_exchange_is_answered_alike(stem: str, case: dict[str, Any], world: Any) -> None:
    world.add_container("container", task_id=world.add_task(organization_ids=(2, 3)))
    with world.session() as session:
        _store_earlier_records(session, case["case"])
    heard: list[Any] = []
    world.services.bus.subscribe(heard.append)
    request = case["request"]
    words = case["caller"].split()
    answer = world.call(
        words[0] if words[0] == "container" else words[1],
        request["method"],
        request["path"].removeprefix("/api"),
        request.get("body"),
        query=request.get("query"),
    )
    expected = case["response"]
    deliberate = DELIBERATE.get((stem, case["case"]))
    assert answer.status_code == (deliberate or expected["status"]), answer.json
    assert answer.content_type == expected["content_type"]
    if answer.status_code >= 400:
        assert isinstance(answer.json["msg"], str)
        return
    assert not list(differences(expected["body"], answer.json))
    _check_lengths(expected["body"], answer.json)
    told = [wire for wire in map(to_wire, heard) if wire is not None]
    events = case.get("socket_events", [])
    assert [(wire.name, wire.room) for wire in told] == [
        (event["event"], event["room"]) for event in events
    ]


def _check_lengths(shape: dict[str, Any], body: dict[str, Any]) -> None:
    """Compare how many items there are, which the comparison of shapes leaves out."""
    for key, inner in shape.items():
        if isinstance(inner, dict) and "length" in inner:
            assert len(body[key]) == inner["length"], key


def _store_earlier_records(session: Session, case: str) -> None:
    session.add(AlgorithmPort(run_id=1, port=8888, label="lab"))
    session.add(AlgorithmPort(run_id=1, port=8889, label=None))
    session.add(AlgorithmPort(run_id=2, port=8888, label=None))
    session.get_one(Node, 2).ip = "10.76.0.5"
    if case == "columns-known":
        session.add(NodeConfig(node_id=2, key="columns_default", value="age"))
        session.add(NodeConfig(node_id=2, key="columns_default", value="sex"))


def test_every_recorded_case_is_replayed() -> None:
    names = {(stem, case["case"]) for stem, case in _cases()}
    assert set(DELIBERATE) <= names
    assert len(names) == 16
