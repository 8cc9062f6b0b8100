"""Passwords and recovery on PostgreSQL, where rows are really locked."""

from __future__ import annotations

from typing import Any

import pytest

from vantage6.server.models import User
from vantage6.server.services.recovery_tokens import Purpose, RecoveryTokens

NAME = "alpha_adm"


@pytest.fixture
def world(postgresql_world: Any) -> Any:
    return postgresql_world


def _user(world: Any) -> User:
    with world.services.work(write=False) as work:
        user: User = work.session.get_one(User, world.identity(NAME))
    return user


def _token(world: Any, purpose: Purpose) -> str:
    tokens = RecoveryTokens(world.services.jwt_secret, 60.0, world.clock)
    return tokens.issue(_user(world), purpose)


def test_asking_for_a_password_notes_the_moment(world: Any) -> None:
    for whom in ({"username": NAME}, {"username": "ghost"}, {"email": f"{NAME}@x.org"}):
        assert world.call(None, "POST", "/recover/lost", whom).status_code == 200
    world.services.courier.finish()
    assert _user(world).last_email_recover_password_sent == world.clock.now()


def test_tokens_set_passwords_and_second_factors(world: Any) -> None:
    body = {"reset_token": _token(world, Purpose.PASSWORD), "password": "Passw0rd!2"}
    assert world.call(None, "POST", "/recover/reset", body).status_code == 200
    assert world.call(None, "POST", "/recover/reset", body).status_code == 400
    body = {"reset_token": _token(world, Purpose.SECOND_FACTOR)}
    assert world.call(None, "POST", "/recover/2fa/reset", body).status_code == 200
    assert world.call(None, "POST", "/recover/2fa/reset", body).status_code == 400
    assert _user(world).otp_secret


def test_wrong_passwords_block(world: Any) -> None:
    right = {"username": NAME, "password": "Passw0rd!"}
    for _ in range(5):
        wrong = right | {"password": "wrong"}
        assert world.call(None, "POST", "/token/user", wrong).status_code == 401
    assert world.call(None, "POST", "/token/user", right).status_code == 401
    world.services.courier.finish()
    assert _user(world).last_email_failed_login_sent is not None
