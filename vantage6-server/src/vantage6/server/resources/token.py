"""``/token`` (contract, rest-api section 4.2)."""

from __future__ import annotations

from typing import Any

from flask_restful import Resource
from sqlalchemy import select

from vantage6.common.wire.rest.token import ContainerTokenInput, NodeLogin, UserLogin
from vantage6.server.models import Node, Permission, Role, User
from vantage6.server.policy.principal import NodePrincipal, Principal, UserPrincipal
from vantage6.server.repositories.principals import find_principal
from vantage6.server.resources.auth import (
    caller,
    container_token,
    refreshing_principal,
    services,
    token_pair,
)
from vantage6.server.resources.request import client_address, load_body
from vantage6.server.services.container_tokens import grant_container
from vantage6.server.services.errors import Unauthenticated
from vantage6.server.services.second_factor import provisioning_uri
from vantage6.server.services.tokens import find_node_by_key

__all__ = ["ROUTES"]

_Login = tuple[dict[str, str], int, dict[str, str]]


class UserToken(Resource):
    """Where users log in."""

    def post(self) -> _Login | dict[str, Any]:
        """Exchange name and password, and a code where one is asked for, for tokens."""
        body = load_body(UserLogin())
        here = services()
        login = here.accounts.log_in(
            body["username"], body["password"], body.get("mfa_code"), source=client_address()
        )
        if login.new_secret is not None:
            return {
                "qr_uri": provisioning_uri(
                    login.new_secret, here.settings["server_name"], body["username"]
                ),
                "otp_secret": login.new_secret,
                "msg": "Scan the QR code with an authenticator app, then log in with its code.",
            }
        if login.needs_code:
            return {"msg": "Log in with the code your authenticator app shows, too."}
        return _with_header(_tokens_of(login.user_id))


class NodeToken(Resource):
    """Where nodes log in."""

    def post(self) -> _Login:
        """Exchange an API key for tokens."""
        api_key = load_body(NodeLogin())["api_key"]
        here = services()
        return _with_header(_tokens_of(find_node_by_key(here.work, here.passwords, api_key)))


class ContainerToken(Resource):
    """Where nodes get the tokens of the algorithms they run."""

    @caller(node=True)
    def post(self, principal: NodePrincipal) -> dict[str, str]:
        """Give a token for the node's run of a task."""
        body = load_body(ContainerTokenInput())
        with services().work(write=False) as work:
            grant = grant_container(work, principal, body["task_id"], body["image"])
        return {"container_token": container_token(grant.subject, grant.run_id)}


class RefreshToken(Resource):
    """Where tokens are renewed."""

    def post(self) -> dict[str, str]:
        """Exchange a refresh token for two new tokens."""
        principal = refreshing_principal()
        return token_pair(principal, _role_names(principal))


class ValidateUser(Resource):
    """Where an algorithm store asks who a user is."""

    @caller(user=True)
    def post(self, principal: UserPrincipal) -> dict[str, Any]:
        """Show it."""
        with services().work(write=False) as work:
            user = work.session.get_one(User, principal.user_id)
        return {
            "msg": "The token is valid.",
            "user_id": user.id,
            "username": user.username,
            "email": user.email,
            "organization_id": user.organization_id,
        }


class ValidateNode(Resource):
    """Where an algorithm store asks who a node is."""

    @caller(node=True)
    def post(self, principal: NodePrincipal) -> dict[str, Any]:
        """Show it."""
        with services().work(write=False) as work:
            node = work.session.get_one(Node, principal.node_id)
        return {
            "msg": "The token is valid.",
            "node_id": node.id,
            "name": node.name,
            "organization_id": node.organization_id,
        }


def _tokens_of(identity: int) -> dict[str, str]:
    with services().work(write=False) as work:
        principal = find_principal(work.session, identity)
    if principal is None:
        raise Unauthenticated("This account was deleted a moment ago.")
    return token_pair(principal, _role_names(principal))


def _role_names(principal: Principal) -> list[str]:
    """Return the names of a user's roles; in the token they only inform."""
    if not isinstance(principal, UserPrincipal):
        return []
    statement = (
        select(Role.name)
        .join(Permission, Permission.c.role_id == Role.id)
        .where(Permission.c.user_id == principal.user_id)
        .order_by(Role.id)
    )
    with services().work(write=False) as work:
        return list(work.session.scalars(statement))


def _with_header(tokens: dict[str, str]) -> _Login:
    return tokens, 200, {"jwt-token": tokens["access_token"]}


ROUTES = (
    ("/token/user", UserToken),
    ("/token/node", NodeToken),
    ("/token/container", ContainerToken),
    ("/token/refresh", RefreshToken),
    ("/token/user/validate", ValidateUser),
    ("/token/node/validate", ValidateNode),
)
