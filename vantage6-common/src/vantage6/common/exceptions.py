"""Exceptions under the names of the contract; our own are in `vantage6.common.errors`."""

from __future__ import annotations

__all__ = ["AuthenticationException"]


class AuthenticationException(Exception):  # noqa: N818 - name of the contract
    """Name, password, code or key were not accepted."""
