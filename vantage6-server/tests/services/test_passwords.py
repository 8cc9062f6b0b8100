"""Hashes of passwords, new and old."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bcrypt
import pytest

from vantage6.common.wire.rest.user import password_problem
from vantage6.server.services.passwords import Passwords, generate_password, is_bcrypt


def _bcrypt(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def test_new_hashes_are_argon2id(passwords: Passwords) -> None:
    hashed = passwords.hash("secret")
    assert hashed.startswith("$argon2id$")
    assert passwords.verify("secret", hashed)
    assert not passwords.verify("Secret", hashed)
    assert not passwords.is_outdated(hashed)


def test_the_usual_cost_is_that_of_the_decision_record() -> None:
    assert Passwords().hash("x").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_bcrypt_hashes_are_read_and_called_outdated(passwords: Passwords) -> None:
    hashed = _bcrypt("secret")
    assert is_bcrypt(hashed)
    assert passwords.verify("secret", hashed)
    assert not passwords.verify("other", hashed)
    assert passwords.is_outdated(hashed)


def test_bcrypt_looks_at_the_first_72_bytes_as_it_always_did(passwords: Passwords) -> None:
    hashed = _bcrypt("a" * 72)
    assert passwords.verify("a" * 100, hashed)


def test_hashes_of_another_cost_are_outdated(passwords: Passwords) -> None:
    assert passwords.is_outdated(Passwords(time_cost=2, memory_cost=16).hash("x"))


@pytest.mark.parametrize("stored", ["", "nonsense", "$2b$nonsense", "$argon2id$nonsense"])
def test_a_broken_hash_fits_no_password(passwords: Passwords, stored: str) -> None:
    assert not passwords.verify("x", stored)


def test_without_an_account_the_same_work_is_done() -> None:
    done: list[Any] = []

    def run(work: Callable[[], Any]) -> Any:
        done.append(work)
        return work()

    passwords = Passwords(run, time_cost=1, memory_cost=8)
    assert not passwords.verify("x", None)
    done.clear()
    assert not passwords.verify("x", None)
    assert len(done) == 1


def test_generated_passwords_keep_the_policy_and_differ() -> None:
    generated = {generate_password() for _ in range(50)}
    assert len(generated) == 50
    assert [password_problem(password) for password in generated] == [None] * 50


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("Aa1!aaa", "8 to 128"),
        ("Aa1!" + "a" * 125, "8 to 128"),
        ("Aaaaaaa!", "digit"),
        ("aaaaaaa1", "upper-case"),
        ("AAAAAAA1", "lower-case"),
        ("Aaaaaaa1", "no letter or digit"),
    ],
)
def test_the_first_violation_of_the_policy_is_told(password: str, problem: str) -> None:
    assert problem in (password_problem(password) or "")


@pytest.mark.parametrize("password", ["Passw0rd!", "Passw0rd_", "Pass w0rd"])
def test_a_password_of_all_four_kinds_is_good(password: str) -> None:
    assert password_problem(password) is None
