"""``/port`` (contract, rest-api section 4.13)."""

from __future__ import annotations

from typing import Any

from flask_restful import Resource

from vantage6.common.wire.rest.port import PortInput
from vantage6.server.policy.principal import NodePrincipal
from vantage6.server.resources.auth import caller, services
from vantage6.server.resources.dump import Dumper
from vantage6.server.resources.request import load_body, query_id
from vantage6.server.services.errors import BadRequest
from vantage6.server.services.ports import NewPort, add_port, remove_ports

__all__ = ["ROUTES"]


class PortCollection(Resource):
    """Ports of runs."""

    @caller(node=True)
    def post(self, principal: NodePrincipal) -> tuple[dict[str, Any], int]:
        """Announce one."""
        command = NewPort(**load_body(PortInput()))
        with services().work() as work:
            port = add_port(work, principal, command)
        return Dumper(services().api_path).port(port), 201

    @caller(node=True)
    def delete(self, principal: NodePrincipal) -> dict[str, str]:
        """Withdraw all ports of a run."""
        run_id = query_id("run_id")
        if run_id is None:
            raise BadRequest("The parameter 'run_id' is missing.", field="run_id")
        with services().work() as work:
            remove_ports(work, principal, run_id)
        return {"msg": f"The ports of run {run_id} are removed."}


ROUTES = (("/port", PortCollection),)
