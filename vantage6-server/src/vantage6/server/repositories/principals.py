"""From an identity to a principal with its rules, and to what surrounds it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select, union, update
from sqlalchemy.orm import Session

from vantage6.server.models import (
    Authenticatable,
    Node,
    Permission,
    Role,
    RoleRule,
    Rule,
    User,
    UserPermission,
)
from vantage6.server.policy.decide import Reach
from vantage6.server.policy.principal import (
    ContainerPrincipal,
    NodePrincipal,
    Principal,
    RuleKey,
    UserPrincipal,
)
from vantage6.server.policy.visible import collaborations_of, partners_of

__all__ = ["find_principal", "load_reach", "role_rules", "set_last_seen", "with_container_rules"]

_NODE_ROLE = "node"
_CONTAINER_ROLE = "container"


def find_principal(session: Session, identity: int) -> UserPrincipal | NodePrincipal | None:
    """Return the user or node with this id, or None; rules are read anew at each call."""
    user = session.execute(
        select(User.id, User.organization_id, User.username).where(User.id == identity)
    ).one_or_none()
    if user is not None:
        return UserPrincipal(
            user_id=user.id,
            organization_id=user.organization_id,
            rules=user_rules(session, user.id),
            username=user.username,
        )
    node = session.execute(
        select(Node.id, Node.organization_id, Node.collaboration_id).where(Node.id == identity)
    ).one_or_none()
    if node is None:
        return None
    return NodePrincipal(
        node_id=node.id,
        organization_id=node.organization_id,
        collaboration_id=node.collaboration_id,
        rules=role_rules(session, _NODE_ROLE),
    )


def with_container_rules(session: Session, principal: ContainerPrincipal) -> ContainerPrincipal:
    """Return the principal with the rules of the role ``container``."""
    return replace(principal, rules=role_rules(session, _CONTAINER_ROLE))


def user_rules(session: Session, user_id: int) -> frozenset[RuleKey]:
    """Return the rules of all roles of a user and the direct ones."""
    through_roles = (
        select(RoleRule.c.rule_id)
        .join(Permission, Permission.c.role_id == RoleRule.c.role_id)
        .where(Permission.c.user_id == user_id)
    )
    direct = select(UserPermission.c.rule_id).where(UserPermission.c.user_id == user_id)
    wanted = union(through_roles, direct).subquery()
    rows = session.execute(
        select(Rule.name, Rule.scope, Rule.operation).join(wanted, wanted.c.rule_id == Rule.id)
    )
    return frozenset(RuleKey(*row) for row in rows)


def role_rules(session: Session, name: str) -> frozenset[RuleKey]:
    """Return the rules of a default role."""
    rows = session.execute(
        select(Rule.name, Rule.scope, Rule.operation)
        .join(RoleRule, RoleRule.c.rule_id == Rule.id)
        .join(Role, Role.id == RoleRule.c.role_id)
        .where(Role.name == name, Role.is_default_role)
    )
    return frozenset(RuleKey(*row) for row in rows)


def load_reach(session: Session, principal: Principal) -> Reach:
    """Return the caller's collaborations and their members; a container's is its token's."""
    return Reach(
        collaboration_ids=frozenset(session.scalars(collaborations_of(principal))),
        partner_organization_ids=frozenset(session.scalars(partners_of(principal))),
    )


def set_last_seen(session: Session, identity: int, moment: datetime) -> None:
    """Note that a user or node was here."""
    session.execute(
        update(Authenticatable).where(Authenticatable.id == identity).values(last_seen=moment)
    )
