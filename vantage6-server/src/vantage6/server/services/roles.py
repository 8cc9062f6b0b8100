"""Roles and rules (contract, rest-api section 4.12)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, false, or_, select
from sqlalchemy.orm import Session, selectinload

from vantage6.common.enums import Operation, Scope
from vantage6.common.wire.rest.rule import read_operation, read_scope
from vantage6.server.models import (
    Member,
    Organization,
    Permission,
    Role,
    RoleRule,
    Rule,
    User,
    UserPermission,
)
from vantage6.server.policy import visible
from vantage6.server.policy.decide import Target, widest
from vantage6.server.policy.principal import UserPrincipal
from vantage6.server.policy.roles import DEFAULT_ROLES
from vantage6.server.repositories import deletion
from vantage6.server.repositories.records import any_of, by_ids, find, named_in_query
from vantage6.server.repositories.unit_of_work import UnitOfWork
from vantage6.server.services.authority import Authority
from vantage6.server.services.errors import BadRequest, Invalid, NotFound

__all__ = [
    "RoleFilter",
    "RuleFilter",
    "add_rule",
    "change",
    "create",
    "find_rules",
    "get",
    "get_rule",
    "listing",
    "remove",
    "remove_rule",
    "rule_listing",
]

_NOUN = "role"
_WITH_RULES = selectinload(Role.rules)


@dataclass(frozen=True)
class RoleFilter:
    """What a list of roles is narrowed to; of several values any may match."""

    names: tuple[str, ...] = ()
    descriptions: tuple[str, ...] = ()
    organization_ids: tuple[int, ...] = ()
    collaboration_id: int | None = None
    include_root: bool = False
    rule_id: int | None = None
    user_id: int | None = None


@dataclass(frozen=True)
class RuleFilter:
    """What a list of rules is narrowed to."""

    name: str | None = None
    operation: str | None = None
    scope: str | None = None
    role_id: int | None = None
    user_id: int | None = None


def listing(work: UnitOfWork, principal: UserPrincipal, wanted: RoleFilter) -> Select[Role]:
    """Select the visible roles that pass the filter."""
    statement = select(Role).where(visible.roles(principal))
    if wanted.names:
        statement = statement.where(or_(*(Role.name.like(name) for name in wanted.names)))
    if wanted.descriptions:
        statement = statement.where(
            or_(*(Role.description.like(text) for text in wanted.descriptions))
        )
    statement = _narrow_by_organization(work, principal, statement, wanted)
    if wanted.rule_id is not None:
        rule = find(work.session, Rule, wanted.rule_id)
        holding = select(RoleRule.c.role_id).where(RoleRule.c.rule_id == rule.id)
        statement = statement.where(Role.id.in_(holding))
    if wanted.user_id is not None:
        _require_user_filter(work, principal, wanted.user_id)
        assigned = select(Permission.c.role_id).where(Permission.c.user_id == wanted.user_id)
        statement = statement.where(Role.id.in_(assigned))
    return statement


def _narrow_by_organization(
    work: UnitOfWork, principal: UserPrincipal, statement: Select[Role], wanted: RoleFilter
) -> Select[Role]:
    authority = Authority(work.session, principal)
    without_organization = Role.organization_id.is_(None) if wanted.include_root else false()
    if wanted.organization_ids:
        for identity in wanted.organization_ids:
            authority.require(_NOUN, Operation.VIEW, Target(organization_id=identity))
        statement = statement.where(
            or_(Role.organization_id.in_(wanted.organization_ids), without_organization)
        )
    if wanted.collaboration_id is not None:
        target = Target(collaboration_id=wanted.collaboration_id)
        authority.require(_NOUN, Operation.VIEW, target)
        members = select(Member.c.organization_id).where(
            Member.c.collaboration_id == wanted.collaboration_id
        )
        statement = statement.where(or_(Role.organization_id.in_(members), without_organization))
    return statement


def _require_user_filter(work: UnitOfWork, principal: UserPrincipal, user_id: int) -> None:
    user = named_in_query(work.session, User, user_id, "user_id")
    if user.id != principal.user_id:
        Authority(work.session, principal).require(
            _NOUN, Operation.VIEW, Target(organization_id=user.organization_id)
        )


def get(work: UnitOfWork, principal: UserPrincipal, identity: int) -> Role:
    """Return one role the caller may see: by rule, as a default role, or because it is held."""
    role = find(work.session, Role, identity)
    held = widest(principal, _NOUN, Operation.VIEW)
    if role.is_default_role and held not in {None, Scope.OWN}:
        return role
    assigned = (Permission.c.role_id == role.id) & (Permission.c.user_id == principal.user_id)
    if not any_of(work.session, assigned):
        Authority(work.session, principal).require(
            _NOUN, Operation.VIEW, Target(organization_id=role.organization_id)
        )
    return role


def create(work: UnitOfWork, principal: UserPrincipal, values: Mapping[str, Any]) -> Role:
    """Create a role of rules the caller holds."""
    _refuse_default_name(values["name"])
    rules = find_rules(work.session, values["rules"])
    authority = Authority(work.session, principal)
    authority.require_held(rules)
    organization_id = values.get("organization_id") or principal.organization_id
    organization = find(work.session, Organization, organization_id)
    authority.require(_NOUN, Operation.CREATE, Target(organization_id=organization.id))
    role = Role(
        name=values["name"],
        description=values.get("description"),
        organization_id=organization.id,
        is_default_role=False,
        rules=rules,
    )
    work.session.add(role)
    work.commit()
    return role


def change(
    work: UnitOfWork, principal: UserPrincipal, identity: int, values: Mapping[str, Any]
) -> Role:
    """Change a role; null leaves a field as it is, and default roles stay what they are."""
    if "organization_id" in values:
        raise BadRequest(
            "The organization of a role cannot be changed; leave 'organization_id' out.",
            field="organization_id",
        )
    name, rule_ids = values.get("name"), values.get("rules")
    if name is not None:
        _refuse_default_name(name)
    role = find(work.session, Role, identity, _WITH_RULES)
    _refuse_default(role)
    authority = Authority(work.session, principal)
    authority.require(_NOUN, Operation.EDIT, Target(organization_id=role.organization_id))
    if rule_ids is not None:
        rules = find_rules(work.session, rule_ids)
        authority.require_held(rules)
        role.rules = rules
    if name is not None:
        role.name = name
    if values.get("description") is not None:
        role.description = values["description"]
    work.commit()
    return role


def remove(
    work: UnitOfWork, principal: UserPrincipal, identity: int, *, delete_dependents: bool
) -> None:
    """Delete a role; take it away from its users only when told to."""
    role = find(work.session, Role, identity)
    _refuse_default(role)
    Authority(work.session, principal).require(
        _NOUN, Operation.DELETE, Target(organization_id=role.organization_id)
    )
    if not delete_dependents and any_of(work.session, Permission.c.role_id == role.id):
        raise BadRequest(
            f"The role '{role.name}' is assigned to users; take it away first, or repeat with "
            "delete_dependents=true.",
            field="delete_dependents",
        )
    deletion.delete_roles(work.session, Role.id == role.id)
    work.commit()


def add_rule(work: UnitOfWork, principal: UserPrincipal, identity: int, rule_id: int) -> list[Rule]:
    """Add one rule the caller holds and return all of the role's; twice changes nothing."""
    role, rule = _editable_rule(work, principal, identity, rule_id)
    if rule not in role.rules:
        role.rules.append(rule)
    work.commit()
    return sorted(role.rules, key=lambda item: item.id)


def remove_rule(
    work: UnitOfWork, principal: UserPrincipal, identity: int, rule_id: int
) -> list[Rule]:
    """Remove one rule the caller holds and return those that remain."""
    role, rule = _editable_rule(work, principal, identity, rule_id)
    if rule not in role.rules:
        raise NotFound(f"The role '{role.name}' does not hold the rule with id {rule.id}.")
    role.rules.remove(rule)
    work.commit()
    return role.rules


def _editable_rule(
    work: UnitOfWork, principal: UserPrincipal, identity: int, rule_id: int
) -> tuple[Role, Rule]:
    role = find(work.session, Role, identity, _WITH_RULES)
    rule = find(work.session, Rule, rule_id)
    authority = Authority(work.session, principal)
    authority.require(_NOUN, Operation.EDIT, Target(organization_id=role.organization_id))
    authority.require_held([rule])
    return role, rule


def _refuse_default(role: Role) -> None:
    if role.is_default_role:
        raise BadRequest(
            f"The role '{role.name}' is built in and cannot be changed or deleted; "
            "create a role of your own instead."
        )


def _refuse_default_name(name: str) -> None:
    if name in DEFAULT_ROLES:
        problem = f"'{name}' is the name of a built-in role; choose another name."
        raise Invalid(problem, {"name": [problem]}, field="name")


def find_rules(session: Session, identities: Iterable[int]) -> list[Rule]:
    """Return the rules with these ids.

    Raises
    ------
    NotFound
        If one of them does not exist.
    """
    wanted = set(identities)
    rules = list(by_ids(session, Rule, wanted))
    unknown = wanted - {rule.id for rule in rules}
    if unknown:
        raise NotFound(f"There is no rule with id {min(unknown)}; check the ids.", field="rules")
    return rules


def rule_listing(work: UnitOfWork, wanted: RuleFilter) -> Select[Rule]:
    """Select the rules that pass the filter; every user sees all rules."""
    statement = select(Rule)
    if wanted.name is not None:
        statement = statement.where(Rule.name == wanted.name)
    if wanted.operation is not None:
        operation = read_operation(wanted.operation)
        statement = statement.where(false() if operation is None else Rule.operation == operation)
    if wanted.scope is not None:
        scope = read_scope(wanted.scope)
        statement = statement.where(false() if scope is None else Rule.scope == scope)
    if wanted.role_id is not None:
        role = named_in_query(work.session, Role, wanted.role_id, "role_id")
        held = select(RoleRule.c.rule_id).where(RoleRule.c.role_id == role.id)
        statement = statement.where(Rule.id.in_(held))
    if wanted.user_id is not None:
        user = named_in_query(work.session, User, wanted.user_id, "user_id")
        statement = statement.where(_held_by(user.id))
    return statement


def _held_by(user_id: int) -> Any:
    direct = select(UserPermission.c.rule_id).where(UserPermission.c.user_id == user_id)
    through_roles = (
        select(RoleRule.c.rule_id)
        .join(Permission, Permission.c.role_id == RoleRule.c.role_id)
        .where(Permission.c.user_id == user_id)
    )
    return or_(Rule.id.in_(direct), Rule.id.in_(through_roles))


def get_rule(work: UnitOfWork, identity: int) -> Rule:
    """Return one rule."""
    return find(work.session, Rule, identity)
