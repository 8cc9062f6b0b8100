"""``/health`` (contract, rest-api section 4.1)."""

from __future__ import annotations

from flask_restful import Resource

from vantage6.server.resources.auth import services

__all__ = ["ROUTES"]


class Health(Resource):
    """Whether the server can work; the status is 200 either way."""

    def get(self) -> dict[str, bool]:
        """Ask the database."""
        return {"database": services().database.is_reachable()}


ROUTES = (("/health", Health),)
