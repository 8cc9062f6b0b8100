"""Tokens: what they hold, when they are refused, and when they end (contract, rest-api 3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import jwt
import pytest
from flask_jwt_extended import create_access_token, create_refresh_token

from vantage6.common.wire.tokens import unverified_claims
from vantage6.server.models import Authenticatable, Node, Run

SECRET = "s" * 48


def _ask(world: Any, header: str | None) -> Any:
    headers = {} if header is None else {"Authorization": header}
    return world.app.test_client().get("/api/organization", headers=headers)


def _signed(secret: str = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    return jwt.encode({"type": "access", "sub": 1} | claims, secret, algorithm)


def test_the_table_of_token_errors(world: Any) -> None:
    good = world.token("root")
    assert _ask(world, f"Bearer {good}").status_code == 200
    for header, status in (
        (None, 401),
        (f"bearer {good}", 401),
        (f"Token {good}", 401),
        ("Bearer", 422),
        (f"Bearer {good} {good}", 422),
        ("Bearer no-token", 422),
        (f"Bearer {_signed('x' * 48)}", 422),
        (f"Bearer {_signed(algorithm='HS384')}", 422),
        (f"Bearer {jwt.encode({'type': 'access'}, SECRET, 'HS256')}", 422),
        (f"Bearer {_signed(exp=1)}", 401),
        (f"Bearer {_signed(sub=999)}", 401),
        (f"Bearer {_signed(sub='1')}", 401),
    ):
        answer = _ask(world, header)
        assert answer.status_code == status, header
        assert isinstance(answer.json["msg"], str)


def test_an_unsigned_token_opens_nothing(world: Any) -> None:
    unsigned = jwt.encode({"type": "access", "sub": 1}, "", "none")
    assert _ask(world, f"Bearer {unsigned}").status_code == 422


def test_refresh_and_access_tokens_are_no_substitutes(world: Any) -> None:
    with world.app.app_context():
        refresh = create_refresh_token(1)
    assert _ask(world, f"Bearer {refresh}").status_code == 422
    world.add_token("refreshing", refresh)
    renewed = world.call("refreshing", "POST", "/token/refresh")
    assert renewed.status_code == 200
    assert "jwt-token" not in renewed.headers
    assert world.call("root", "POST", "/token/refresh").status_code == 422


def test_claims_are_those_that_peers_read(world: Any) -> None:
    body = {"username": "alpha_adm", "password": "Passw0rd!"}
    answer = world.call(None, "POST", "/token/user", body)
    claims = unverified_claims(answer.json["access_token"])
    assert claims["sub"] == world.identity("alpha_adm")
    assert (claims["client_type"], claims["roles"]) == ("user", ["Organization Admin"])
    assert claims["exp"] - claims["iat"] == 6 * 3600
    assert {"fresh", "nbf", "jti", "csrf"} <= set(claims)
    assert claims["fresh"] is False
    refresh = unverified_claims(answer.json["refresh_token"])
    assert refresh["exp"] - refresh["iat"] == 48 * 3600
    assert answer.headers["jwt-token"] == answer.json["access_token"]

    node = world.call(None, "POST", "/token/node", {"api_key": world.api_keys["beta-plain"]})
    claims = unverified_claims(node.json["access_token"])
    assert (claims["sub"], claims["client_type"], claims["roles"]) == (3, "node", [])


def test_lifetimes_are_configurable(make_world: Any) -> None:
    world = make_world(token_expires_hours="2", refresh_token_expires_hours=1)
    claims = unverified_claims(world.token("root"))
    assert claims["exp"] - claims["iat"] == 2 * 3600
    assert any("refresh_token_expires_hours" in text for text in world.services.warnings)


def test_deleting_an_account_ends_its_tokens(world: Any) -> None:
    token = world.token("beta-plain")
    with world.session() as session:
        session.delete(session.get_one(Node, 3))
    assert _ask(world, f"Bearer {token}").status_code == 401


def test_the_wrong_kind_of_caller_is_refused_as_such(world: Any) -> None:
    answer = world.call("root", "PATCH", "/run/1", {})
    assert answer.status_code == 403
    assert answer.json["code"] == "wrong_caller"


def test_every_request_shows_that_its_caller_was_here(world: Any) -> None:
    def seen() -> Any:
        with world.session() as session:
            return session.get_one(Authenticatable, 2).last_seen

    before = world.clock.now()
    world.get("alpha-plain", "/organization")
    assert seen() == before
    world.clock.advance(1)
    world.get("alpha-plain", "/organization")
    assert seen() == before  # written every few seconds only
    world.clock.advance(10)
    world.get("alpha-plain", "/organization")
    assert seen() == world.clock.now()


class TestContainer:
    @pytest.fixture
    def task_id(self, world: Any) -> int:
        return int(world.add_task(organization_ids=(2, 3)))

    @pytest.fixture
    def container(self, world: Any, task_id: int) -> str:
        body = {"task_id": task_id, "image": "img:1"}
        answer = world.call("alpha-plain", "POST", "/token/container", body)
        assert answer.status_code == 200
        world.add_token("container", answer.json["container_token"])
        return "container"

    def test_its_token_says_what_algorithms_read(
        self, world: Any, task_id: int, container: str
    ) -> None:
        claims = unverified_claims(world.token(container))
        assert claims["sub"] == {
            "client_type": "container",
            "node_id": 2,
            "organization_id": 2,
            "collaboration_id": 1,
            "study_id": None,
            "store_id": None,
            "task_id": task_id,
            "image": "img:1",
            "databases": [],
        }
        assert claims["client_type"] == "container"
        assert "exp" not in claims

    def test_its_token_ends_with_its_run(self, world: Any, container: str) -> None:
        assert world.get(container, "/task").status_code == 200
        with world.session() as session:
            run = session.get_one(Run, 1)
            run.status, run.finished_at = "completed", world.clock.now()
        answer = world.get(container, "/task")
        assert answer.status_code == 401
        assert answer.json["code"] == "unauthenticated"

    def test_its_token_goes_on_while_another_run_of_the_task_ends(
        self, world: Any, container: str
    ) -> None:
        with world.session() as session:
            run = session.get_one(Run, 2)
            run.status, run.finished_at = "completed", world.clock.now()
        assert world.get(container, "/task").status_code == 200

    def test_it_cannot_use_what_is_for_users_and_nodes(self, world: Any, container: str) -> None:
        for path in ("/user", "/node", "/collaboration", "/role"):
            assert world.get(container, path).status_code == 403

    def test_a_node_gets_none_for_what_it_does_not_run(self, world: Any, task_id: int) -> None:
        other = world.add_task(organization_ids=(3,))
        body = {"task_id": other, "image": "img:1"}
        assert world.call("alpha-plain", "POST", "/token/container", body).status_code == 401
        with world.session() as session:
            run = session.get_one(Run, 1)
            run.status, run.finished_at = "crashed", world.clock.now()
        body = {"task_id": task_id, "image": "img:1"}
        answer = world.call("alpha-plain", "POST", "/token/container", body)
        assert (answer.status_code, answer.json["code"]) == (400, "task_finished")

    def test_a_token_of_odd_shape_is_refused(self, world: Any) -> None:
        with world.app.app_context():
            claims = {"client_type": "container"}
            token = create_access_token(
                {"node_id": 2}, expires_delta=timedelta(hours=1), additional_claims=claims
            )
        assert _ask(world, f"Bearer {token}").status_code == 401


def test_stores_learn_who_asks(world: Any) -> None:
    user = world.call("alpha_adm", "POST", "/token/user/validate")
    assert user.json["user_id"] == world.identity("alpha_adm")
    node = world.call("alpha-plain", "POST", "/token/node/validate")
    assert (node.json["node_id"], node.json["organization_id"]) == (2, 2)


def test_no_secret_and_no_payload_gets_into_the_log(
    world: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    caplog.set_level("DEBUG", "sqlalchemy.engine")
    answer = world.call(
        None, "POST", "/token/user", {"username": "alpha_adm", "password": "Passw0rd!"}
    )
    world.call(None, "POST", "/token/user", {"username": "alpha_adm", "password": "nearly-it"})
    world.call(None, "POST", "/token/node", {"api_key": world.api_keys["beta-plain"]})
    world.add_task()
    world.call("alpha-plain", "PATCH", "/run/1", {"status": "completed", "result": "cGF5bG9hZA"})
    assert "SELECT" in caplog.text
    for secret in (
        "cGF5bG9hZA",
        "Passw0rd!",
        "nearly-it",
        answer.json["access_token"],
        world.api_keys["beta-plain"],
    ):
        assert secret not in caplog.text
