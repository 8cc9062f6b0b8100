"""Tasks and runs that go wrong: the researcher is told in one sentence why, and what to do.

And nothing is half done then: what is refused leaves no row, and every run ends.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import RUNNERS
from tests.support.networks import (
    DEFAULT_DATABASE,
    PACKAGES,
    REGISTRY,
    Researcher,
    image,
    lung_network,
)
from tests.support.sentences import assert_sentence
from vantage6.client import UserClient
from vantage6.common.cli.local_network import LocalNetwork
from vantage6.common.crypto.keys import create_private_key
from vantage6.common.crypto.rsa import RsaCryptor
from vantage6.common.errors import CryptoError, DecryptionError, KeyFileError
from vantage6.common.payload.chain import pack

ABSENT = f"{REGISTRY}/vantage6/absent:1"
UNREACHABLE = "127.0.0.1:9/vantage6/noop:1"
FORBIDDEN = f"{REGISTRY}/vantage6/forbidden:1"
LOG_LIMIT = 10 * 1024 * 1024
FLOOD_MB = 50
MEMORY_MB = 32  # a node that held the flood, or even its log twice, would need more


# -- a network ----------------------------------------------------------------------------------


@pytest.fixture(params=RUNNERS, scope="module")
def network(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalNetwork]:
    """Allows also images that do not exist."""
    allowed = [*(image(name) for name in PACKAGES), ABSENT, UNREACHABLE]
    folder = tmp_path_factory.mktemp("bad")
    with lung_network(folder, runner=request.param, allowed_algorithms=allowed) as network:
        yield network


@pytest.fixture(scope="module")
def process_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalNetwork]:
    """For what does not depend on the runner."""
    with lung_network(tmp_path_factory.mktemp("process"), runner="process") as network:
        yield network


@pytest.fixture
def someone(process_network: LocalNetwork) -> Iterator[Researcher]:
    with Researcher(process_network) as someone:
        yield someone


@pytest.fixture(scope="module")
def other_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "other.pem"
    create_private_key(path, bits=2048)
    return path


# -- tasks --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BadTask:
    """A request for a task that is refused.

    Attributes
    ----------
    body : callable
        From the parts of a good body to a bad one, as text or as what becomes JSON.
    """

    status: int
    says: str
    body: Callable[[dict[str, Any]], Any]
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


NO_JSON = r"request body is not JSON; send a JSON object with content type application/json"
INVALID = r"request body is not valid; see 'errors'"
NODELESS = "an organization without node"
TASKS = {
    "the body is no JSON": BadTask(400, NO_JSON, lambda _: "this is not JSON"),
    "the body is cut off": BadTask(400, NO_JSON, lambda good: json.dumps(good)[:-5]),
    "the body is not even text": BadTask(400, NO_JSON, lambda _: b"\xff\xfe"),
    "the body is empty": BadTask(400, NO_JSON, lambda _: b""),
    "the body says that it is text": BadTask(
        400, NO_JSON, json.dumps, {"Content-Type": "text/plain"}
    ),
    "the body is a list": BadTask(400, INVALID, lambda _: [1, 2]),
    "the body lacks everything": BadTask(400, INVALID, lambda _: {}),
    "it is for nobody": BadTask(400, INVALID, lambda good: good | {"organizations": []}),
    "it is for an organization without node": BadTask(
        400,
        rf"needs a node of its own in collaboration .*for '{NODELESS}' \(\d+\); register one, or",
        lambda good: good | {"organizations": [*good["organizations"], good["nodeless"]]},
    ),
    "it is for an organization that does not exist": BadTask(
        400,
        r"Not all organizations are members of collaboration '.*': 999; remove them",
        lambda good: good | {"organizations": [{"id": 999, "input": "x"}]},
    ),
    "its collaboration does not exist": BadTask(
        404, r"There is no collaboration 999\.", lambda good: good | {"collaboration_id": 999}
    ),
    "its input is not encrypted": BadTask(
        400,
        r"input for organization \d+ is readable, but .* encrypt it with the public key",
        lambda good: good | {"organizations": [good["organizations"][0] | {"input": "e30="}]},
    ),
}


@pytest.fixture(scope="module")
def good_task(process_network: LocalNetwork) -> dict[str, Any]:
    """Parts of a body that would be accepted, and an organization that has no node."""
    root, member = process_network.root, process_network.members[0]
    assert member.private_key is not None
    cryptor = RsaCryptor.from_file(member.private_key)
    text = pack(b'{"method": "noop"}', cryptor, cryptor.public_key)
    details = {"domain": "", "address1": "", "address2": "", "zipcode": "", "country": ""}
    nodeless = root.post(
        "/organization", {"name": NODELESS, "public_key": cryptor.public_key, **details}
    )
    members = [each.organization_id for each in process_network.members]
    root.patch(
        f"/collaboration/{process_network.collaboration_id}",
        {"organization_ids": [*members, nodeless["id"]]},
    )
    return {
        "name": "a task",
        "image": image("noop"),
        "collaboration_id": process_network.collaboration_id,
        "databases": list(DEFAULT_DATABASE),
        "organizations": [{"id": member.organization_id, "input": text}],
        "nodeless": {"id": nodeless["id"], "input": text},
    }


@pytest.mark.parametrize("wrong", TASKS)
def test_a_task_that_cannot_be_is_refused_and_not_kept(
    wrong: str, good_task: dict[str, Any], someone: Researcher
) -> None:
    bad = TASKS[wrong]
    body = bad.body(dict(good_task))
    if isinstance(body, dict):
        body.pop("nodeless", None)
    before = _rows(someone.network)

    answer = httpx.post(
        f"{someone.network.url}/task",
        content=body if isinstance(body, (str, bytes)) else json.dumps(body),
        headers={"Authorization": str(someone.client.transport.authorization()), **bad.headers},
        trust_env=False,
    )

    assert answer.status_code == bad.status, answer.text
    assert_sentence(answer.json()["msg"])
    assert re.search(bad.says, answer.json()["msg"])
    assert _rows(someone.network) == before


def _rows(network: LocalNetwork) -> tuple[int, int]:
    return (
        len(network.root.get("/task", {"per_page": 250})["data"]),
        len(network.root.get("/run", {"per_page": 250})["data"]),
    )


# -- keys of a researcher -----------------------------------------------------------------------


def test_a_key_that_is_not_the_registered_one_is_not_taken(
    someone: Researcher, other_key: Path, tmp_path: Path
) -> None:
    with pytest.raises(CryptoError, match=r"has the public key SHA256:.*use the private key") as e:
        someone.client.setup_encryption(str(other_key))
    assert_sentence(str(e.value))
    with pytest.raises(KeyFileError, match=r"no private key at .*absent\.pem; give the path") as e:
        someone.client.setup_encryption(str(tmp_path / "absent.pem"))
    assert_sentence(str(e.value))


def test_a_result_for_another_key_is_not_taken_for_noise(
    process_network: LocalNetwork, other_key: Path
) -> None:
    """The organization replaces its key; what was encrypted for the old one stays so."""
    with Researcher(process_network, at=1) as researcher:
        task = researcher.start("noop", "noop")
        researcher.finish(task)
        _replace_key(process_network, 1, other_key)
        researcher.client.setup_encryption(str(other_key))

        with pytest.raises(DecryptionError, match=r"result of run \d+ cannot be read") as caught:
            researcher.client.result.from_task(task)

    assert "encrypted for another key; use the private key" in str(caught.value)
    assert_sentence(str(caught.value))


def _replace_key(network: LocalNetwork, index: int, key: Path) -> None:
    """Let an administrator of an organization, who alone may do that, replace its key."""
    organization = network.members[index].organization_id
    roles = network.root.get("/role", {"name": "Organization Admin"})["data"]
    account = {"username": "administrator", "password": "Keys-change-2026!"}
    network.root.post(
        "/user",
        {
            **account,
            "email": "administrator@example.org",
            "firstname": "",
            "lastname": "",
            "organization_id": organization,
            "roles": [roles[0]["id"]],
        },
    )
    with UserClient(network.host, network.port, network.api_path, log_level="error") as client:
        client.authenticate(**account)
        client.setup_encryption(str(key), replace=True)


# -- algorithms ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class BadRun:
    """A run that goes wrong.

    Attributes
    ----------
    says, log : str
        Patterns for what the researcher is told, and for the log that stays at the station.
    """

    method: str
    arguments: Mapping[str, Any]
    status: str
    says: str
    log: str


CRASH = r"stopped with exit code {}; its log is kept at the data station"
RUNS = {
    "raises": BadRun(
        "raise_error", {}, "crashed", CRASH.format(1), "while calling raise_error: a failure on"
    ),
    "ends with code 1": BadRun("exit_with", {"code": 1}, "crashed", CRASH.format(1), "wrapper for"),
    "writes no result": BadRun(
        "no_output", {}, "failed", r"wrote no result; it must write one", "wrapper for"
    ),
    "lacks the function": BadRun(
        "absent", {}, "crashed", CRASH.format(1), "no function 'absent' .* available are: big,"
    ),
    "takes other arguments": BadRun(
        "noop", {"wrong": 1}, "crashed", CRASH.format(1), "do not fit the function 'noop'"
    ),
}


@pytest.mark.parametrize("wrong", RUNS)
def test_a_run_whose_algorithm(wrong: str, researcher: Researcher) -> None:
    bad = RUNS[wrong]
    run = _ended(researcher, researcher.start("noop", bad.method, **bad.arguments))

    assert run["status"] == bad.status
    assert_sentence(run["log"])
    assert re.search(bad.says, run["log"])
    assert re.search(bad.log, _station_log(researcher, run).decode())


def test_a_run_whose_result_is_no_json_completes_with_what_it_wrote(researcher: Researcher) -> None:
    task = researcher.start("noop", "garbage_output", size=64)
    run = _ended(researcher, task)

    assert run["status"] == "completed"
    (result,) = researcher.client.result.from_task(task)["data"]
    assert result["result"] == b"\xff\x00" * 32


@pytest.mark.parametrize(
    ("sent", "status", "says", "log"),
    [
        (
            b"\xff no JSON",
            "failed",
            r"cannot be read .* neither JSON nor base64 text.* have JSON sent",
            None,
        ),
        (
            base64.b64encode(b"no JSON"),
            "crashed",
            CRASH.format(1),
            r"input of the task is not JSON, .*; send {\"method\"",
        ),
    ],
    ids=["the node", "the algorithm"],
)
def test_an_input_that_is_no_json_is_told_by(
    sent: bytes, status: str, says: str, log: str | None, researcher: Researcher
) -> None:
    member = researcher.network.members[0]
    assert member.private_key is not None
    cryptor = RsaCryptor.from_file(member.private_key)
    task = researcher.client.transport.post(
        "/task",
        {
            "name": "a task",
            "image": image("noop"),
            "collaboration_id": researcher.network.collaboration_id,
            "databases": list(DEFAULT_DATABASE),
            "organizations": [
                {"id": member.organization_id, "input": pack(sent, cryptor, cryptor.public_key)}
            ],
        },
    )
    run = _ended(researcher, task["id"])

    assert run["status"] == status
    assert_sentence(run["log"])
    assert re.search(says, run["log"])
    if log:
        assert re.search(log, _station_log(researcher, run).decode())


def test_an_endless_line_in_the_log_burdens_neither_memory_nor_disk(researcher: Researcher) -> None:
    node = researcher.network.nodes[0].pid
    task = researcher.start("noop", "flood", mb=FLOOD_MB)
    before = _most_memory(node)
    run = _ended(researcher, task)

    assert run["status"] == "completed"
    assert researcher.results(task) == [{"mb": FLOOD_MB}]
    assert _most_memory(node) - before < MEMORY_MB
    log = _station_log(researcher, run)
    assert 0 < len(log) < LOG_LIMIT * 1.1
    assert b" bytes of the log are left out here" in log


def _most_memory(pid: int | None) -> float:
    """Return the most memory a process has had so far, in MiB."""
    (line,) = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(line) / 1024


def test_an_image_that_is_not_allowed_is_named(researcher: Researcher) -> None:
    run = _ended(researcher, researcher.start(FORBIDDEN, "noop"))

    assert run["status"] == "not allowed"
    assert_sentence(run["log"])
    assert f"The image {FORBIDDEN} is not allowed at this node; ask" in run["log"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (ABSENT, r"cannot be pulled \(.*\); check its name and tag"),
        (UNREACHABLE, r"cannot be pulled \(.*\); the registry cannot be reached: check the"),
    ],
    ids=["not in the registry", "no registry"],
)
def test_an_image_that_cannot_be_had_is_named(
    name: str, says: str, researcher: Researcher, request: pytest.FixtureRequest
) -> None:
    if request.node.callspec.params["network"] == "process":
        says = r"has no Python package on this node.*; add it to the setting process_packages"
    run = _ended(researcher, researcher.start(name, "noop"))

    assert run["status"] == "non-existing Docker image"
    assert_sentence(run["log"])
    assert re.search(f"The image '{name}' {says}", run["log"])


def _ended(researcher: Researcher, task: int) -> dict[str, Any]:
    """Return the run of a task, without its input, which may be unreadable on purpose."""
    (run,) = researcher.finish(task, 120)
    assert run["finished_at"]
    return run


def _station_log(researcher: Researcher, run: dict[str, Any]) -> bytes:
    (log,) = (researcher.network.folder / "node-1").rglob(f"{run['id']}.log")
    return log.read_bytes()
