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
from vantage6.server.services.repeats import Repeats
from vantage6.server.services.second_factor import new_secret, step_of_code

__all__ = ["Accounts", "Blocked", "Lockout", "Login"]


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
class Blocked:
    """Somebody tried to log in to a blocked account.

    Attributes
    ----------
    source : str
        Address of the caller, as far as it is known.
    seconds_left : float
        How long the block goes on.
    """

    user_id: int
    source: str
    seconds_left: float


@dataclass(frozen=True)
class _Stored:
    user_id: int
    password: str | None


@dataclass(frozen=True)
class _Attempt:
    stored: _Stored | None
    password: str
    refusal: str
    source: str = ""
    counts: bool = True


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
    refusal_time : float
        Seconds that every refusal takes at least, so that its time does not tell whether there is
        such a user, or in which way the password is stored.
    repeats : Repeats, optional
        Recognizes what a client sent twice.
    on_blocked : callable, optional
        Gets to know of tries while an account is blocked; called outside units of work.
    """

    def __init__(
        self,
        open_work: OpenWork,
        passwords: Passwords,
        clock: Clock,
        lockout: Lockout,
        *,
        two_factor: bool = False,
        refusal_time: float = 0.0,
        repeats: Repeats | None = None,
        on_blocked: Callable[[Blocked], None] | None = None,
    ) -> None:
        self._open_work = open_work
        self._passwords = passwords
        self._clock = clock
        self._lockout = lockout
        self._two_factor = two_factor
        self._refusal_time = refusal_time
        self._repeats = repeats or Repeats(clock)
        self._on_blocked = on_blocked

    def log_in(
        self, username: str, password: str, code: str | None = None, *, source: str = ""
    ) -> Login:
        """Check name and password, and the code where a second factor is asked for.

        Parameters
        ----------
        source : str
            Address of the caller.

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
            _Attempt(
                stored,
                password,
                "Username, password or code is wrong; correct them or wait a while.",
                source,
            ),
            second_factor,
        )

    def check_password(self, username: str, password: str, *, source: str = "") -> int:
        """Check name and password of somebody who is not in then, and return the id of the user.

        A right password does not reset the count, which would allow to go on guessing codes.

        Raises
        ------
        Unauthenticated
            As by :meth:`log_in`.
        """
        with self._open_work(write=False) as work:
            stored = _find(work.session, username)
        refusal = "Username or password is wrong; correct them or wait a while."
        admitted = self._admit(
            _Attempt(stored, password, refusal, source),
            lambda user: Login(user.id, needs_code=True),
        )
        return admitted.user_id

    def change_password(
        self, principal: UserPrincipal, current: str, new: str, *, source: str = ""
    ) -> None:
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
        refusal = "The current password is wrong; try again."
        counts = not self._repeats.is_repeat(principal.user_id, current)
        hashed = None if new == current else self._passwords.hash(new)

        def replace(user: User) -> Login:
            user.password = hashed or user.password
            return Login(user.id)

        self._admit(_Attempt(stored, current, refusal, source, counts=counts), replace)
        if hashed is None:
            raise BadRequest(
                "The new password is the current one; choose another.", field="new_password"
            )

    def _admit(self, attempt: _Attempt, then: Callable[[User], Login | None]) -> Login:
        """Check the password, `then` what else is asked for, and count; None means refused."""
        started = self._clock.monotonic()
        stored = attempt.stored
        correct = self._passwords.verify(attempt.password, stored.password if stored else None)
        if stored is None:
            raise self._refusal(attempt, started)
        fresh = self._fresh_hash(stored, attempt.password) if correct else None
        with self._open_work() as work:
            user = work.session.get(User, stored.user_id, with_for_update=True)
            login = None
            seconds_left = self._seconds_blocked(user) if user is not None else 0.0
            if user is not None and not seconds_left:
                # Somebody may have changed the password in the meantime.
                correct = correct and user.password == stored.password
                login = then(user) if correct else None
                self._count(user, login, counts=attempt.counts)
                if login is not None and user.password == stored.password:
                    user.password = fresh or user.password
            work.commit()
        if seconds_left and self._on_blocked is not None:
            self._on_blocked(Blocked(stored.user_id, attempt.source, seconds_left))
        if login is None:
            raise self._refusal(attempt, started)
        return login

    def _refusal(self, attempt: _Attempt, started: float) -> Unauthenticated:
        left = self._refusal_time - (self._clock.monotonic() - started)
        if left > 0:
            self._clock.sleep(left)
        return Unauthenticated(attempt.refusal)

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
        step = step_of_code(user.otp_secret, code, self._clock.now())
        if step is None or step <= (user.otp_last_step or 0):
            return None
        user.otp_last_step = step
        return Login(user.id)

    def _seconds_blocked(self, user: User) -> float:
        """Return how long the account stays blocked; zero if it is not, or not any more."""
        if (user.failed_login_attempts or 0) < self._lockout.max_failed_attempts:
            return 0.0
        last = user.last_login_attempt
        if last is not None:
            until = last + timedelta(seconds=self._lockout.duration)
            left = (until - self._clock.now()).total_seconds()
            if left > 0:
                return left
        user.failed_login_attempts = 0
        return 0.0

    def _count(self, user: User, login: Login | None, *, counts: bool) -> None:
        """Count an attempt; one that waits for its code is neither failure nor success."""
        if login is None and counts:
            user.failed_login_attempts = (user.failed_login_attempts or 0) + 1
            user.last_login_attempt = self._clock.now()
        elif login is not None and not login.needs_code:
            user.failed_login_attempts = 0


def _find(session: Session, username: str) -> _Stored | None:
    row = session.execute(
        select(User.id, User.password).where(User.username == username)
    ).one_or_none()
    return None if row is None else _Stored(row.id, row.password)
