"""``/user`` (contract, rest-api section 4.11)."""

from __future__ import annotations

from typing import Any

from flask_restful import Resource

from vantage6.common.wire.rest.user import UserChange, UserInput
from vantage6.server.models import User
from vantage6.server.policy.principal import UserPrincipal
from vantage6.server.resources.auth import caller, services
from vantage6.server.resources.dump import Dumper
from vantage6.server.resources.paging import Answer, page_of
from vantage6.server.resources.query import defer_body, query_moment, query_text
from vantage6.server.resources.request import load_body, query_flag, query_id
from vantage6.server.services import users
from vantage6.server.services.users import UserFilter

__all__ = ["ROUTES"]


class UserCollection(Resource):
    """All users."""

    @caller(user=True)
    def get(self, principal: UserPrincipal) -> Answer:
        """List the visible ones."""
        wanted = UserFilter(
            username=query_text("username"),
            firstname=query_text("firstname"),
            lastname=query_text("lastname"),
            email=query_text("email"),
            organization_id=query_id("organization_id"),
            collaboration_id=query_id("collaboration_id"),
            role_id=query_id("role_id"),
            rule_id=query_id("rule_id"),
            last_seen_from=query_moment("last_seen_from"),
            last_seen_till=query_moment("last_seen_till"),
        )
        dumper = Dumper(services().api_path)
        with services().work(write=False) as work:
            statement = users.listing(work, principal, wanted)
            return page_of(
                work.session, statement, User, lambda items: [dumper.user(item) for item in items]
            )

    @caller(user=True)
    def post(self, principal: UserPrincipal) -> tuple[dict[str, Any], int]:
        """Create one."""
        values = load_body(UserInput())
        user = users.create(services().work, services().passwords, principal, values)
        return Dumper(services().api_path).user(user), 201


class UserItem(Resource):
    """One user."""

    @caller(user=True)
    def get(self, principal: UserPrincipal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Show it, on request with what the user may do."""
        with services().work(write=False) as work:
            user = users.get(work, principal, id)
            written = Dumper(services().api_path).user(user)
            if query_flag("include_permissions"):
                permissions = users.permissions_of(work.session, user)
                written["permissions"] = {
                    "roles": list(permissions.role_ids),
                    "rules": list(permissions.rule_ids),
                    "orgs_in_collabs": list(permissions.organization_ids),
                }
        return written

    @caller(user=True)
    def patch(self, principal: UserPrincipal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Change it."""
        body = defer_body(UserChange(), partial=True)
        with services().work() as work:
            user = users.change(work, principal, id, body)
        return Dumper(services().api_path).user(user)

    @caller(user=True)
    def delete(self, principal: UserPrincipal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Delete it."""
        with services().work() as work:
            users.remove(work, principal, id, delete_dependents=query_flag("delete_dependents"))
        return {"msg": f"The user with id {id} is deleted."}


ROUTES = (
    ("/user", UserCollection),
    ("/user/<int:id>", UserItem),
)
