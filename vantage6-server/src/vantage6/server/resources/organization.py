"""``/organization`` (contract, rest-api section 4.4)."""

from __future__ import annotations

from typing import Any

from flask_restful import Resource

from vantage6.common.wire.rest.organization import OrganizationInput
from vantage6.server.models import Organization
from vantage6.server.policy.principal import Principal
from vantage6.server.resources.auth import caller, services
from vantage6.server.resources.dump import Dumper
from vantage6.server.resources.paging import Answer, page_of
from vantage6.server.resources.query import query_ids, query_text
from vantage6.server.resources.request import load_body, query_flag, query_id
from vantage6.server.services import organizations
from vantage6.server.services.organizations import OrganizationFilter

__all__ = ["ROUTES"]


class OrganizationCollection(Resource):
    """All organizations."""

    @caller(user=True, node=True, container=True)
    def get(self, principal: Principal) -> Answer:
        """List the visible ones."""
        wanted = OrganizationFilter(
            name=query_text("name"),
            country=query_text("country"),
            collaboration_id=query_id("collaboration_id"),
            study_id=query_id("study_id"),
            ids=query_ids("ids"),
        )
        dumper = Dumper(services().api_path)
        with services().work(write=False) as work:
            statement = organizations.listing(work, principal, wanted)
            return page_of(work.session, statement, Organization, dumper.organizations)

    @caller(user=True)
    def post(self, principal: Principal) -> tuple[dict[str, Any], int]:
        """Create one."""
        organizations.require_create(principal)
        values = load_body(OrganizationInput())
        with services().work() as work:
            organization = organizations.create(work, principal, values)
        return Dumper(services().api_path).organization(organization), 201


class OrganizationItem(Resource):
    """One organization."""

    @caller(user=True, node=True, container=True)
    def get(self, principal: Principal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Show it."""
        with services().work(write=False) as work:
            organization = organizations.get(work, principal, id)
        return Dumper(services().api_path).organization(organization)

    @caller(user=True, node=True)
    def patch(self, principal: Principal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Change it."""
        values = load_body(OrganizationInput(), partial=True)
        with services().work() as work:
            organization = organizations.change(work, principal, id, values)
        return Dumper(services().api_path).organization(organization)

    @caller(user=True)
    def delete(self, principal: Principal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Delete it."""
        with services().work() as work:
            organizations.remove(
                work, principal, id, delete_dependents=query_flag("delete_dependents")
            )
        return {"msg": f"The organization with id {id} is deleted."}


ROUTES = (
    ("/organization", OrganizationCollection),
    ("/organization/<int:id>", OrganizationItem),
)
