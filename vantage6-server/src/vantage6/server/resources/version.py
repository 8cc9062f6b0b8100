"""``/version`` (contract, rest-api section 4.1)."""

from __future__ import annotations

from flask_restful import Resource

from vantage6.server._version import __version__

__all__ = ["CONTRACT_VERSION", "ROUTES"]

CONTRACT_VERSION = "4.15.2"
"""Peers compare this with their own version."""


class Version(Resource):
    """Which contract the server keeps, and which release it is."""

    def get(self) -> dict[str, str]:
        """Show both."""
        return {"version": CONTRACT_VERSION, "release": __version__}


ROUTES = (("/version", Version),)
