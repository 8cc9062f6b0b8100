"""Passwords of users: logging in, locking out, changing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from vantage6.common.clock import Clock
from vantage6.server.models import User
from vantage6.server.policy.principal import UserPrincipal
from vantage6.server.repositories.unit_of_work import OpenWork
from vantage6.server.services.errors import BadRequest, Unauthenticated
from vantage6.server.services.passwords import Passwords

__all__ = ["Accounts", "Lockout"]


@dataclass(frozen=True)
class Lockout:
    """When an account is blocked.

    Parameters
    ----------
    max_failed_attempts : int
        Wrong passwords in a row that block it.
    duration : float
        Seconds it stays blocked, counted from the last wrong password that counted.
    """

    max_failed_attempts: int = 5
    duration: float = 15 * 60.0


@dataclass(frozen=True)
class _Stored:
    user_id: int
    password: str | None


class Accounts:
    """Checks passwords and changes them.

    A password is compared *between* two units of work, because hashing takes long. Whether the
    account is blocked is decided in the second one, under a lock: guesses made at the same time
    are all counted, and a right one among them does not pass once the limit is reached.
    """

    def __init__(
        self, open_work: OpenWork, passwords: Passwords, clock: Clock, lockout: Lockout
    ) -> None:
        self._open_work = open_work
        self._passwords = passwords
        self._clock = clock
        self._lockout = lockout

    def log_in(self, username: str, password: str) -> int:
        """Return the id of the user whose name and password these are.

        Raises
        ------
        Unauthenticated
            With the same text whether the user is unknown, blocked, or the password is wrong.
        """
        with self._open_work(write=False) as work:
            stored = _find(work.session, username)
        return self._admit(
            stored, password, "Username or password is wrong; correct them or wait a while."
        )

    def change_password(self, principal: UserPrincipal, current: str, new: str) -> None:
        """Replace the caller's own password; the new one keeps the policy already.

        Raises
        ------
        Unauthenticated
            If the current password is wrong, which counts for the lock-out.
        BadRequest
            If the new password is the current one.
        """
        with self._open_work(write=False) as work:
            stored = _find(work.session, principal.username)
        user_id = self._admit(stored, current, "The current password is wrong; try again.")
        if new == current:
            raise BadRequest(
                "The new password is the current one; choose another.", field="new_password"
            )
        hashed = self._passwords.hash(new)
        with self._open_work() as work:
            user = work.session.get(User, user_id)
            if user is not None:
                user.password = hashed
            work.commit()

    def _admit(self, stored: _Stored | None, password: str, refusal: str) -> int:
        correct = self._passwords.verify(password, stored.password if stored else None)
        if stored is None:
            raise Unauthenticated(refusal)
        fresh = self._fresh_hash(stored, password) if correct else None
        with self._open_work() as work:
            user = work.session.get(User, stored.user_id, with_for_update=True)
            # Somebody may have changed or deleted the account in the meantime.
            correct = correct and user is not None and user.password == stored.password
            admitted = user is not None and self._count(user, correct=correct)
            if user is not None and admitted and fresh is not None:
                user.password = fresh
            work.commit()
        if not admitted:
            raise Unauthenticated(refusal)
        return stored.user_id

    def _fresh_hash(self, stored: _Stored, password: str) -> str | None:
        if stored.password is None or not self._passwords.is_outdated(stored.password):
            return None
        return self._passwords.hash(password)

    def _count(self, user: User, *, correct: bool) -> bool:
        """Count an attempt; tell whether it lets the user in."""
        now = self._clock.now()
        failures = user.failed_login_attempts or 0
        if failures >= self._lockout.max_failed_attempts:
            last = user.last_login_attempt
            if last is not None and now < last + timedelta(seconds=self._lockout.duration):
                return False
            failures = 0
        if correct:
            user.failed_login_attempts = 0
            return True
        user.failed_login_attempts = failures + 1
        user.last_login_attempt = now
        return False


def _find(session: Session, username: str) -> _Stored | None:
    row = session.execute(
        select(User.id, User.password).where(User.username == username)
    ).one_or_none()
    return None if row is None else _Stored(row.id, row.password)
