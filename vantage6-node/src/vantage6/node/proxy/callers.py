"""Who is speaking: the run whose token a request carries."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Request, g, has_request_context

from vantage6.common.errors import AuthenticationError
from vantage6.common.http.transport import Transport
from vantage6.node.runs.tokens import ActiveRun, TokenRegistry

__all__ = ["Caller", "CallerAuth", "current_caller", "identify"]

_BEARER = "Bearer "
_UNAUTHORIZED = 401


@dataclass(frozen=True)
class Caller:
    """The run that sent a request.

    Attributes
    ----------
    run : ActiveRun
        Which run it is.
    token : str
        Its token.
    """

    run: ActiveRun
    token: str = field(repr=False)


class CallerAuth:
    """Credentials of whoever sent the present request: it goes on with the run's own rights."""

    def header(self) -> str | None:
        """Return the bearer header of the run, or nothing outside of requests."""
        return f"{_BEARER}{current_caller().token}" if has_request_context() else None

    def renew(self, transport: Transport) -> bool:
        """Return False: a container gets its token once."""
        return False


def identify(request: Request, tokens: TokenRegistry) -> None:
    """Find out which run sends a request, for `current_caller` to return.

    Raises
    ------
    AuthenticationError
        If it carries no token of a run that is active at this node.
    """
    header = request.headers.get("Authorization", "")
    token = header.removeprefix(_BEARER).strip() if header.startswith(_BEARER) else ""
    run = tokens.find(token) if token else None
    if run is None:
        raise AuthenticationError(
            "The token does not belong to a run that is active at this node; send the content of "
            "the file TOKEN_FILE as bearer token.",
            _UNAUTHORIZED,
        )
    g.caller = Caller(run, token)


def current_caller() -> Caller:
    """Return the run that sent the present request."""
    caller: Caller = g.caller
    return caller
