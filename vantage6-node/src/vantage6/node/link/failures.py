"""Telling failures that may go away by themselves from those that will not."""

from __future__ import annotations

from vantage6.common.errors import NotAnApiError, ResponseError, TransportError

__all__ = ["may_pass"]

_PASSING = frozenset({408, 422, 425, 429})
# 422 is how a server refuses a token it did not sign; after the next login it is gone.
_TOO_LARGE = 413
_FIRST_SERVER_FAULT = 500


def may_pass(error: TransportError) -> bool:
    """Tell whether the same request may succeed later.

    A server that is away, or a proxy that answers in its place, will come back. A refusal with
    another status below 500 is the server's last word.
    """
    if isinstance(error, ResponseError):
        return error.status in _PASSING or error.status >= _FIRST_SERVER_FAULT
    if isinstance(error, NotAnApiError):
        return error.status != _TOO_LARGE
    return True
