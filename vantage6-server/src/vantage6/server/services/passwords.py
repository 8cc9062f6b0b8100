"""Passwords: hashing, and reading the hashes of older releases."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from typing import Any

import bcrypt
from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from vantage6.common.wire.rest.user import password_problem

__all__ = ["Passwords", "generate_password", "is_bcrypt"]

_BCRYPT_PREFIXES = ("$2a$", "$2b$", "$2y$")
_BCRYPT_LIMIT = 72
_GENERATED_LENGTH = 20
_SYMBOLS = "-_.!+"


def _here(work: Callable[[], Any]) -> Any:
    return work()


class Passwords:
    """Hashes and checks passwords: argon2id for new ones, bcrypt for those of older releases.

    Parameters
    ----------
    run : callable
        Runs a piece of work that computes for tens of milliseconds and returns its result; the
        process chooses one that lets other requests go on (ADR 0001).
    time_cost, memory_cost : int
        Passes, and KiB, of argon2id; the defaults are those of ADR 0001 and RFC 9106's advice for
        a busy server.

    Notes
    -----
    Never call these inside a unit of work: hashing takes as long as hundreds of statements.
    """

    def __init__(
        self,
        run: Callable[[Callable[[], Any]], Any] = _here,
        *,
        time_cost: int = 2,
        memory_cost: int = 19 * 1024,
    ) -> None:
        self._run = run
        self._argon2 = PasswordHasher(
            time_cost=time_cost, memory_cost=memory_cost, parallelism=1, type=Type.ID
        )
        self._decoy: str | None = None

    def hash(self, password: str) -> str:
        """Return a hash to store."""
        return str(self._run(lambda: self._argon2.hash(password)))

    def verify(self, password: str, stored: str | None) -> bool:
        """Tell whether the password belongs to the hash.

        Without a hash, that is for an account that does not exist, the same work is done, so that
        the time taken tells nothing.
        """
        if stored is None:
            self._verify_argon2(password, self._decoy_hash())
            return False
        if is_bcrypt(stored):
            return bool(self._run(lambda: _verify_bcrypt(password, stored)))
        return self._verify_argon2(password, stored)

    def is_outdated(self, stored: str) -> bool:
        """Tell whether the password should be hashed anew at the next chance."""
        return is_bcrypt(stored) or self._argon2.check_needs_rehash(stored)

    def _verify_argon2(self, password: str, stored: str) -> bool:
        def work() -> bool:
            try:
                return self._argon2.verify(stored, password)
            except (VerificationError, InvalidHashError):
                return False

        return bool(self._run(work))

    def _decoy_hash(self) -> str:
        if self._decoy is None:
            self._decoy = self.hash(secrets.token_hex())
        return self._decoy


def is_bcrypt(stored: str) -> bool:
    """Tell whether a hash is one of bcrypt."""
    return stored.startswith(_BCRYPT_PREFIXES)


def _verify_bcrypt(password: str, stored: str) -> bool:
    # Releases that wrote these hashes ignored what follows the 72nd byte; newer libraries refuse.
    try:
        return bcrypt.checkpw(password.encode()[:_BCRYPT_LIMIT], stored.encode())
    except ValueError:
        return False


def generate_password() -> str:
    """Return a random password that keeps the policy."""
    alphabet = string.ascii_letters + string.digits + _SYMBOLS
    while True:
        password = "".join(secrets.choice(alphabet) for _ in range(_GENERATED_LENGTH))
        if password_problem(password) is None:
            return password
