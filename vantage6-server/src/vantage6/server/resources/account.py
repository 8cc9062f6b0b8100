"""``/password/change`` and ``/recover/node`` (contract, rest-api section 4.3)."""

from __future__ import annotations

from flask_restful import Resource

from vantage6.common.wire.rest.base import IdInput
from vantage6.common.wire.rest.token import PasswordChange
from vantage6.server.policy.principal import UserPrincipal
from vantage6.server.resources.auth import caller, services
from vantage6.server.resources.request import client_address, load_body
from vantage6.server.services import nodes

__all__ = ["ROUTES"]


class OwnPassword(Resource):
    """Where users change their password."""

    @caller(user=True)
    def patch(self, principal: UserPrincipal) -> dict[str, str]:
        """Replace it, if the present one is known."""
        body = load_body(PasswordChange())
        services().accounts.change_password(
            principal, body["current_password"], body["new_password"], source=client_address()
        )
        return {"msg": "The password is changed."}


class NodeKey(Resource):
    """Where a node gets a new API key."""

    @caller(user=True)
    def post(self, principal: UserPrincipal) -> dict[str, str]:
        """Replace it; the new one is in this answer and in no other."""
        identity = load_body(IdInput())["id"]
        with services().work() as work:
            return {"api_key": nodes.reset_api_key(work, principal, identity)}


ROUTES = (
    ("/password/change", OwnPassword),
    ("/recover/node", NodeKey),
)
