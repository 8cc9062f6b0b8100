"""Getting back into an account whose password or second factor is lost."""

from __future__ import annotations

from dataclasses import dataclass

from vantage6.server.models import User
from vantage6.server.repositories.unit_of_work import OpenWork
from vantage6.server.services.accounts import Accounts
from vantage6.server.services.errors import BadRequest
from vantage6.server.services.notices import Notices
from vantage6.server.services.passwords import Passwords
from vantage6.server.services.recovery_tokens import Purpose, RecoveryTokens
from vantage6.server.services.second_factor import new_secret

__all__ = ["NewSecondFactor", "Recovery"]


@dataclass(frozen=True)
class NewSecondFactor:
    """What the user has to put into an authenticator app; shown once."""

    username: str
    secret: str


class Recovery:
    """Sends tokens to users, and takes them back for a new password or second factor."""

    def __init__(
        self,
        open_work: OpenWork,
        accounts: Accounts,
        passwords: Passwords,
        tokens: RecoveryTokens,
        notices: Notices,
    ) -> None:
        self._open_work = open_work
        self._accounts = accounts
        self._passwords = passwords
        self._tokens = tokens
        self._notices = notices

    def request_password(self, username: str | None, email: str | None) -> None:
        """Send a token for a new password, if there is such a user; at once nothing is known."""
        self._notices.password_lost(username, email)

    def set_password(self, token: str, password: str) -> None:
        """Replace the password of the user of a token, and end a block of the account.

        Raises
        ------
        BadRequest, Unauthenticated
            If the token does not hold, or not any more.
        """
        claim = self._tokens.read(token, Purpose.PASSWORD)
        with self._open_work(write=False) as work:
            self._tokens.require_current(claim, work.session.get(User, claim.user_id))
        hashed = self._passwords.hash(password)
        with self._open_work() as work:
            found = work.session.get(User, claim.user_id, with_for_update=True)
            user = self._tokens.require_current(claim, found)
            user.password = hashed
            user.failed_login_attempts = 0
            user.last_email_recover_password_sent = None
            work.commit()

    def request_second_factor(self, username: str, password: str, *, source: str) -> None:
        """Send a token for a new second factor to a user who knows the password.

        Raises
        ------
        Unauthenticated
            As at a login; it counts for the lock-out.
        BadRequest
            If this server sends no mails.
        """
        user_id = self._accounts.check_password(username, password, source=source)
        if not self._notices.reach_users:
            raise BadRequest(
                "This server sends no mails, so it cannot send a token; ask its administrator."
            )
        self._notices.second_factor_lost(user_id)

    def set_second_factor(self, token: str) -> NewSecondFactor:
        """Replace the second factor of the user of a token.

        Raises
        ------
        BadRequest, Unauthenticated
            If the token does not hold, or not any more.
        """
        claim = self._tokens.read(token, Purpose.SECOND_FACTOR)
        secret = new_secret()
        with self._open_work() as work:
            found = work.session.get(User, claim.user_id, with_for_update=True)
            user = self._tokens.require_current(claim, found)
            user.otp_secret = secret
            user.otp_last_step = None
            user.last_email_recover_2fa_sent = None
            work.commit()
        return NewSecondFactor(user.username, secret)
