"""``/blobstream`` (contract, rest-api section 4.15); this server has no large result store."""

from __future__ import annotations

from typing import NoReturn

from flask_restful import Resource
from sqlalchemy import or_, select

from vantage6.server.models import Run
from vantage6.server.policy.principal import Principal
from vantage6.server.resources.auth import caller, services
from vantage6.server.services.errors import NotConfigured, NotFound
from vantage6.server.services.runs import find_run

__all__ = ["ROUTES"]


class BlobStatus(Resource):
    """Whether payloads lie outside the database; clients and nodes ask this often."""

    @caller(user=True, node=True, container=True)
    def get(self, principal: Principal) -> dict[str, bool]:
        """Say no."""
        return {"blob_store_enabled": False}


class BlobCollection(Resource):
    """Payloads outside the database."""

    @caller(user=True, node=True, container=True)
    def post(self, principal: Principal) -> NoReturn:
        """Refuse one."""
        raise _not_configured()


class BlobItem(Resource):
    """One payload outside the database."""

    @caller(user=True, node=True, container=True)
    def get(self, principal: Principal, id: str) -> NoReturn:  # noqa: A002 - path variable
        """Refuse it, after the checks that come first."""
        with services().work(write=False) as work:
            named = select(Run.id).where(or_(Run.input == id, Run.result == id)).limit(1)
            run_id = work.session.scalar(named)
            if run_id is None:
                raise NotFound("No input or result has this id.")
            find_run(work, principal, run_id, ())
        raise _not_configured()


def _not_configured() -> NotConfigured:
    return NotConfigured(
        "This server has no large result store; send the payload with the task or the result."
    )


ROUTES = (
    ("/blobstream/status", BlobStatus),
    ("/blobstream", BlobCollection),
    ("/blobstream/<string:id>", BlobItem),
)
