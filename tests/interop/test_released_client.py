"""The released client 4.15.2 with our server and our nodes."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.networks import LUNG, image
from vantage6.common.cli.local_network import LocalNetwork

pytestmark = pytest.mark.interop

SIGNATURES = Path(__file__).parents[2] / "vantage6-client" / "tests" / "data" / "signatures.json"
COLUMN = "age"

# Keys of each object (contract, client-api section 6). Some are not shown by our server on purpose.
NOT_SHOWN = {"otp_secret"}
KEYS = {
    "organization": "id name domain address1 address2 zipcode country public_key collaborations "
    "nodes users tasks runs studies",
    "collaboration": "id name encrypted organizations nodes tasks algorithm_stores studies",
    "node": "id name type status ip last_seen config organization collaboration",
    "user": "id username firstname lastname email type status ip last_seen organization roles "
    "rules otp_secret last_email_failed_login_sent last_email_recover_password_sent",
    "role": "id name description is_default_role organization rules users",
    "rule": "id name operation scope description users",
    "study": "id name collaboration organizations tasks",
    "task": "id name description image job_id created_at status finished_at collaboration study "
    "parent children init_org init_user databases algorithm_store runs results",
}

RunScript = Callable[..., Any]


@pytest.fixture(scope="module")
def ages() -> list[float]:
    """Return the column that is averaged."""
    with LUNG.open() as file:
        return [float(row[COLUMN]) for row in csv.DictReader(file) if row[COLUMN]]


@pytest.fixture(params=["plain_network", "encrypted_network"])
def network(request: pytest.FixtureRequest) -> LocalNetwork:
    """Return a network without, and one with encryption."""
    network: LocalNetwork = request.getfixturevalue(request.param)
    return network


@pytest.fixture
def notebook(network: LocalNetwork, run_script: RunScript) -> dict[str, Any]:
    """Return what a researcher with the released client gets from our network."""
    member = network.members[0]
    found: dict[str, Any] = run_script(
        "average",
        host=network.host,
        port=network.port,
        path=network.api_path,
        username=member.username,
        password=member.password,
        private_key=str(member.private_key) if member.private_key else None,
        collaboration=network.collaboration_id,
        image=image("average"),
        column=COLUMN,
    )
    return found


def test_notebook_gets_the_average_of_all_stations(
    notebook: dict[str, Any], network: LocalNetwork, ages: list[float]
) -> None:
    ids = sorted(member.organization_id for member in network.members)
    assert notebook["organizations"] == ids

    central = notebook["central"]
    assert central["task"]["status"] == "completed"
    (result,) = map(json.loads, central["results"])
    assert result["average"] == pytest.approx(sum(ages) / len(ages), rel=1e-12)
    assert result["count"] == len(ages)

    partial = notebook["partial"]
    assert partial["created"]["status"] == "pending"
    sums = [json.loads(text) for text in partial["results"]]
    assert sum(each["count"] for each in sums) == len(ages)
    assert sum(each["sum"] for each in sums) == pytest.approx(sum(ages), rel=1e-12)
    assert partial["single"] == partial["results"]
    assert sorted(run["organization"] for run in partial["runs"]) == ids
    assert {run["status"] for run in partial["runs"]} == {"completed"}
    (own_input,) = map(json.loads, partial["own_inputs"])
    assert own_input == {"method": "partial_average", "kwargs": {"column_name": COLUMN}}

    failed = notebook["failed"]
    assert failed["task"]["status"] not in {"completed", "pending", "active"}
    assert failed["results"] == [""]


def test_every_noun_is_served_to_the_released_client(
    plain_network: LocalNetwork, run_script: RunScript
) -> None:
    found = run_script(
        "nouns",
        host=plain_network.host,
        port=plain_network.port,
        path=plain_network.api_path,
        username="root",
        password=plain_network.root_password,
    )
    assert found["version"]["version"] == "4.15.2"
    assert found["health"] == {"database": True}
    for name, answer in found.items():
        noun, _, method = name.partition(".")
        if noun in KEYS and method != "fields":
            kind = "organization" if method.endswith("_organization") else noun
            for item in objects_of(answer):
                assert not set(KEYS[kind].split()) - set(item) - NOT_SHOWN, (name, item)
    assert found["node.create"]["api_key"]
    assert found["organization.update"]["country"] == "BE"
    assert [item["name"] for item in found["organization.fields"]] == ["interop one", "interop two"]
    assert found["role.update.partly"]["name"] == "interop role!"
    assert found["role.update.partly"]["description"] == "partly"
    assert found["user.create.own"]["organization"]["id"] == found["organization.own"]["id"]
    assert len(found["collaboration.list.plain"]["data"]) == 1
    assert len(found["collaboration.add_organization"]) == 2
    assert len(found["collaboration.remove_organization"]) == 1
    assert len(found["node.list"]["data"]) == 1
    assert set(found["refused"]) >= {"msg"}
    for name in ("organizations", "collaborations", "users"):
        assert found[f"left.{name}"]["data"] == []


def test_our_signatures_are_those_of_the_released_client(run_script: RunScript) -> None:
    assert run_script("signatures") == json.loads(SIGNATURES.read_text())


def objects_of(answer: Any) -> list[dict[str, Any]]:
    """Return the objects in an answer: of a page, of a list, or itself."""
    if isinstance(answer, list):
        return answer
    items: list[dict[str, Any]] = answer.get("data", [answer])
    return items
