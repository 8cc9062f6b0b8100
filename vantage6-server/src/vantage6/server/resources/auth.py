"""From the token of a request to the principal, and from an identity to tokens."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, current_app
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    decode_token,
    get_jwt,
    verify_jwt_in_request,
)
from flask_jwt_extended.exceptions import WrongTokenError

from vantage6.common.enums import ClientType
from vantage6.common.wire.tokens import CLIENT_TYPE_CLAIM, ROLES_CLAIM, SUBJECT_CLAIM
from vantage6.server.policy.principal import (
    ContainerPrincipal,
    NodePrincipal,
    Principal,
    UserPrincipal,
)
from vantage6.server.repositories.principals import (
    find_principal,
    set_last_seen,
    with_container_rules,
)
from vantage6.server.repositories.runs import is_running
from vantage6.server.services.errors import Unauthenticated, WrongCaller
from vantage6.server.wiring import Services

__all__ = [
    "RUN_CLAIM",
    "caller",
    "configure_tokens",
    "container_token",
    "identity_of",
    "refreshing_principal",
    "services",
    "socket_identity",
    "token_pair",
]

RUN_CLAIM = "run_id"
"""Claim of container tokens: they end with this run."""

_EXTENSION = "vantage6"
_SEEN_INTERVAL = 5.0
"""Seconds within which another request of the same caller does not write `last_seen` again."""

_Handler = TypeVar("_Handler", bound=Callable[..., Any])


def services() -> Services:
    """Return what the present app works with."""
    found: Services = current_app.extensions[_EXTENSION].services
    return found


class _State:
    """What the extension keeps per app."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.seen: dict[int, float] = {}


def configure_tokens(app: Flask, services: Services) -> None:
    """Set up tokens as the contract has them (rest-api section 3)."""
    app.extensions[_EXTENSION] = _State(services)
    app.config.update(
        JWT_SECRET_KEY=services.jwt_secret,
        JWT_ALGORITHM="HS256",
        JWT_TOKEN_LOCATION=["headers"],
        JWT_ACCESS_TOKEN_EXPIRES=timedelta(seconds=services.access_lifetime),
        JWT_REFRESH_TOKEN_EXPIRES=timedelta(seconds=services.refresh_lifetime),
        # `sub` is an integer, or an object for containers; newer JWT libraries want text.
        JWT_VERIFY_SUB=False,
    )
    JWTManager(app)


def caller(
    *, user: bool = False, node: bool = False, container: bool = False
) -> Callable[[_Handler], _Handler]:
    """Open a handler to these kinds of callers; it gets the principal as first argument.

    Raises
    ------
    Unauthenticated
        If the identity in the token does not exist any more, or a container's run has ended.
    WrongCaller
        If the caller is of another kind.
    """
    flags = {ClientType.USER: user, ClientType.NODE: node, ClientType.CONTAINER: container}
    kinds = frozenset(kind for kind, welcome in flags.items() if welcome)

    def decorate(handler: _Handler) -> _Handler:
        @wraps(handler)
        def checked(resource: Any, *args: Any, **kwargs: Any) -> Any:
            principal = _authenticate()
            if principal.kind not in kinds:
                welcome = " or ".join(sorted(str(kind) for kind in kinds))
                raise WrongCaller(
                    f"A {principal.kind} cannot use this endpoint; log in as {welcome}."
                )
            return handler(resource, principal, *args, **kwargs)

        return checked  # type: ignore[return-value] # wraps keeps the signature but for the principal

    return decorate


def _authenticate() -> Principal:
    verify_jwt_in_request()
    claims = get_jwt()
    if claims.get(CLIENT_TYPE_CLAIM) == ClientType.CONTAINER:
        return _container(claims)
    return _user_or_node(identity_of(claims))


def refreshing_principal() -> UserPrincipal | NodePrincipal:
    """Return who renews its tokens, by the refresh token of the request."""
    verify_jwt_in_request(refresh=True)
    return _user_or_node(identity_of(get_jwt()))


def identity_of(claims: dict[str, Any]) -> int | None:
    """Return the id of the user or node that a token names, if it names one."""
    subject = claims.get(SUBJECT_CLAIM)
    is_id = isinstance(subject, int) and not isinstance(subject, bool)
    return subject if is_id else None


def _user_or_node(identity: int | None) -> UserPrincipal | NodePrincipal:
    here = services()
    with here.work(write=False) as uow:
        principal = None if identity is None else find_principal(uow.session, identity)
    if principal is None or identity is None:
        raise Unauthenticated("The user or node of this token does not exist any more; log in.")
    _note_presence(here, identity)
    return principal


def _note_presence(here: Services, identity: int) -> None:
    seen: dict[int, float] = current_app.extensions[_EXTENSION].seen
    now = here.clock.monotonic()
    if now - seen.get(identity, float("-inf")) < _SEEN_INTERVAL:
        return
    seen[identity] = now
    with here.work() as uow:
        set_last_seen(uow.session, identity, here.clock.now())
        uow.commit()


def _container(claims: dict[str, Any]) -> ContainerPrincipal:
    principal = _container_of(claims)
    with services().work(write=False) as uow:
        if principal.run_id is not None and not is_running(uow.session, principal.run_id):
            raise Unauthenticated(
                "The run of this token has ended, and the token with it; nothing more can be done."
            )
        return with_container_rules(uow.session, principal)


def _container_of(claims: dict[str, Any]) -> ContainerPrincipal:
    subject = claims[SUBJECT_CLAIM]
    try:
        return ContainerPrincipal(
            node_id=subject["node_id"],
            organization_id=subject["organization_id"],
            collaboration_id=subject["collaboration_id"],
            study_id=subject.get("study_id"),
            store_id=subject.get("store_id"),
            task_id=subject["task_id"],
            image=subject["image"],
            databases=tuple(subject.get("databases") or ()),
            run_id=claims.get(RUN_CLAIM),
        )
    except (TypeError, KeyError, AttributeError) as error:
        raise Unauthenticated("The container token is incomplete; ask for a new one.") from error


def token_pair(principal: UserPrincipal | NodePrincipal, roles: list[str]) -> dict[str, str]:
    """Return the tokens of a login or a refresh, with the links that go with them."""
    is_user = isinstance(principal, UserPrincipal)
    identity = principal.user_id if isinstance(principal, UserPrincipal) else principal.node_id
    claims = _claims(principal.kind, roles)
    path = services().api_path
    return {
        "access_token": create_access_token(identity, additional_claims=claims),
        "refresh_token": create_refresh_token(identity, additional_claims=claims),
        "refresh_url": f"{path}/token/refresh",
        "user_url" if is_user else "node_url": f"{path}/{principal.kind}/{identity}",
    }


def container_token(subject: dict[str, Any], run_id: int) -> str:
    """Return a token without expiry for one run's container; it ends with the run."""
    claims = _claims(ClientType.CONTAINER, []) | {RUN_CLAIM: run_id}
    token: str = create_access_token(subject, expires_delta=False, additional_claims=claims)
    return token


def _claims(kind: ClientType, roles: list[str]) -> dict[str, Any]:
    # `csrf` is part of the contract although nothing reads it.
    return {CLIENT_TYPE_CLAIM: kind.value, ROLES_CLAIM: roles, "csrf": str(uuid.uuid4())}


def socket_identity(encoded: str) -> int | None:
    """Return the identity in the access token of a socket's handshake, needs an app context."""
    claims = decode_token(encoded)
    if claims.get("type") != "access":
        raise WrongTokenError("Only access tokens open a socket.")
    return identity_of(claims)
