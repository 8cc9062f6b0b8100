"""``/vpn`` (contract, rest-api section 4.13)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, NoReturn

from flask_restful import Resource

from vantage6.server.policy.principal import ContainerPrincipal, NodePrincipal
from vantage6.server.resources.auth import caller, services
from vantage6.server.resources.query import query_text
from vantage6.server.resources.request import query_flag
from vantage6.server.services.addresses import AddressQuestion, Only, find_addresses
from vantage6.server.services.errors import BadRequest, NotConfigured

__all__ = ["ROUTES"]


class VpnConfiguration(Resource):
    """What a node needs to join the VPN."""

    @caller(node=True)
    def get(self, principal: NodePrincipal) -> dict[str, str]:
        """Get a new one from the portal."""
        portal = services().vpn_portal
        if portal is None:
            raise NotConfigured("This server does not support VPN; the node works without it.")
        return {"ovpn_config": portal.configuration()}


class VpnUpdate(Resource):
    """A path that released nodes know and never use; the reference always fails here."""

    @caller(node=True)
    def post(self, principal: NodePrincipal) -> NoReturn:
        """Refuse."""
        raise NotConfigured("This server renews no VPN keys; get a new configuration instead.")


class AlgorithmAddresses(Resource):
    """Where the relatives of a running algorithm can be reached."""

    @caller(container=True)
    def get(self, principal: ContainerPrincipal) -> dict[str, list[dict[str, Any]]]:
        """List them."""
        question = AddressQuestion(
            only=_only(),
            include_children=query_flag("include_children"),
            include_parent=query_flag("include_parent"),
            label=query_text("label"),
        )
        with services().work(write=False) as work:
            found = find_addresses(work, principal, question)
        return {"addresses": [asdict(address) for address in found]}


def _only() -> Only | None:
    asked = [only for only in Only if query_flag(only.value)]
    if len(asked) > 1:
        raise BadRequest(
            f"Only one of {', '.join(only.value for only in Only)} can be asked for.",
            field=asked[1].value,
        )
    return asked[0] if asked else None


ROUTES = (
    ("/vpn", VpnConfiguration),
    ("/vpn/update", VpnUpdate),
    ("/vpn/algorithm/addresses", AlgorithmAddresses),
)
