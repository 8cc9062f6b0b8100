"""``/node`` (contract, rest-api section 4.7)."""

from __future__ import annotations

from typing import Any

from flask_restful import Resource

from vantage6.common.wire.rest.node import NodeChange, NodeInput
from vantage6.server.models import Node
from vantage6.server.policy.principal import Principal, UserPrincipal
from vantage6.server.resources.auth import caller, services
from vantage6.server.resources.dump import Dumper
from vantage6.server.resources.paging import Answer, page_of
from vantage6.server.resources.query import query_moment, query_text
from vantage6.server.resources.request import load_body, query_id
from vantage6.server.services import nodes
from vantage6.server.services.nodes import NodeFilter

__all__ = ["ROUTES"]


class NodeCollection(Resource):
    """All nodes."""

    @caller(user=True, node=True)
    def get(self, principal: Principal) -> Answer:
        """List the visible ones."""
        wanted = NodeFilter(
            name=query_text("name"),
            organization_id=query_id("organization_id"),
            collaboration_id=query_id("collaboration_id"),
            study_id=query_id("study_id"),
            status=query_text("status"),
            ip=query_text("ip"),
            last_seen_from=query_moment("last_seen_from"),
            last_seen_till=query_moment("last_seen_till"),
        )
        dumper = Dumper(services().api_path)
        with services().work(write=False) as work:
            statement = nodes.listing(work, principal, wanted)
            return page_of(
                work.session, statement, Node, lambda items: [dumper.node(item) for item in items]
            )

    @caller(user=True)
    def post(self, principal: UserPrincipal) -> tuple[dict[str, Any], int]:
        """Register one; its API key is in this answer and in no other."""
        values = load_body(NodeInput())
        with services().work() as work:
            new = nodes.create(work, principal, values)
        written = Dumper(services().api_path).node(new.node)
        return written | {"api_key": new.api_key}, 201


class NodeItem(Resource):
    """One node."""

    @caller(user=True, node=True)
    def get(self, principal: Principal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Show it."""
        with services().work(write=False) as work:
            node = nodes.get(work, principal, id)
        return Dumper(services().api_path).node(node)

    @caller(user=True, node=True)
    def patch(self, principal: Principal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Change it."""
        values = load_body(NodeChange(), partial=True)
        with services().work() as work:
            node = nodes.change(work, principal, id, values)
        return Dumper(services().api_path).node(node)

    @caller(user=True)
    def delete(self, principal: Principal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Delete it."""
        with services().work() as work:
            nodes.remove(work, principal, id)
        return {"msg": f"The node with id {id} is deleted."}


ROUTES = (
    ("/node", NodeCollection),
    ("/node/<int:id>", NodeItem),
)
