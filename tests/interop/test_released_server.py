"""Our client with the released server 4.15.2; the nodes are simulated."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.peers import PeerUnavailableError, released_server
from tests.support.simulated_node import SimulatedNode
from vantage6.client import UserClient
from vantage6.client.exceptions import TaskFailedError
from vantage6.common.crypto.keys import create_private_key
from vantage6.common.crypto.rsa import RsaCryptor

pytestmark = pytest.mark.interop

PASSWORD = "An0ther-Passw0rd!"
PAUSE = 0.1


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a released server."""
    try:
        with released_server(tmp_path_factory.mktemp("released")) as address:
            yield address
    except PeerUnavailableError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture
def make_client(address: str) -> Iterator[Callable[..., UserClient]]:
    """Make clients of the released server that are logged in."""
    made = []

    def make(username: str, password: str) -> UserClient:
        host = address.removesuffix("/api")
        client = UserClient(host, None, log_level="error")
        made.append(client)
        client.authenticate(username, password)
        return client

    yield make
    for client in made:
        client.close()


def test_every_noun_of_the_released_server_is_served_by_our_client(
    address: str, run_our_script: Callable[..., Any]
) -> None:
    host, _, port = address.removesuffix("/api").rpartition(":")
    found = run_our_script(
        "nouns", host=host, port=int(port), path="/api", username="root", password="root"
    )
    refused = {name for name, answer in found.items() if "msg" in answer}
    assert refused == {"refused"}
    assert found["version"] == {"version": "4.15.2"}
    assert found["role.update.partly"]["description"] == "partly"
    assert found["user.create.own"]["organization"]["id"] == found["organization.own"]["id"]
    assert [item["name"] for item in found["organization.fields"]] == ["interop one", "interop two"]
    for name in ("organizations", "collaborations", "users"):
        assert found[f"left.{name}"]["data"] == []


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
def test_tasks_run_and_results_come_back(
    encrypted: bool, address: str, make_client: Callable[..., UserClient], tmp_path: Path
) -> None:
    root = make_client("root", "root")
    kind = "encrypted" if encrypted else "plain"
    ids = [
        root.organization.create(f"{kind} {number}", "", "", "", "NL", "example.org")["id"]
        for number in (1, 2)
    ]
    collaboration = root.collaboration.create(kind, ids, encrypted)["id"]
    keys = [make_key(tmp_path / f"{id_}.pem") if encrypted else None for id_ in ids]
    roles = [
        item["id"]
        for name in ("Researcher", "Organization Admin")
        for item in root.role.list(name=name, field="id")
    ]
    clients = []
    for id_, key in zip(ids, keys, strict=True):
        root.user.create(
            f"{kind}-{id_}", "Ada", "Byron", PASSWORD, f"{kind}{id_}@example.org", id_, roles
        )
        client = make_client(f"{kind}-{id_}", PASSWORD)
        client.setup_collaboration(collaboration)
        client.setup_encryption(key)
        clients.append(client)
    nodes = [
        SimulatedNode(
            address,
            root.node.create(collaboration, id_)["api_key"],
            lambda input_: {"sum": sum(input_["kwargs"]["numbers"])},
            RsaCryptor.from_file(key) if key else None,
        )
        for id_, key in zip(ids, keys, strict=True)
    ]
    client = clients[0]

    with working(nodes):
        results = client.wait_for_results(create(client, ids, [1, 41])["id"], timeout=60)
        failing = create(client, ids[:1], ["x"])["id"]
        with pytest.raises(TaskFailedError, match="TypeError: unsupported"):
            client.wait_for_results(failing, timeout=60, raise_on_failure=True)
        failed = client.result.from_task(failing)

    assert [json.loads(item["result"]) for item in results["data"]] == [{"sum": 42}] * 2
    assert [item["result"] for item in failed["data"]] == [""]
    assert {item["id"] for item in client.task.list()["data"]} >= {failing}


def create(client: UserClient, organizations: list[int], numbers: list[Any]) -> dict[str, Any]:
    task: dict[str, Any] = client.task.create(
        organizations=organizations,
        name="add",
        image="example/add:1",
        description="",
        input_={"method": "add", "kwargs": {"numbers": numbers}},
        databases=[{"label": "default"}],
    )
    assert "id" in task, task
    return task


def make_key(path: Path) -> Path:
    create_private_key(path, bits=2048)
    return path


class working:  # noqa: N801 - reads as part of the sentence
    """Let simulated nodes work in the background."""

    def __init__(self, nodes: list[SimulatedNode]) -> None:
        self._nodes = nodes
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for node in self._nodes:
            node.close()
        if self._failure:
            raise self._failure

    def _work(self) -> None:
        try:
            while not self._stop.wait(PAUSE):
                for node in self._nodes:
                    node.work()
        except Exception as error:  # noqa: BLE001 - told to the test at the end
            self._failure = error
