"""``/rule`` (contract, rest-api section 4.12)."""

from __future__ import annotations

from typing import Any

from flask_restful import Resource

from vantage6.server.models import Rule
from vantage6.server.policy.principal import UserPrincipal
from vantage6.server.resources.auth import caller, services
from vantage6.server.resources.dump import Dumper
from vantage6.server.resources.paging import Answer, page_of
from vantage6.server.resources.query import query_text
from vantage6.server.resources.request import query_id
from vantage6.server.services import roles
from vantage6.server.services.roles import RuleFilter

__all__ = ["ROUTES"]


class RuleCollection(Resource):
    """All rules."""

    @caller(user=True)
    def get(self, _principal: UserPrincipal) -> Answer:
        """List them; every user may."""
        wanted = RuleFilter(
            name=query_text("name"),
            operation=query_text("operation"),
            scope=query_text("scope"),
            role_id=query_id("role_id"),
            user_id=query_id("user_id"),
        )
        dumper = Dumper(services().api_path)
        with services().work(write=False) as work:
            statement = roles.rule_listing(work, wanted)
            return page_of(
                work.session,
                statement,
                Rule,
                lambda items: [dumper.rule(item) for item in items],
                may_be_whole=True,
            )


class RuleItem(Resource):
    """One rule."""

    @caller(user=True)
    def get(self, _principal: UserPrincipal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Show it; every user may."""
        with services().work(write=False) as work:
            rule = roles.get_rule(work, id)
        return Dumper(services().api_path).rule(rule)


ROUTES = (
    ("/rule", RuleCollection),
    ("/rule/<int:id>", RuleItem),
)
