"""Tokens in mails that let somebody back into an account.

A token holds for one purpose, until a moment, and as long as the account is as it was when the
token was made. The last is what makes it usable once: using it changes the account. Nothing about
tokens is stored.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

import jwt

from vantage6.common.clock import Clock
from vantage6.server.models import User
from vantage6.server.services.errors import BadRequest, Unauthenticated

__all__ = ["Claim", "Purpose", "RecoveryTokens"]

_ALGORITHM = "HS256"
_FIELD = "reset_token"
_INVALID = (
    "The token is not valid, was used already, or the account changed since; ask for a new one."
)
# The signature is checked by the library, moments with our own clock, the rest does not occur.
_CHECKED_HERE: Any = {
    f"verify_{claim}": False for claim in ("exp", "iat", "nbf", "sub", "aud", "iss")
}


class Purpose(str, Enum):
    """What a token allows."""

    PASSWORD = "password"  # noqa: S105 - the name of a purpose
    SECOND_FACTOR = "second factor"


@dataclass(frozen=True)
class Claim:
    """What a genuine token says; see :meth:`RecoveryTokens.require_current`.

    Attributes
    ----------
    state : str
        Digest of the account as it was.
    """

    user_id: int
    purpose: Purpose
    state: str


class RecoveryTokens:
    """Makes and reads tokens.

    Parameters
    ----------
    secret : str
        The one that signs login tokens; the key of these tokens is derived from it, so that
        neither kind can pass for the other.
    lifetime : float
        Seconds for which a token holds.
    """

    def __init__(self, secret: str, lifetime: float, clock: Clock) -> None:
        self._key = hmac.new(secret.encode(), b"recovery tokens", hashlib.sha256).digest()
        self.lifetime = lifetime
        self._clock = clock

    def issue(self, user: User, purpose: Purpose) -> str:
        """Return a token for a user as it is now."""
        now = self._clock.now()
        claims = {
            # The form of the subject is the contract's.
            "sub": {"id": str(user.id)},
            "purpose": purpose.value,
            "state": self._state(user, purpose),
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(seconds=self.lifetime)).timestamp()),
            "jti": str(uuid.uuid4()),
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def read(self, token: str, purpose: Purpose) -> Claim:
        """Return what a token says.

        Raises
        ------
        BadRequest
            If it is no token of ours, or one for another purpose.
        Unauthenticated
            If its time is over.
        """
        try:
            claims = jwt.decode(token, self._key, algorithms=[_ALGORITHM], options=_CHECKED_HERE)
            claim = Claim(int(claims["sub"]["id"]), Purpose(claims["purpose"]), claims["state"])
            expires: Any = claims["exp"]
        except (jwt.PyJWTError, KeyError, TypeError, ValueError) as error:
            raise BadRequest(_INVALID, field=_FIELD) from error
        if claim.purpose is not purpose:
            raise BadRequest(
                f"The token is one for a new {claim.purpose.value}, not for a new {purpose.value}; "
                "ask for the other one.",
                field=_FIELD,
            )
        if self._clock.now().timestamp() >= expires:
            raise Unauthenticated("The token has expired; ask for a new one.", field=_FIELD)
        return claim

    def require_current(self, claim: Claim, user: User | None) -> User:
        """Return the user, if the account is as it was when the token was made.

        Raises
        ------
        BadRequest
            If not, or if there is no such user any more.
        """
        if user is None or not hmac.compare_digest(claim.state, self._state(user, claim.purpose)):
            raise BadRequest(_INVALID, field=_FIELD)
        return user

    def _state(self, user: User, purpose: Purpose) -> str:
        # A new password or address ends every token, a new second factor those for one. So does a
        # login at which the password is stored in a newer form, which happens once per account.
        facts: list[object] = [user.id, purpose.value, user.password, user.email]
        if purpose is Purpose.SECOND_FACTOR:
            facts.append(user.otp_secret)
        return hmac.new(self._key, json.dumps(facts).encode(), hashlib.sha256).hexdigest()
