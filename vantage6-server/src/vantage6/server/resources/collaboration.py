"""``/collaboration`` with its members and nodes (contract, rest-api section 4.5)."""

from __future__ import annotations

from typing import Any

from flask_restful import Resource

from vantage6.common.wire.rest.base import IdInput
from vantage6.common.wire.rest.collaboration import CollaborationInput
from vantage6.server.models import Collaboration
from vantage6.server.policy.principal import Principal
from vantage6.server.resources.auth import caller, services
from vantage6.server.resources.dump import Dumper
from vantage6.server.resources.paging import Answer, page_of
from vantage6.server.resources.query import defer_body, query_boolean, query_text
from vantage6.server.resources.request import included, load_body, query_flag, query_id
from vantage6.server.services import collaborations
from vantage6.server.services.collaborations import CollaborationFilter

__all__ = ["ROUTES"]


def _with_organizations() -> bool:
    return "organizations" in included()


class CollaborationCollection(Resource):
    """All collaborations."""

    @caller(user=True, node=True)
    def get(self, principal: Principal) -> Answer:
        """List the visible ones."""
        full = _with_organizations()
        wanted = CollaborationFilter(
            name=query_text("name"),
            encrypted=query_boolean("encrypted"),
            organization_id=query_id("organization_id"),
            algorithm_store_id=query_id("algorithm_store_id"),
            with_organizations=full,
        )
        dumper = Dumper(services().api_path)
        with services().work(write=False) as work:
            statement = collaborations.listing(work, principal, wanted)
            return page_of(
                work.session,
                statement,
                Collaboration,
                lambda items: [dumper.collaboration(i, with_organizations=full) for i in items],
            )

    @caller(user=True)
    def post(self, principal: Principal) -> dict[str, Any]:
        """Create one; the contract answers 200 here, not 201."""
        values = load_body(CollaborationInput())
        with services().work() as work:
            collaboration = collaborations.create(work, principal, values)
        return Dumper(services().api_path).collaboration(collaboration)


class CollaborationItem(Resource):
    """One collaboration."""

    @caller(user=True, node=True, container=True)
    def get(self, principal: Principal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Show it."""
        full = _with_organizations()
        with services().work(write=False) as work:
            collaboration = collaborations.get(work, principal, id, with_organizations=full)
        return Dumper(services().api_path).collaboration(collaboration, with_organizations=full)

    @caller(user=True)
    def patch(self, principal: Principal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Change it."""
        body = defer_body(CollaborationInput(), partial=True)
        with services().work() as work:
            collaboration = collaborations.change(work, principal, id, body)
        return Dumper(services().api_path).collaboration(collaboration)

    @caller(user=True)
    def delete(self, principal: Principal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Delete it."""
        with services().work() as work:
            collaborations.remove(
                work, principal, id, delete_dependents=query_flag("delete_dependents")
            )
        return {"msg": f"The collaboration with id {id} is deleted."}


class CollaborationOrganizations(Resource):
    """The members of a collaboration."""

    @caller(user=True)
    def post(self, principal: Principal, id: int) -> list[dict[str, Any]]:  # noqa: A002 - path variable
        """Add one."""
        body = defer_body(IdInput())
        with services().work() as work:
            members = collaborations.add_member(work, principal, id, body)
        return Dumper(services().api_path).organizations(members)

    @caller(user=True)
    def delete(self, principal: Principal, id: int) -> list[dict[str, Any]]:  # noqa: A002 - path variable
        """Take one out."""
        body = defer_body(IdInput())
        with services().work() as work:
            members = collaborations.remove_member(work, principal, id, body)
        return Dumper(services().api_path).organizations(members)


class CollaborationNodes(Resource):
    """The nodes of a collaboration."""

    @caller(user=True)
    def post(
        self,
        principal: Principal,
        id: int,  # noqa: A002 - path variable
    ) -> tuple[list[dict[str, Any]], int]:
        """Move one here."""
        body = defer_body(IdInput())
        dumper = Dumper(services().api_path)
        with services().work() as work:
            nodes = collaborations.add_node(work, principal, id, body)
        return [dumper.simple_node(node) for node in nodes], 201

    @caller(user=True)
    def delete(self, principal: Principal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Take one out."""
        body = defer_body(IdInput())
        with services().work() as work:
            collaborations.remove_node(work, principal, id, body)
        return {"msg": f"The node is taken out of the collaboration with id {id}."}


ROUTES = (
    ("/collaboration", CollaborationCollection),
    ("/collaboration/<int:id>", CollaborationItem),
    ("/collaboration/<int:id>/organization", CollaborationOrganizations),
    ("/collaboration/<int:id>/node", CollaborationNodes),
)
