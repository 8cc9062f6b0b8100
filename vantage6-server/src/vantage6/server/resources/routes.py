"""The whole route table, relative to the API path; a test pins it."""

from __future__ import annotations

from flask_restful import Api
from werkzeug.routing import IntegerConverter

from vantage6.server.resources import (
    account,
    blobstream,
    collaboration,
    column,
    health,
    kill,
    node,
    organization,
    port,
    recover,
    result,
    role,
    rule,
    run,
    study,
    task,
    token,
    user,
    version,
    vpn,
)
from vantage6.server.resources.request import HIGHEST_ID

__all__ = ["ROUTES", "IdConverter", "add_routes"]

ROUTES = (
    *version.ROUTES,
    *health.ROUTES,
    *token.ROUTES,
    *account.ROUTES,
    *recover.ROUTES,
    *organization.ROUTES,
    *collaboration.ROUTES,
    *study.ROUTES,
    *node.ROUTES,
    *user.ROUTES,
    *role.ROUTES,
    *rule.ROUTES,
    *task.ROUTES,
    *run.ROUTES,
    *result.ROUTES,
    *kill.ROUTES,
    *port.ROUTES,
    *vpn.ROUTES,
    *column.ROUTES,
    *blobstream.ROUTES,
)


class IdConverter(IntegerConverter):
    """Numbers in paths; one that no database can hold names nothing."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type] # passed on as they came
        self.max = HIGHEST_ID


def add_routes(api: Api) -> None:
    """Add all routes to an API."""
    for path, resource in ROUTES:
        api.add_resource(resource, path, endpoint=path)
