"""Decisions about one object; pure functions (contract, rbac section 2).

The contract's checks follow from what the `Target` names:

* **A**, organization check: only `organization_id`
* **B**, organization in a collaboration: `organization_id` and `collaboration_id`
* **C**, collaboration check: only `collaboration_id`; organization scope never passes
* membership (studies, viewing a collaboration): `member_ids`, with which organization scope passes
* own scope: `owner_id`
* **D**, no escalation: :func:`require_held`
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vantage6.common.enums import Operation, Scope
from vantage6.server.policy.principal import (
    ContainerPrincipal,
    Principal,
    RuleKey,
    UserPrincipal,
)
from vantage6.server.services.errors import Forbidden

__all__ = [
    "SCOPES",
    "Reach",
    "Target",
    "holds",
    "may",
    "require",
    "require_held",
    "require_scope",
    "scopes",
    "widest",
]

SCOPES = (Scope.OWN, Scope.ORGANIZATION, Scope.COLLABORATION, Scope.GLOBAL)
"""From narrow to wide."""


@dataclass(frozen=True)
class Reach:
    """What lies around the caller's organization: its collaborations and their members."""

    collaboration_ids: frozenset[int] = frozenset()
    partner_organization_ids: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Target:
    """What an operation would touch; see the module for which check follows."""

    organization_id: int | None = None
    collaboration_id: int | None = None
    owner_id: int | None = None
    member_ids: frozenset[int] = frozenset()


def scopes(principal: Principal, resource: str, operation: Operation) -> frozenset[Scope]:
    """Return all scopes in which the principal may do `operation` to `resource`."""
    return frozenset(
        rule.scope
        for rule in principal.rules
        if rule.resource == resource and rule.operation == operation
    )


def widest(principal: Principal, resource: str, operation: Operation) -> Scope | None:
    """Return the widest scope held, or None."""
    held = scopes(principal, resource, operation)
    return max(held, key=SCOPES.index, default=None)


def may(
    principal: Principal,
    resource: str,
    operation: Operation,
    target: Target,
    reach: Reach,
) -> bool:
    """Tell whether any rule of the principal covers the target.

    Nothing covers what lies outside the collaboration of a container's token.
    """
    if isinstance(principal, ContainerPrincipal) and target.collaboration_id not in {
        None,
        principal.collaboration_id,
    }:
        return False
    return any(
        _covers(scope, principal, target, reach) for scope in scopes(principal, resource, operation)
    )


def _covers(scope: Scope, principal: Principal, target: Target, reach: Reach) -> bool:
    organization_id = principal.organization_id
    if scope is Scope.GLOBAL:
        return True
    if scope is Scope.COLLABORATION:
        if target.collaboration_id is not None:
            return target.collaboration_id in reach.collaboration_ids
        partners = reach.partner_organization_ids | {organization_id}
        return target.organization_id in partners
    if scope is Scope.ORGANIZATION:
        return target.organization_id == organization_id or organization_id in target.member_ids
    return isinstance(principal, UserPrincipal) and target.owner_id == principal.user_id


def require(
    principal: Principal,
    resource: str,
    operation: Operation,
    target: Target,
    reach: Reach,
) -> None:
    """Do nothing if :func:`may` says yes.

    Raises
    ------
    Forbidden
        Naming the operation and the resource.
    """
    if not may(principal, resource, operation, target, reach):
        raise _lacking(resource, operation)


def require_scope(
    principal: Principal, resource: str, operation: Operation, scope: Scope = Scope.GLOBAL
) -> None:
    """Demand `scope` or wider, whatever the object.

    Raises
    ------
    Forbidden
        If the widest scope held is narrower.
    """
    held = widest(principal, resource, operation)
    if held is None or SCOPES.index(held) < SCOPES.index(scope):
        raise _lacking(resource, operation)


def _lacking(resource: str, operation: Operation) -> Forbidden:
    return Forbidden(
        f"You lack the permission to {operation.value.lower()} this {resource}; "
        "ask an administrator of your organization for a role that includes it."
    )


def holds(principal: Principal, rule: RuleKey) -> bool:
    """Tell whether the principal holds the rule itself or the same with a wider scope."""
    held = widest(principal, rule.resource, rule.operation)
    return held is not None and SCOPES.index(held) >= SCOPES.index(rule.scope)


def require_held(principal: Principal, rules: Iterable[RuleKey]) -> None:
    """Demand that the principal holds every rule it gives or takes (check D).

    Raises
    ------
    Forbidden
        Naming the first rule that is not held.
    """
    for rule in rules:
        if not holds(principal, rule):
            raise Forbidden(
                f"You cannot give or take the rule '{rule.resource} {rule.scope} "
                f"{rule.operation}', because you do not hold it yourself."
            )
