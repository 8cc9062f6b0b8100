"""Sockets of nodes and users (contract, socket-events; golden sample socket_tasks_namespace)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from flask_jwt_extended import create_access_token, create_refresh_token

from vantage6.server.models import Authenticatable, Node, NodeConfig, Run

NAMESPACE = "/tasks"

Connect = Callable[..., Any]


@pytest.fixture
def connect(world: Any) -> Connect:
    """Return a function that opens a socket with a token, or as somebody."""
    sockets = world.app.extensions["socketio"]

    def open_socket(who: str | None = None, header: str | None = None) -> Any:
        if who is not None:
            header = f"Bearer {world.token(who)}"
        headers = {} if header is None else {"Authorization": header}
        return sockets.test_client(world.app, namespace=NAMESPACE, headers=headers)

    return open_socket


def received(socket: Any) -> list[tuple[str, Any]]:
    return [(each["name"], _payload(each["args"])) for each in socket.get_received(NAMESPACE)]


def _payload(args: Any) -> Any:
    if isinstance(args, list):
        return args[0] if args else None
    return args  # the test client unpacks messages itself


def names(socket: Any) -> list[str]:
    return [name for name, _ in received(socket)]


def emit(socket: Any, event: str, *payload: Any) -> None:
    socket.emit(event, *payload, namespace=NAMESPACE)


def status(world: Any, name: str) -> str | None:
    with world.session() as session:
        return session.get_one(Authenticatable, world.identity(name)).status  # type: ignore[no-any-return]


def config(world: Any) -> list[tuple[str, str | None]]:
    with world.session() as session:
        rows = session.query(NodeConfig).order_by(NodeConfig.id).all()
        return [(row.key, row.value) for row in rows]


class TestConnecting:
    def test_a_node_is_welcomed_and_announced(self, world: Any, connect: Connect) -> None:
        user = connect("alpha_view")
        assert received(user) == [
            ("message", "User <alpha_view> joined room <collaboration_1>"),
            ("message", "User <alpha_view> joined room <collaboration_2>"),
        ]
        node = connect("alpha-plain")
        assert received(node) == [
            ("sync", None),
            ("message", "Node <alpha-plain> joined room <collaboration_1>"),
            ("message", "Node <alpha-plain> joined room <collaboration_1_organization_2>"),
        ]
        assert received(user) == [
            ("node-online", {"id": 2, "name": "alpha-plain", "org_id": 2}),
            ("message", "Node <alpha-plain> joined room <collaboration_1>"),
        ]
        assert (status(world, "alpha-plain"), status(world, "alpha_view")) == ("online", "online")

    def test_users_hear_as_far_as_their_widest_rule_reaches(self, connect: Connect) -> None:
        joined = {who: names(connect(who)) for who in ("root", "alpha_none", "gamma_view")}
        assert joined == {"root": ["message"] * 2, "alpha_none": [], "gamma_view": ["message"]}

    def test_an_expired_token_is_answered_by_an_event(self, world: Any, connect: Connect) -> None:
        with world.app.app_context():
            token = create_access_token(2, expires_delta=timedelta(seconds=-1))
        socket = connect(header=f"Bearer {token}")
        assert received(socket) == [("expired_token", None)]
        assert socket.is_connected(NAMESPACE)

    def test_a_forged_token_is_answered_by_an_event(self, connect: Connect) -> None:
        token = jwt.encode({"sub": 2, "type": "access"}, "x" * 48, "HS256")
        socket = connect(header=f"Bearer {token}")
        assert received(socket) == [("invalid_token", None)]
        assert socket.is_connected(NAMESPACE)

    def test_other_tokens_get_no_answer_and_no_room(self, world: Any, connect: Connect) -> None:
        with world.app.app_context():
            refresh = create_refresh_token(2)
            gone = create_access_token(999)
        for header in (None, "Bearer nonsense", world.token("root"), f"Bearer {refresh}"):
            assert received(connect(header=header)) == []
        assert received(connect(header=f"Bearer {gone}")) == []
        assert status(world, "alpha-plain") == "offline"

    def test_a_socket_without_identity_does_no_harm(self, world: Any, connect: Connect) -> None:
        socket = connect()
        for event in ("ping", "node_info_update", "algorithm_log", "algorithm_status_change"):
            emit(socket, event, {"run_id": 1})
        socket.disconnect(NAMESPACE)
        assert config(world) == []


class TestDisconnecting:
    def test_a_node_that_leaves_is_announced_and_forgotten(
        self, world: Any, connect: Connect
    ) -> None:
        user, node = connect("alpha_view"), connect("alpha-plain")
        emit(node, "node_info_update", {"encryption": False})
        received(user)
        node.disconnect(NAMESPACE)
        assert received(user) == [
            ("message", "alpha-plain left room collaboration_1"),
            ("node-offline", {"id": 2, "name": "alpha-plain", "org_id": 2}),
        ]
        assert status(world, "alpha-plain") == "offline"
        assert config(world) == []

    def test_only_the_last_connection_counts(self, world: Any, connect: Connect) -> None:
        user, old = connect("alpha_view"), connect("alpha-plain")
        new = connect("alpha-plain")
        emit(new, "node_info_update", {"encryption": True})
        received(user)
        old.disconnect(NAMESPACE)
        assert "node-offline" not in names(user)
        assert (status(world, "alpha-plain"), config(world)) == ("online", [("encryption", "1")])
        new.disconnect(NAMESPACE)
        assert "node-offline" in names(user)
        assert status(world, "alpha-plain") == "offline"


class TestNodeEvents:
    def test_what_a_node_shares_is_flattened(self, world: Any, connect: Connect) -> None:
        shared = {
            "encryption": True,
            "allowed_users": ["7", "8"],
            "database_labels": ["default"],
            "database_types": {"db_type_default": "csv"},
            "columns_default": ["a", "b"],
            "x": None,
            "nested": {"k": ["v1", "v2"]},
        }
        node = connect("alpha-plain")
        emit(node, "node_info_update", {"old": 1})
        emit(node, "node_info_update", shared)
        assert config(world) == [
            ("encryption", "1"),
            ("allowed_users", "7"),
            ("allowed_users", "8"),
            ("database_labels", "default"),
            ("db_type_default", "csv"),
            ("columns_default", "a"),
            ("columns_default", "b"),
            ("x", None),
            ("k", "v1"),
            ("k", "v2"),
        ]
        shown = world.get("alpha_view", "/node/2").json["config"]
        assert shown[0] == {"key": "encryption", "value": "1"}

    def test_a_ping_shows_that_the_node_is_there(self, world: Any, connect: Connect) -> None:
        node = connect("alpha-plain")
        with world.session() as session:
            session.get_one(Node, 2).status = "offline"
        world.clock.advance(60)
        emit(node, "ping")
        with world.session() as session:
            found = session.get_one(Node, 2)
            assert (found.status, found.last_seen) == ("online", world.clock.now())

    def test_a_status_is_relayed_with_what_the_server_knows(
        self, world: Any, connect: Connect
    ) -> None:
        parent = world.add_task()
        task_id = world.add_task(parent_id=parent)
        user, node = connect("alpha_view"), connect("alpha-plain")
        received(user), received(node)
        said = {
            "run_id": 2,
            "status": "active",
            "node_id": 99,
            "task_id": 99,
            "collaboration_id": 2,
            "organization_id": 99,
            "parent_id": None,
        }
        emit(node, "algorithm_status_change", said)
        expected = {
            "status": "active",
            "run_id": 2,
            "task_id": task_id,
            "job_id": 1,
            "collaboration_id": 1,
            "node_id": 2,
            "organization_id": 2,
            "parent_id": parent,
        }
        assert received(user) == received(node) == [("algorithm_status_change", expected)]
        with world.session() as session:
            assert session.get_one(Run, 2).status == "pending"

    def test_a_log_is_appended_line_by_line(self, world: Any, connect: Connect) -> None:
        task_id = world.add_task()
        user, node = connect("alpha_view"), connect("alpha-plain")
        received(user)
        for piece in ("one", "two\n", "three"):
            emit(node, "algorithm_log", {"run_id": 1, "task_id": 1, "log": piece})
        expected = [{"run_id": 1, "task_id": task_id, "log": p} for p in ("one", "two\n", "three")]
        assert received(user) == [("algorithm_log", payload) for payload in expected]
        with world.session() as session:
            assert session.get_one(Run, 1).log == "one\ntwo\nthree"

    def test_nobody_speaks_for_another_node_or_a_run_that_ended(
        self, world: Any, connect: Connect
    ) -> None:
        world.add_task(organization_ids=(2, 3))
        world.add_task(collaboration_id=2)
        world.call("alpha-plain", "PATCH", "/run/1", {"status": "completed", "result": ""})
        user, node = connect("alpha_view"), connect("alpha-plain")
        received(user)
        for run_id in (2, 3, 999, None, "1", True, 1.5):
            emit(node, "algorithm_status_change", {"run_id": run_id, "status": "active"})
            emit(node, "algorithm_log", {"run_id": run_id, "log": "lies"})
        emit(node, "algorithm_status_change", {"run_id": 1, "status": "odd"})
        emit(node, "algorithm_log", {"run_id": 1, "log": "late"})
        assert received(user) == []
        with world.session() as session:
            assert [session.get_one(Run, identity).log for identity in (1, 2, 3)] == [None] * 3

    def test_users_cannot_pretend_to_be_nodes(self, world: Any, connect: Connect) -> None:
        world.add_task()
        user = connect("alpha_view")
        received(user)
        emit(user, "algorithm_log", {"run_id": 1, "log": "x"})
        emit(user, "node_info_update", {"a": 1})
        emit(user, "algorithm_status_change", {"run_id": 1, "status": "active"})
        assert received(user) == []
        assert config(world) == []

    @pytest.mark.parametrize("payload", [None, "text", 5, [], {"run_id": {"a": 1}}])
    def test_nonsense_is_ignored(self, world: Any, connect: Connect, payload: Any) -> None:
        node = connect("alpha-plain")
        received(node)
        for event in (
            "node_info_update",
            "algorithm_status_change",
            "algorithm_log",
            "node_metrics_update",
            "message",
            "error",
        ):
            emit(node, event, payload)
        emit(node, "ping", payload)
        assert received(node) == []
        assert status(world, "alpha-plain") == "online"


class TestTelling:
    def test_a_new_task_reaches_the_whole_collaboration_only(
        self, world: Any, connect: Connect
    ) -> None:
        listeners = {who: connect(who) for who in ("alpha-plain", "beta-plain", "alpha_view")}
        stranger = connect("gamma-enc")
        for socket in (*listeners.values(), stranger):
            received(socket)
        body = {
            "image": "img:1",
            "collaboration_id": 1,
            "organizations": [{"id": 2, "input": "e30="}],
        }
        world.call("alpha_res", "POST", "/task", body)
        for socket in listeners.values():
            assert received(socket) == [("new_task", {"id": 1, "parent_id": None})]
        world.call("alpha-plain", "PATCH", "/run/1", {"status": "active"})
        world.call("alpha_col", "POST", "/kill/task", {"id": 1})
        kill_list = [{"task_id": 1, "run_id": 1, "organization_id": 2}]
        for socket in listeners.values():
            assert received(socket) == [
                ("status_update", {"run_id": 1}),
                ("kill_containers", {"kill_list": kill_list, "collaboration_id": 1}),
            ]
        world.call("alpha_adm", "POST", "/kill/node/tasks", {"id": 2})
        assert received(listeners["beta-plain"]) == [
            ("kill_containers", {"node_id": 2, "collaboration_id": 1})
        ]
        assert received(stranger) == []

    def test_a_listener_that_fails_does_not_disturb_the_request(
        self, world: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(_event: object) -> None:
            raise RuntimeError("broken pipe")

        world.add_task()
        world.services.bus.subscribe(fail)
        heard: list[Any] = []
        world.services.bus.subscribe(heard.append)
        answer = world.call("alpha-plain", "PATCH", "/run/1", {"status": "active"})
        assert answer.status_code == 200
        assert len(heard) == 1
        assert "could not deliver RunChanged" in caplog.text
