"""``/column`` (contract, rest-api section 4.14)."""

from __future__ import annotations

from typing import Any

from flask_restful import Resource

from vantage6.common.wire.rest.column import ColumnInput
from vantage6.server.policy.principal import UserPrincipal
from vantage6.server.resources.auth import caller, services
from vantage6.server.resources.dump import Dumper
from vantage6.server.resources.request import load_body
from vantage6.server.services.columns import ColumnQuestion, find_or_ask_columns
from vantage6.server.services.task_inputs import RunInput

__all__ = ["ROUTES"]


class ColumnNames(Resource):
    """The columns of a data source."""

    @caller(user=True)
    def post(self, principal: UserPrincipal) -> tuple[dict[str, Any], int]:
        """Show those that a node shares, or create a task that asks for them."""
        body = load_body(ColumnInput())
        question = ColumnQuestion(
            label=body["db_label"],
            collaboration_id=body["collaboration_id"],
            runs=tuple(
                RunInput(entry["id"], entry.get("input")) for entry in body["organizations"]
            ),
            parameters={key: body[key] for key in ("sheet_name", "query") if key in body},
        )
        here = services()
        with here.work() as work:
            found = find_or_ask_columns(work, principal, question, here.clock)
            if isinstance(found, list):
                return {"columns": found}, 200
            return Dumper(here.api_path).task(found), 201


ROUTES = (("/column", ColumnNames),)
