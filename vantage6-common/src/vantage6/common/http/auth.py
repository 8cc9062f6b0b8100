"""Credentials of a request: how a user, a node and a container show who they are."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from vantage6.common.clock import Clock, SystemClock
from vantage6.common.errors import NotAnApiError, ResponseError
from vantage6.common.wire.paths import Path
from vantage6.common.wire.tokens import unverified_claims

if TYPE_CHECKING:
    from vantage6.common.http.transport import Transport

__all__ = [
    "AuthFlow",
    "ExpiringAuth",
    "LoginAnswer",
    "NodeAuth",
    "StaticTokenAuth",
    "TokenAuth",
    "UserAuth",
]

_MARGIN = 60.0
_MARGIN_FRACTION = 0.25


class AuthFlow(Protocol):
    """What the transport asks of credentials."""

    def header(self) -> str | None:
        """Return the full value of the ``Authorization`` header, if there is one yet."""
        ...

    def renew(self, transport: Transport) -> bool:
        """Get new credentials after a refusal; False if that is not possible."""
        ...


@runtime_checkable
class ExpiringAuth(AuthFlow, Protocol):
    """Credentials that know when they are about to expire."""

    def expires_soon(self) -> bool:
        """Tell whether the credentials should be renewed before the next request."""
        ...


class StaticTokenAuth:
    """A token that is given once and cannot be renewed, as a container has it.

    Parameters
    ----------
    token : str
        The JSON web token.
    """

    def __init__(self, token: str) -> None:
        self._token = token

    def header(self) -> str | None:
        """Return the bearer header."""
        return f"Bearer {self._token}"

    def renew(self, transport: Transport) -> bool:
        """Return False: nobody gives a new one."""
        return False


@dataclass(frozen=True)
class _Tokens:
    """A pair of tokens, and when it was received on both clocks."""

    access: str
    refresh: str | None
    refresh_url: str
    lifetime: float | None
    received_at: datetime
    received_monotonic: float


class TokenAuth:
    """An access token that is renewed with a refresh token.

    Renewal happens about a minute before the access token expires and when the server refuses
    it. Any number of threads may share one object; only one of them renews at a time, and the
    others then use what it got.

    Parameters
    ----------
    access_token, refresh_token : str, optional
        Tokens from an earlier login.
    refresh_url : str
        Where to send the refresh token, as the server gave it at login.
    clock : Clock, optional
        The time.
    """

    def __init__(
        self,
        access_token: str | None = None,
        refresh_token: str | None = None,
        refresh_url: str = Path.TOKEN_REFRESH,
        *,
        clock: Clock | None = None,
    ) -> None:
        self._clock: Clock = clock or SystemClock()
        self._lock = threading.RLock()
        self._last_shown = threading.local()
        self._tokens: _Tokens | None = None
        if access_token:
            self.adopt(
                {
                    "access_token": access_token,
                    "refresh_token": refresh_token,
                    "refresh_url": refresh_url,
                }
            )

    @property
    def access_token(self) -> str | None:
        """The present access token."""
        return self._tokens.access if self._tokens else None

    @property
    def refresh_token(self) -> str | None:
        """The present refresh token."""
        return self._tokens.refresh if self._tokens else None

    @property
    def refresh_url(self) -> str | None:
        """Where the refresh token is sent, as the server gave it."""
        return self._tokens.refresh_url if self._tokens else None

    @property
    def claims(self) -> dict[str, Any]:
        """What the access token says about its holder; empty before the login."""
        return unverified_claims(self._tokens.access) if self._tokens else {}

    def adopt(self, body: dict[str, Any]) -> None:
        """Use the tokens of a login or refresh answer from now on."""
        previous = self._tokens
        access = str(body["access_token"])
        self._tokens = _Tokens(
            access=access,
            refresh=body.get("refresh_token") or (previous.refresh if previous else None),
            refresh_url=body.get("refresh_url")
            or (previous.refresh_url if previous else Path.TOKEN_REFRESH),
            lifetime=_lifetime(access),
            received_at=self._clock.now(),
            received_monotonic=self._clock.monotonic(),
        )

    def forget(self) -> None:
        """Drop the tokens, as a logout does."""
        self._tokens = None

    def header(self) -> str | None:
        """Return the bearer header, or nothing before the login."""
        tokens = self._tokens
        self._last_shown.tokens = tokens
        return f"Bearer {tokens.access}" if tokens else None

    def expires_soon(self) -> bool:
        """Tell whether the access token has about a minute left, or less.

        Only the time since its receipt counts, so a clock that differs from the server's does
        no harm. Both clocks are looked at: the monotonic one stops while a laptop sleeps.
        """
        tokens = self._tokens
        if tokens is None or tokens.lifetime is None or tokens.refresh is None:
            return False
        age = max(
            self._clock.monotonic() - tokens.received_monotonic,
            (self._clock.now() - tokens.received_at).total_seconds(),
        )
        margin = min(_MARGIN, tokens.lifetime * _MARGIN_FRACTION)
        return age >= tokens.lifetime - margin

    def renew(self, transport: Transport) -> bool:
        """Exchange the refresh token; False if the server does not accept it.

        Raises
        ------
        ConnectionFailedError
            If the server cannot be reached.
        """
        with self._lock:
            shown = getattr(self._last_shown, "tokens", None)
            if shown is not self._tokens and self._tokens is not None and shown is not None:
                # Another thread renewed while this one waited for its answer or for the lock.
                return True
            return self._obtain(transport)

    def _obtain(self, transport: Transport) -> bool:
        """Get new tokens by whatever means this kind of credentials has."""
        return self._refresh(transport)

    def _refresh(self, transport: Transport) -> bool:
        tokens = self._tokens
        if tokens is None or tokens.refresh is None:
            return False
        try:
            answer = transport.send(
                "POST",
                transport.server_path(tokens.refresh_url, Path.TOKEN_REFRESH),
                headers={"Authorization": f"Bearer {tokens.refresh}"},
                retry=True,  # a second exchange does no harm: earlier tokens stay valid
                authorized=False,
            )
        except (ResponseError, NotAnApiError):
            return False
        if not _has_tokens(answer.body):
            return False
        self.adopt(answer.body)
        return True


@dataclass(frozen=True)
class LoginAnswer:
    """How the server answered a login that was not refused.

    Parameters
    ----------
    logged_in : bool
        Whether tokens were received. If not, a second factor is asked for or has to be set up.
    message : str
        What the server says, for example that a code is needed.
    qr_uri, otp_secret : str, optional
        For setting up the second factor: the address for an authenticator app, and the secret
        in it.
    body : dict
        The whole answer.
    """

    logged_in: bool
    message: str
    qr_uri: str | None
    otp_secret: str | None
    body: dict[str, Any]


class UserAuth(TokenAuth):
    """Credentials of a user."""

    def login(
        self,
        transport: Transport,
        username: str,
        password: str,
        mfa_code: str | int | None = None,
    ) -> LoginAnswer:
        """Log in and keep the tokens.

        Parameters
        ----------
        transport : Transport
            Connection to the server.
        username, password : str
            Who is logging in.
        mfa_code : str or int, optional
            Code of the second factor.

        Returns
        -------
        LoginAnswer
            Tells whether the user is logged in, or what is missing.

        Raises
        ------
        AuthenticationError
            If name, password or code is wrong.
        """
        body = {"username": username, "password": password}
        if mfa_code:
            # The server takes text only (contract, client-api section 3). A number has lost
            # the zeros in front of it.
            is_number = isinstance(mfa_code, int)
            body["mfa_code"] = f"{mfa_code:06d}" if is_number else str(mfa_code)
        answer = transport.send("POST", Path.TOKEN_USER, json=body, authorized=False).body
        answer = answer if isinstance(answer, dict) else {}
        logged_in = _has_tokens(answer)
        if logged_in:
            with self._lock:
                self.adopt(answer)
        return LoginAnswer(
            logged_in=logged_in,
            message=str(answer.get("msg") or ""),
            qr_uri=answer.get("qr_uri"),
            otp_secret=answer.get("otp_secret"),
            body=answer,
        )


class NodeAuth(TokenAuth):
    """Credentials of a node: an API key that never expires, and the tokens got for it.

    Parameters
    ----------
    api_key : str
        The node's key.
    clock : Clock, optional
        The time.
    """

    def __init__(self, api_key: str, *, clock: Clock | None = None) -> None:
        super().__init__(clock=clock)
        self._api_key = api_key

    def login(self, transport: Transport) -> dict[str, Any]:
        """Log in with the API key, keep the tokens, and return the server's answer.

        Raises
        ------
        AuthenticationError
            If the server does not know the key.
        """
        answer = transport.send(
            "POST", Path.TOKEN_NODE, json={"api_key": self._api_key}, retry=True, authorized=False
        )
        if not _has_tokens(answer.body):
            raise NotAnApiError(
                f"The login at {transport.base_url} was answered without tokens; "
                "check that the address is that of a vantage6 server.",
                answer.status,
            )
        with self._lock:
            self.adopt(answer.body)
        return dict(answer.body)

    def _obtain(self, transport: Transport) -> bool:
        """Use the refresh token, and the API key if that does not help."""
        if self._refresh(transport):
            return True
        try:
            self.login(transport)
        except ResponseError:
            return False
        return True


def _has_tokens(body: Any) -> bool:
    return isinstance(body, dict) and bool(body.get("access_token"))


def _lifetime(token: str) -> float | None:
    """Return for how many seconds a token is valid, if it says so."""
    try:
        claims = unverified_claims(token)
        return float(claims["exp"]) - float(claims["iat"])
    except (ValueError, KeyError, TypeError):
        return None
