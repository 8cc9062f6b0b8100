"""``/role`` and the rules of a role (contract, rest-api section 4.12)."""

from __future__ import annotations

from typing import Any

from flask_restful import Resource

from vantage6.common.wire.rest.role import RoleChange, RoleInput
from vantage6.server.models import Role
from vantage6.server.policy.principal import UserPrincipal
from vantage6.server.resources.auth import caller, services
from vantage6.server.resources.dump import Dumper
from vantage6.server.resources.paging import Answer, page_of
from vantage6.server.resources.query import query_ids, query_texts
from vantage6.server.resources.request import load_body, query_flag, query_id
from vantage6.server.services import roles
from vantage6.server.services.roles import RoleFilter

__all__ = ["ROUTES"]


class RoleCollection(Resource):
    """All roles."""

    @caller(user=True)
    def get(self, principal: UserPrincipal) -> Answer:
        """List the visible ones."""
        wanted = RoleFilter(
            names=query_texts("name"),
            descriptions=query_texts("description"),
            organization_ids=query_ids("organization_id"),
            collaboration_id=query_id("collaboration_id"),
            include_root=query_flag("include_root"),
            rule_id=query_id("rule_id"),
            user_id=query_id("user_id"),
        )
        dumper = Dumper(services().api_path)
        with services().work(write=False) as work:
            statement = roles.listing(work, principal, wanted)
            return page_of(
                work.session, statement, Role, lambda items: [dumper.role(item) for item in items]
            )

    @caller(user=True)
    def post(self, principal: UserPrincipal) -> tuple[dict[str, Any], int]:
        """Create one."""
        values = load_body(RoleInput())
        with services().work() as work:
            role = roles.create(work, principal, values)
        return Dumper(services().api_path).role(role), 201


class RoleItem(Resource):
    """One role."""

    @caller(user=True)
    def get(self, principal: UserPrincipal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Show it."""
        with services().work(write=False) as work:
            role = roles.get(work, principal, id)
        return Dumper(services().api_path).role(role)

    @caller(user=True)
    def patch(self, principal: UserPrincipal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Change it."""
        values = load_body(RoleChange(), partial=True)
        with services().work() as work:
            role = roles.change(work, principal, id, values)
        return Dumper(services().api_path).role(role)

    @caller(user=True)
    def delete(self, principal: UserPrincipal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Delete it."""
        with services().work() as work:
            roles.remove(work, principal, id, delete_dependents=query_flag("delete_dependents"))
        return {"msg": f"The role with id {id} is deleted."}


class RoleRules(Resource):
    """One rule of a role."""

    @caller(user=True)
    def post(
        self,
        principal: UserPrincipal,
        id: int,  # noqa: A002 - path variable
        rule_id: int,
    ) -> tuple[list[dict[str, Any]], int]:
        """Add it and show all rules of the role."""
        dumper = Dumper(services().api_path)
        with services().work() as work:
            rules = roles.add_rule(work, principal, id, rule_id)
        return [dumper.rule(rule) for rule in rules], 201

    @caller(user=True)
    def delete(
        self,
        principal: UserPrincipal,
        id: int,  # noqa: A002 - path variable
        rule_id: int,
    ) -> list[dict[str, Any]]:
        """Remove it and show the remaining rules."""
        dumper = Dumper(services().api_path)
        with services().work() as work:
            rules = roles.remove_rule(work, principal, id, rule_id)
        return [dumper.rule(rule) for rule in rules]


ROUTES = (
    ("/role", RoleCollection),
    ("/role/<int:id>", RoleItem),
    ("/role/<int:id>/rule/<int:rule_id>", RoleRules),
)
