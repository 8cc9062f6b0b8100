"""Passwords of users: logging in, locking out, changing."""

from __future__ import annotations

from collections.abc import Callable
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
from vantage6.server.services.second_factor import is_right_code, new_secret

__all__ = ["Accounts", "Lockout", "Login"]


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
class Login:
    """How far a login got; without `new_secret` and `needs_code` the user is in.

    Parameters
    ----------
    user_id : int
        Whose password it was.
    new_secret : str or None
        Secret of the second factor, made at this first login; to be shown to the user.
    needs_code : bool
        Whether the password was right and a code is still missing.
    """

    user_id: int
    new_secret: str | None = None
    needs_code: bool = False


@dataclass(frozen=True)
class _Stored:
    user_id: int
    password: str | None


class Accounts:
    """Checks passwords and changes them.

    A password is compared *between* two units of work, because hashing takes long. Whether the
    account is blocked is decided in the second one, under a lock: guesses made at the same time
    are all counted, and a right one among them does not pass once the limit is reached. Wrong codes
    count like wrong passwords.

    Parameters
    ----------
    two_factor : bool
        Whether users need a second factor to log in.
    """

    def __init__(
        self,
        open_work: OpenWork,
        passwords: Passwords,
        clock: Clock,
        lockout: Lockout,
        *,
        two_factor: bool = False,
    ) -> None:
        self._open_work = open_work
        self._passwords = passwords
        self._clock = clock
        self._lockout = lockout
        self._two_factor = two_factor

    def log_in(self, username: str, password: str, code: str | None = None) -> Login:
        """Check name and password, and the code where a second factor is asked for.

        Raises
        ------
        Unauthenticated
            With the same text whether the user is unknown, blocked, or the password is wrong.
        """
        with self._open_work(write=False) as work:
            stored = _find(work.session, username)

        def second_factor(user: User) -> Login | None:
            return self._second_factor(user, code) if self._two_factor else Login(user.id)

        return self._admit(
            stored,
            password,
            second_factor,
            "Username, password or code is wrong; correct them or wait a while.",
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
        admitted = self._admit(
            stored,
            current,
            lambda user: Login(user.id),
            "The current password is wrong; try again.",
        )
        if new == current:
            raise BadRequest(
                "The new password is the current one; choose another.", field="new_password"
            )
        hashed = self._passwords.hash(new)
        with self._open_work() as work:
            user = work.session.get(User, admitted.user_id)
            if user is not None:
                user.password = hashed
            work.commit()

    def _admit(
        self,
        stored: _Stored | None,
        password: str,
        then: Callable[[User], Login | None],
        refusal: str,
    ) -> Login:
        """Check the password, `then` what else is asked for, and count; None means refused."""
        correct = self._passwords.verify(password, stored.password if stored else None)
        if stored is None:
            raise Unauthenticated(refusal)
        fresh = self._fresh_hash(stored, password) if correct else None
        with self._open_work() as work:
            user = work.session.get(User, stored.user_id, with_for_update=True)
            login = None
            if user is not None and not self._is_blocked(user):
                # Somebody may have changed the password in the meantime.
                correct = correct and user.password == stored.password
                login = then(user) if correct else None
                self._count(user, login)
            if user is not None and login is not None and fresh is not None:
                user.password = fresh
            work.commit()
        if login is None:
            raise Unauthenticated(refusal)
        return login

    def _fresh_hash(self, stored: _Stored, password: str) -> str | None:
        if stored.password is None or not self._passwords.is_outdated(stored.password):
            return None
        return self._passwords.hash(password)

    def _second_factor(self, user: User, code: str | None) -> Login | None:
        if user.otp_secret is None:
            user.otp_secret = new_secret()
            return Login(user.id, new_secret=user.otp_secret)
        if not code:
            return Login(user.id, needs_code=True)
        if is_right_code(user.otp_secret, code, self._clock.now()):
            return Login(user.id)
        return None

    def _is_blocked(self, user: User) -> bool:
        if (user.failed_login_attempts or 0) < self._lockout.max_failed_attempts:
            return False
        last = user.last_login_attempt
        until = timedelta(seconds=self._lockout.duration)
        if last is not None and self._clock.now() < last + until:
            return True
        user.failed_login_attempts = 0
        return False

    def _count(self, user: User, login: Login | None) -> None:
        """Count an attempt; one that waits for its code is neither failure nor success."""
        if login is None:
            user.failed_login_attempts = (user.failed_login_attempts or 0) + 1
            user.last_login_attempt = self._clock.now()
        elif not login.needs_code:
            user.failed_login_attempts = 0


def _find(session: Session, username: str) -> _Stored | None:
    row = session.execute(
        select(User.id, User.password).where(User.username == username)
    ).one_or_none()
    return None if row is None else _Stored(row.id, row.password)
