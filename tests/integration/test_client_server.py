"""The client and the server in one process, with simulated nodes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.support.simulated_node import SimulatedNode
from vantage6.client import UserClient
from vantage6.client.exceptions import TaskFailedError, WaitTimeoutError
from vantage6.client.waiting import WaitProgress
from vantage6.common.crypto.base import Cryptor
from vantage6.common.crypto.keys import create_private_key
from vantage6.common.crypto.rsa import RsaCryptor
from vantage6.common.errors import CryptoError, DecryptionError, PublicKeyError
from vantage6.common.testing.http import FaultyHandler, InProcessHandler
from vantage6.server import migrations
from vantage6.server.app import create_app
from vantage6.server.repositories.database import Database, database_url
from vantage6.server.repositories.unit_of_work import UnitOfWork
from vantage6.server.services.first_start import prepare
from vantage6.server.services.passwords import Passwords
from vantage6.server.settings import load_server_settings

PASSWORD = "Passw0rd!"
HOST = "http://server.test"
IMAGE = "example/sum:1"
NUMBERS = count(1)

MakeClient = Callable[..., UserClient]


def add(input_: dict[str, Any]) -> dict[str, int]:
    """Be the algorithm: add numbers, or fail."""
    return {"sum": sum(input_["kwargs"]["numbers"])}


@pytest.fixture(scope="module")
def handler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessHandler]:
    """Give a way into a server that has only its root user."""
    folder = tmp_path_factory.mktemp("server")
    settings = load_server_settings(
        {"uri": "sqlite:///server.sqlite", "jwt_secret_key": "s" * 48}, "the test", {}
    )
    database = Database(database_url(settings["uri"], folder))
    migrations.upgrade(database)

    def work(*, write: bool = True) -> UnitOfWork:
        return UnitOfWork(database, write=write)

    fast = Passwords(time_cost=1, memory_cost=8)
    prepare(work, fast, {"V6_INIT_SUPER_PASS": PASSWORD})
    app = create_app(settings, folder)
    yield InProcessHandler(app)
    with app.app_context():
        from vantage6.server.resources.auth import services

        services().close()
    database.close()


@pytest.fixture
def make_client(handler: InProcessHandler) -> Iterator[MakeClient]:
    """Make clients that are logged in."""
    with ExitStack() as stack:

        def make(username: str, password: str = PASSWORD, **options: Any) -> UserClient:
            client = UserClient(HOST, None, **{"handler": handler, **options})
            stack.callback(client.close)
            client.authenticate(username, password)
            return client

        yield make


@pytest.fixture
def root(make_client: MakeClient) -> UserClient:
    return make_client("root")


@dataclass
class Member:
    """An organization with a researcher and a node."""

    organization_id: int
    client: UserClient
    node: SimulatedNode
    key_file: Path | None


@dataclass
class Group:
    """Two organizations in a collaboration."""

    collaboration_id: int
    members: list[Member]

    @property
    def client(self) -> UserClient:
        """The researcher of the first organization, with the collaboration chosen."""
        return self.members[0].client

    def create(self, numbers: Any, **options: Any) -> dict[str, Any]:
        """Ask all members to add numbers."""
        task: dict[str, Any] = self.client.task.create(
            organizations=[member.organization_id for member in self.members],
            name="add numbers",
            image=IMAGE,
            description="",
            input_={"method": "add", "kwargs": {"numbers": numbers}},
            databases=[{"label": "default"}],
            **options,
        )
        return task

    def work(self, _: object = None) -> None:
        """Let all nodes do what is open."""
        for member in self.members:
            member.node.work()


@pytest.fixture
def make_group(
    root: UserClient, make_client: MakeClient, handler: InProcessHandler, tmp_path: Path
) -> Iterator[Callable[..., Group]]:
    """Make collaborations of two new organizations."""
    role = root.role.list(name="Researcher", field="id")[0]["id"]
    admin = root.role.list(name="Organization Admin", field="id")[0]["id"]

    def make_organization(number: int) -> int:
        created = root.organization.create(f"org {number}", "", "", "", "NL", "example.org")
        return int(created["id"])

    def make_member(organization_id: int, collaboration_id: int, *, encrypted: bool) -> Member:
        username = f"user-{organization_id}"
        root.user.create(
            username,
            "Ada",
            "Byron",
            PASSWORD,
            f"{username}@example.org",
            organization_id,
            [role, admin],
        )
        client = make_client(username)
        client.setup_collaboration(collaboration_id)
        key_file = make_key(tmp_path / f"{username}.pem") if encrypted else None
        client.setup_encryption(key_file)
        node = root.node.create(collaboration_id, organization_id)
        cryptor: Cryptor | None = RsaCryptor.from_file(key_file) if key_file else None
        simulated = SimulatedNode(f"{HOST}/api", node["api_key"], add, cryptor, handler)
        stack.callback(simulated.close)
        return Member(organization_id, client, simulated, key_file)

    def make(*, encrypted: bool = False) -> Group:
        numbers = [next(NUMBERS), next(NUMBERS)]
        ids = [make_organization(number) for number in numbers]
        name = f"collaboration {numbers[0]}"
        collaboration_id = root.collaboration.create(name, ids, encrypted)["id"]
        members = [make_member(id_, collaboration_id, encrypted=encrypted) for id_ in ids]
        return Group(collaboration_id, members)

    with ExitStack() as stack:
        yield make


def make_key(path: Path) -> Path:
    create_private_key(path, bits=2048)
    return path


@pytest.mark.parametrize("encrypted", [False, True])
def test_task_goes_to_both_organizations_and_its_results_come_back(
    encrypted: bool, make_group: Callable[..., Group]
) -> None:
    group = make_group(encrypted=encrypted)
    task = group.create([1, 2, 39])
    assert task["status"] == "pending"
    answer = group.client.wait_for_results(task["id"], on_progress=group.work, timeout=30)
    assert [json.loads(item["result"]) for item in answer["data"]] == [{"sum": 42}] * 2
    assert group.client.task.get(task["id"])["status"] == "completed"


def test_server_never_sees_what_is_encrypted(make_group: Callable[..., Group]) -> None:
    group = make_group(encrypted=True)
    task = group.create([123_456_789])
    group.work()
    runs = group.client.run.from_task(task["id"], decrypt_input=False)["data"]
    results = group.client.request("result", params={"task_id": task["id"]})["data"]
    texts = [run["input"] for run in runs] + [result["result"] for result in results]
    assert all(text.count("$") == 2 and "123456789" not in text for text in texts)


def test_inputs_are_read_where_they_are_for_us(make_group: Callable[..., Group]) -> None:
    group = make_group(encrypted=True)
    task = group.create([1])
    first, second = group.members
    inputs = {
        run["organization"]["id"]: run["input"]
        for run in first.client.run.from_task(task["id"])["data"]
    }
    assert json.loads(inputs[first.organization_id])["kwargs"] == {"numbers": [1]}
    assert inputs[second.organization_id].count("$") == 2


def test_member_of_another_organization_cannot_read_the_results(
    make_group: Callable[..., Group],
) -> None:
    group = make_group(encrypted=True)
    task = group.create([1])
    group.work()
    with pytest.raises(DecryptionError, match=r"result of run \d+.*SHA256:"):
        group.members[1].client.result.from_task(task["id"])


def test_failed_run_is_named_with_its_reason(make_group: Callable[..., Group]) -> None:
    group = make_group()
    task = group.create(["no number"])
    with pytest.raises(TaskFailedError, match=r"crashed at org \d+ .*TypeError: unsupported"):
        group.client.wait_for_results(
            task["id"], on_progress=group.work, timeout=30, raise_on_failure=True
        )
    answer = group.client.wait_for_results(task["id"])
    assert "" in [result["result"] for result in answer["data"]]


def test_time_limit_leaves_the_task_running(make_group: Callable[..., Group]) -> None:
    group = make_group()
    task = group.create([1])
    seen: list[WaitProgress] = []
    with pytest.raises(WaitTimeoutError):
        group.client.wait_for_results(task["id"], timeout=0.2, on_progress=seen.append)
    assert {progress.status for progress in seen} == {"pending"}


def test_killed_task_is_finished(make_group: Callable[..., Group], root: UserClient) -> None:
    group = make_group()
    task = group.create([1])
    root.task.kill(task["id"])
    assert group.client.task.get(task["id"])["status"] == "killed by user"
    results = group.client.wait_for_results(task["id"])["data"]
    assert [result["result"] for result in results] == [None, None]


def test_lost_answer_leaves_one_task(
    make_group: Callable[..., Group], make_client: MakeClient, handler: InProcessHandler
) -> None:
    group = make_group()
    faulty = FaultyHandler(handler)
    member = group.members[0]
    name = f"user-{member.organization_id}"
    member.client = make_client(name, handler=faulty)
    member.client.setup_collaboration(group.collaboration_id)
    faulty.drop_reply("POST", "/task")
    task = group.create([1])
    assert [found["id"] for found in member.client.task.list()["data"]] == [task["id"]]


def test_plain_client_does_not_send_to_an_encrypted_collaboration(
    make_group: Callable[..., Group],
) -> None:
    group = make_group(encrypted=True)
    group.client.setup_encryption(None)
    with pytest.raises(CryptoError, match="is encrypted, so nothing was sent"):
        group.create([1])
    assert group.client.task.list()["data"] == []


def test_organization_without_key_is_named(
    make_group: Callable[..., Group], root: UserClient
) -> None:
    group = make_group(encrypted=True)
    newcomer = root.organization.create(f"org {next(NUMBERS)}", "", "", "", "NL", "example.org")
    root.collaboration.add_organization(newcomer["id"], group.collaboration_id)
    root.node.create(group.collaboration_id, newcomer["id"])
    with pytest.raises(PublicKeyError, match=newcomer["name"]):
        group.client.task.create(
            [newcomer["id"]], "n", IMAGE, "", {"method": "add"}, group.collaboration_id
        )


def test_registered_key_is_protected(make_group: Callable[..., Group], tmp_path: Path) -> None:
    group = make_group(encrypted=True)
    before = group.client.organization.get(field="public_key")
    other = make_key(tmp_path / "other.pem")
    with pytest.raises(CryptoError, match="replace=True"):
        group.client.setup_encryption(other)
    assert group.client.organization.get(field="public_key") == before
    group.client.setup_encryption(other, replace=True)
    assert group.client.organization.get(field="public_key") != before


def test_expired_token_is_renewed_on_the_way(make_group: Callable[..., Group]) -> None:
    client = make_group().client
    before = client.token
    client.refresh_token()
    assert client.token != before
    assert client.organization.get()["id"]


def test_everything_the_client_offers_is_understood_by_the_server(
    root: UserClient, make_group: Callable[..., Group]
) -> None:
    group = make_group()
    ids = [member.organization_id for member in group.members]
    name = f"thing {next(NUMBERS)}"

    assert root.util.get_server_version()["version"].startswith("4.15.")
    assert root.util.get_server_health() == {"database": True}
    rules = root.rule.list(name="task", operation="VIEW", fields=["id", "scope"])
    assert {rule["scope"] for rule in rules} >= {"OWN", "ORGANIZATION", "GLOBAL"}
    assert root.rule.get(rules[0]["id"], field="name") == {"name": "task"}

    role = root.role.create(name, "d", [rules[0]["id"]], ids[0])
    assert root.role.update(role["id"], description="e")["description"] == "e"
    assert root.role.list(name=name, organization=ids[0], field="id") == [{"id": role["id"]}]
    root.role.delete(role["id"])
    assert "msg" in root.role.get(role["id"])

    study = root.study.create(name, [ids[0]], group.collaboration_id)
    members = root.study.add_organization(ids[1], study["id"])
    assert {member["id"] for member in members} == set(ids)
    root.study.remove_organization(ids[1], study["id"])
    assert root.study.update(study["id"], name=f"{name}!")["name"] == f"{name}!"
    found = root.study.list(collaboration=group.collaboration_id, include_organizations=True)
    assert found["data"][0]["organizations"][0]["id"] == ids[0]

    (node,) = root.node.list(collaboration=group.collaboration_id, organization=ids[0])["data"]
    assert root.node.update(node["id"], name=f"node {name}")["name"] == f"node {name}"
    offline = root.node.list(collaboration=group.collaboration_id, is_online=False)
    assert len(offline["data"]) == 2

    user = root.user.list(username=f"user-{ids[0]}")["data"][0]
    assert root.user.update(user["id"], firstname="Grace")["firstname"] == "Grace"
    assert root.user.get(user["id"], field="firstname") == {"firstname": "Grace"}
    assert root.organization.update(ids[0], country="BE")["country"] == "BE"
    assert root.organization.list(collaboration=group.collaboration_id, country="BE", field="id")

    assert root.collaboration.update(group.collaboration_id, name=name)["name"] == name
    plain = root.collaboration.list(scope="global", encrypted=False, name=name, field="id")
    assert plain == [{"id": group.collaboration_id}]
    assert root.collaboration.list(scope="global", encrypted=True, name=name)["data"] == []


def test_filters_of_tasks_and_runs_are_understood(make_group: Callable[..., Group]) -> None:
    group = make_group()
    task = group.create([1])
    group.work()
    client, first = group.client, group.members[0]
    (run, _) = client.run.from_task(task["id"])["data"]
    for options in (
        {"initiating_org": first.organization_id},
        {"image": IMAGE},
        {"job": task["job_id"]},
        {"name": "add%"},
        {"database": "default"},
        {"run": run["id"]},
        {"status": "completed"},
        {"user_created": True},
    ):
        assert client.task.list(**options, field="id") == [{"id": task["id"]}], options
    for options in ({"user_created": False}, {"status": "active"}, {"name": "other"}):
        assert client.task.list(**options)["data"] == [], options
    with_results = client.task.list(include_results=True)["data"][0]
    assert len(with_results["results"]) == 2
    assert len(client.run.list(task=task["id"])["data"]) == 2
    assert client.run.list(task=task["id"], state="open")["data"] == []
    late = client.run.list(task=task["id"], finished=("2999-01-01", None))
    assert late["data"] == []
    assert client.run.get(run["id"], include_task=True)["task"]["id"] == task["id"]
    client.task.delete(task["id"])
    assert client.task.list()["data"] == []


def test_deleting_with_dependents_is_only_done_on_request(
    root: UserClient, make_group: Callable[..., Group]
) -> None:
    group = make_group()
    root.collaboration.delete(group.collaboration_id)
    assert root.collaboration.get(group.collaboration_id)["id"] == group.collaboration_id
    root.collaboration.delete(group.collaboration_id, delete_dependents=True)
    assert "msg" in root.collaboration.get(group.collaboration_id)
