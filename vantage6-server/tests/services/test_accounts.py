"""Logging in, being locked out, changing the password."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bcrypt
import pytest

from vantage6.common.clock import ManualClock
from vantage6.server.models import User
from vantage6.server.policy.principal import UserPrincipal
from vantage6.server.services.accounts import Accounts, Blocked, Lockout, Login
from vantage6.server.services.errors import BadRequest, Unauthenticated
from vantage6.server.services.passwords import Passwords

PASSWORD = "Passw0rd!"
USER = 6
NAME = "alpha_adm"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def accounts(world: Any, passwords: Passwords, clock: ManualClock) -> Accounts:
    return Accounts(world.services.work, passwords, clock, Lockout(3, 60.0))


def _stored(world: Any) -> User:
    with world.services.work(write=False) as work:
        user: User = work.session.get_one(User, USER)
    return user


def _fail(accounts: Accounts, times: int, name: str = NAME) -> None:
    for _ in range(times):
        with pytest.raises(Unauthenticated):
            accounts.log_in(name, "wrong")


def test_the_right_password_lets_in(accounts: Accounts) -> None:
    assert accounts.log_in(NAME, PASSWORD) == Login(USER)


def test_a_refusal_does_not_tell_what_was_wrong(accounts: Accounts) -> None:
    texts = set()
    for name, password in ((NAME, "wrong"), ("nobody", PASSWORD)):
        with pytest.raises(Unauthenticated) as caught:
            accounts.log_in(name, password)
        texts.add(str(caught.value))
    _fail(accounts, 3)
    with pytest.raises(Unauthenticated) as caught:
        accounts.log_in(NAME, PASSWORD)
    assert texts == {str(caught.value)}


def test_wrong_passwords_are_counted(accounts: Accounts, world: Any, clock: ManualClock) -> None:
    _fail(accounts, 2)
    user = _stored(world)
    assert (user.failed_login_attempts, user.last_login_attempt) == (2, clock.now())


def test_success_starts_the_count_anew(accounts: Accounts, world: Any) -> None:
    _fail(accounts, 2)
    accounts.log_in(NAME, PASSWORD)
    assert _stored(world).failed_login_attempts == 0


def test_a_blocked_account_refuses_the_right_password(accounts: Accounts) -> None:
    _fail(accounts, 3)
    with pytest.raises(Unauthenticated):
        accounts.log_in(NAME, PASSWORD)


def test_tries_while_blocked_do_not_prolong_the_block(
    accounts: Accounts, world: Any, clock: ManualClock
) -> None:
    _fail(accounts, 3)
    clock.advance(59)
    _fail(accounts, 1)
    assert _stored(world).failed_login_attempts == 3
    clock.advance(1)
    assert accounts.log_in(NAME, PASSWORD) == Login(USER)


def test_after_the_block_the_count_starts_at_one(
    accounts: Accounts, world: Any, clock: ManualClock
) -> None:
    _fail(accounts, 3)
    clock.advance(61)
    _fail(accounts, 1)
    assert _stored(world).failed_login_attempts == 1


def test_guesses_made_at_the_same_time_are_all_counted(
    world: Any, passwords: Passwords, clock: ManualClock
) -> None:
    """The right password, checked before three wrong ones are counted, does not pass after them."""
    others = Accounts(world.services.work, passwords, clock, Lockout(3, 60.0))

    class Slow(Passwords):
        def verify(self, password: str, stored: str | None) -> bool:
            result = super().verify(password, stored)
            _fail(others, 3)
            return result

    slow = Slow(time_cost=1, memory_cost=8)
    accounts = Accounts(world.services.work, slow, clock, Lockout(3, 60.0))
    with pytest.raises(Unauthenticated):
        accounts.log_in(NAME, PASSWORD)


def test_a_hash_of_an_older_release_is_replaced_at_login(accounts: Accounts, world: Any) -> None:
    with world.session() as session:
        hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
        session.get_one(User, USER).password = hashed
    accounts.log_in(NAME, PASSWORD)
    assert _stored(world).password.startswith("$argon2id$")
    assert accounts.log_in(NAME, PASSWORD) == Login(USER)


def test_a_wrong_password_leaves_the_old_hash(accounts: Accounts, world: Any) -> None:
    with world.session() as session:
        hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
        session.get_one(User, USER).password = hashed
    _fail(accounts, 1)
    assert _stored(world).password == hashed


def test_an_account_without_password_lets_nobody_in(accounts: Accounts, world: Any) -> None:
    with world.session() as session:
        session.get_one(User, USER).password = None
    _fail(accounts, 1)


@pytest.fixture
def principal() -> UserPrincipal:
    return UserPrincipal(USER, 2, username=NAME)


def test_the_password_can_be_changed(accounts: Accounts, principal: UserPrincipal) -> None:
    accounts.change_password(principal, PASSWORD, "N3w-passw0rd")
    assert accounts.log_in(NAME, "N3w-passw0rd") == Login(USER)
    _fail(accounts, 1)


def test_a_wrong_current_password_counts_for_the_lock_out(
    accounts: Accounts, principal: UserPrincipal, world: Any
) -> None:
    with pytest.raises(Unauthenticated):
        accounts.change_password(principal, "wrong", "N3w-passw0rd")
    assert _stored(world).failed_login_attempts == 1


def test_what_a_released_client_sends_twice_counts_once(
    accounts: Accounts, principal: UserPrincipal, world: Any, clock: ManualClock
) -> None:
    def fail(current: str, times: int) -> None:
        for _ in range(times):
            with pytest.raises(Unauthenticated):
                accounts.change_password(principal, current, "N3w-passw0rd")

    fail("wrong", 2)
    assert _stored(world).failed_login_attempts == 1
    fail("wrong", 1)
    assert _stored(world).failed_login_attempts == 2
    clock.advance(11)
    fail("wrong", 1)
    assert _stored(world).failed_login_attempts == 3


def test_other_guesses_of_the_current_password_are_all_counted(
    accounts: Accounts, principal: UserPrincipal, world: Any
) -> None:
    for guess in ("one", "two", "three"):
        with pytest.raises(Unauthenticated):
            accounts.change_password(principal, guess, "N3w-passw0rd")
    with pytest.raises(Unauthenticated):
        accounts.change_password(principal, PASSWORD, "N3w-passw0rd")
    assert _stored(world).failed_login_attempts == 3


def test_checking_a_password_does_not_reset_the_count(accounts: Accounts, world: Any) -> None:
    _fail(accounts, 2)
    assert accounts.check_password(NAME, PASSWORD) == USER
    assert _stored(world).failed_login_attempts == 2
    with pytest.raises(Unauthenticated):
        accounts.check_password(NAME, "wrong")
    with pytest.raises(Unauthenticated):
        accounts.check_password(NAME, PASSWORD)


@pytest.mark.parametrize("name", [NAME, "nobody"])
def test_a_refusal_takes_the_same_time_for_known_and_unknown_users(
    world: Any, passwords: Passwords, clock: ManualClock, name: str
) -> None:
    accounts = Accounts(world.services.work, passwords, clock, Lockout(), refusal_time=0.5)
    _fail(accounts, 1, name)
    assert clock.monotonic() == 0.5


def test_tries_while_blocked_are_told(world: Any, passwords: Passwords, clock: ManualClock) -> None:
    told: list[Blocked] = []
    accounts = Accounts(
        world.services.work, passwords, clock, Lockout(3, 60.0), on_blocked=told.append
    )
    _fail(accounts, 3)
    assert told == []
    clock.advance(20)
    with pytest.raises(Unauthenticated):
        accounts.log_in(NAME, PASSWORD, source="192.0.2.1")
    assert told == [Blocked(USER, "192.0.2.1", 40.0)]


def test_the_new_password_must_differ(accounts: Accounts, principal: UserPrincipal) -> None:
    with pytest.raises(BadRequest):
        accounts.change_password(principal, PASSWORD, PASSWORD)


def test_the_lock_out_follows_the_settings(make_world: Callable[..., Any]) -> None:
    world = make_world(password_policy={"max_failed_attempts": 1, "inactivation_minutes": 2})
    body = {"username": NAME, "password": "wrong"}
    right = {"username": NAME, "password": PASSWORD}
    assert world.call(None, "POST", "/token/user", body).status_code == 401
    assert world.call(None, "POST", "/token/user", right).status_code == 401
    world.clock.advance(120)
    assert world.call(None, "POST", "/token/user", right).status_code == 200
