"""``/kill`` (contract, rest-api section 4.10)."""

from __future__ import annotations

from flask_restful import Resource

from vantage6.common.wire.rest.kill import KillInput
from vantage6.server.policy.principal import UserPrincipal
from vantage6.server.resources.auth import caller, services
from vantage6.server.resources.request import load_body
from vantage6.server.services.kill import kill_node_tasks, kill_task

__all__ = ["ROUTES"]


class KillTask(Resource):
    """Stops a task."""

    @caller(user=True)
    def post(self, principal: UserPrincipal) -> dict[str, str]:
        """End its unfinished runs and those of its subtasks."""
        identity = load_body(KillInput())["id"]
        here = services()
        with here.work() as work:
            kill_task(work, principal, identity, here.clock)
        return {"msg": f"Task {identity} is stopped; its nodes are told."}


class KillNodeTasks(Resource):
    """Stops everything a node runs."""

    @caller(user=True)
    def post(self, principal: UserPrincipal) -> dict[str, str]:
        """Tell the node, which reports the end of its runs itself."""
        identity = load_body(KillInput())["id"]
        with services().work() as work:
            kill_node_tasks(work, principal, identity)
        return {"msg": f"Node {identity} is told to stop everything it runs."}


ROUTES = (
    ("/kill/task", KillTask),
    ("/kill/node/tasks", KillNodeTasks),
)
