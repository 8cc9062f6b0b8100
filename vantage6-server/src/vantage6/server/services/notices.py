"""Mails to users: what is sent to whom, and how often (contract, server-behaviour section 5).

Everything here happens after the request that caused it was answered. The moment of a mail is
stored first and the mail sent then, outside the transaction; if nobody takes it, the moment is
taken back, so that the next request may try again.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update

from vantage6.common.clock import Clock
from vantage6.server.mail.base import Mailer, MailError
from vantage6.server.mail.courier import Courier
from vantage6.server.mail.templates import (
    ACCOUNT_BLOCKED,
    PASSWORD_RESET,
    SECOND_FACTOR_RESET,
    Letter,
    compose,
)
from vantage6.server.models import User
from vantage6.server.repositories.statements import affect
from vantage6.server.repositories.unit_of_work import OpenWork
from vantage6.server.services.accounts import Blocked
from vantage6.server.services.recovery_tokens import Purpose, RecoveryTokens

__all__ = ["MailRules", "Notices"]

_log = logging.getLogger(__name__)

_MINUTE = 60.0


@dataclass(frozen=True)
class MailRules:
    """What mails say, and how often they come.

    Attributes
    ----------
    interval : float
        Seconds at least between two mails of a kind to a user.
    support : str
        Address for questions.
    max_failed_attempts : int
        Failed logins that block an account.
    """

    interval: float
    support: str
    max_failed_attempts: int


@dataclass(frozen=True)
class _Kind:
    letter: Letter
    column: str


_BLOCKED = _Kind(ACCOUNT_BLOCKED, "last_email_failed_login_sent")
_PASSWORD = _Kind(PASSWORD_RESET, "last_email_recover_password_sent")
_SECOND_FACTOR = _Kind(SECOND_FACTOR_RESET, "last_email_recover_2fa_sent")

_Facts = Callable[[User], Mapping[str, object]]


class Notices:
    """Sends mails to users, beside requests."""

    def __init__(
        self,
        open_work: OpenWork,
        mailer: Mailer,
        courier: Courier,
        tokens: RecoveryTokens,
        clock: Clock,
        rules: MailRules,
    ) -> None:
        self._open_work = open_work
        self._mailer = mailer
        self._courier = courier
        self._tokens = tokens
        self._clock = clock
        self._rules = rules

    @property
    def reach_users(self) -> bool:
        """Whether mails arrive anywhere at all."""
        return self._mailer.reaches_users

    def account_blocked(self, blocked: Blocked) -> None:
        """Tell a user that somebody tries to log in although the account is blocked."""
        facts = {
            "attempts": self._rules.max_failed_attempts,
            "source": blocked.source or "an unknown address",
            "moment": f"{self._clock.now():%Y-%m-%d %H:%M} UTC",
            "minutes": max(1, math.ceil(blocked.seconds_left / _MINUTE)),
        }
        self._submit(_BLOCKED, User.id == blocked.user_id, lambda _: facts)

    def password_lost(self, username: str | None, email: str | None) -> None:
        """Send a token for a new password to a user, if there is one of this name and address."""
        named = [
            column == value
            for column, value in ((User.username, username), (User.email, email))
            if value is not None
        ]
        condition = named[0] if len(named) == 1 else named[0] & named[1]
        self._submit(_PASSWORD, condition, lambda user: self._token(user, Purpose.PASSWORD))

    def second_factor_lost(self, user_id: int) -> None:
        """Send a token for a new second factor to a user."""
        self._submit(
            _SECOND_FACTOR,
            User.id == user_id,
            lambda user: self._token(user, Purpose.SECOND_FACTOR),
        )

    def _token(self, user: User, purpose: Purpose) -> Mapping[str, object]:
        minutes = round(self._tokens.lifetime / _MINUTE)
        return {"token": self._tokens.issue(user, purpose), "minutes": minutes}

    def _submit(self, kind: _Kind, whom: ColumnElement[bool], facts: _Facts) -> None:
        what = f"mail '{kind.letter.subject}'"
        self._courier.submit(what, lambda: self._send(kind, whom, facts))

    def _send(self, kind: _Kind, whom: ColumnElement[bool], facts: _Facts) -> None:
        now = self._clock.now()
        with self._open_work() as work:
            user = work.session.scalar(select(User).where(whom).with_for_update())
            if user is None or not user.email or not self._is_due(user, kind, now):
                return
            before = getattr(user, kind.column)
            setattr(user, kind.column, now)
            work.commit()
        mail = compose(
            kind.letter,
            user.email,
            name=user.firstname or user.username,
            support=self._rules.support,
            **facts(user),
        )
        try:
            self._mailer.send(mail)
        except MailError as error:
            _log.error("the mail '%s' to user %d was not sent: %s", mail.subject, user.id, error)
            self._take_back(user.id, kind, now, before)

    def _is_due(self, user: User, kind: _Kind, now: datetime) -> bool:
        last = getattr(user, kind.column)
        return last is None or now - last >= timedelta(seconds=self._rules.interval)

    def _take_back(
        self, user_id: int, kind: _Kind, sent: datetime, before: datetime | None
    ) -> None:
        with self._open_work() as work:
            affect(
                work.session,
                update(User)
                .where(User.id == user_id, getattr(User, kind.column) == sent)
                .values({kind.column: before}),
            )
            work.commit()
