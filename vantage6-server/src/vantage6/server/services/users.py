"""Users (contract, rest-api section 4.11)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session, selectinload

from vantage6.common.enums import Operation
from vantage6.server.models import (
    Member,
    Organization,
    Permission,
    Role,
    Rule,
    Task,
    User,
    UserPermission,
)
from vantage6.server.policy import visible
from vantage6.server.policy.decide import Reach, Target, widest
from vantage6.server.policy.principal import UserPrincipal
from vantage6.server.repositories import deletion
from vantage6.server.repositories.principals import load_reach
from vantage6.server.repositories.records import (
    any_of,
    by_ids,
    find,
    is_taken,
    named_in_query,
)
from vantage6.server.repositories.unit_of_work import OpenWork, UnitOfWork
from vantage6.server.services.authority import Authority
from vantage6.server.services.collaborations import Body
from vantage6.server.services.errors import BadRequest, Conflict, Forbidden, NotFound
from vantage6.server.services.passwords import Passwords
from vantage6.server.services.roles import find_rules

__all__ = [
    "Permissions",
    "UserFilter",
    "change",
    "create",
    "get",
    "listing",
    "permissions_of",
    "remove",
]

_NOUN = "user"
_WITH_ROLES = selectinload(User.roles).selectinload(Role.rules)
_WITH_RULES = selectinload(User.rules)
_PLAIN_FIELDS = ("username", "email", "firstname", "lastname")


@dataclass(frozen=True)
class UserFilter:
    """What a list of users is narrowed to; texts are LIKE patterns."""

    username: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    email: str | None = None
    organization_id: int | None = None
    collaboration_id: int | None = None
    role_id: int | None = None
    rule_id: int | None = None
    last_seen_from: datetime | None = None
    last_seen_till: datetime | None = None


@dataclass(frozen=True)
class Permissions:
    """What a user may do, as ids, and whom the user's organization works with."""

    role_ids: tuple[int, ...]
    rule_ids: tuple[int, ...]
    organization_ids: tuple[int, ...]


def listing(work: UnitOfWork, principal: UserPrincipal, wanted: UserFilter) -> Select[User]:
    """Select the visible users that pass the filter."""
    statement = select(User).where(_visible(principal, wanted))
    for column, pattern in (
        (User.username, wanted.username),
        (User.firstname, wanted.firstname),
        (User.lastname, wanted.lastname),
        (User.email, wanted.email),
    ):
        if pattern is not None:
            statement = statement.where(column.like(pattern))
    if wanted.last_seen_from is not None:
        statement = statement.where(User.last_seen >= wanted.last_seen_from)
    if wanted.last_seen_till is not None:
        statement = statement.where(User.last_seen <= wanted.last_seen_till)
    statement = _narrow_by_organization(work, principal, statement, wanted)
    return _narrow_by_permission(work, principal, statement, wanted)


def _visible(principal: UserPrincipal, wanted: UserFilter) -> ColumnElement[bool]:
    """Apply the rules; without any, asking for one's own name shows oneself."""
    if widest(principal, _NOUN, Operation.VIEW) is None and wanted.username == principal.username:
        return User.id == principal.user_id
    return visible.users(principal)


def _narrow_by_organization(
    work: UnitOfWork, principal: UserPrincipal, statement: Select[User], wanted: UserFilter
) -> Select[User]:
    authority = Authority(work.session, principal)
    if wanted.organization_id is not None:
        target = Target(organization_id=wanted.organization_id)
        authority.require(_NOUN, Operation.VIEW, target)
        statement = statement.where(User.organization_id == wanted.organization_id)
    if wanted.collaboration_id is not None:
        target = Target(collaboration_id=wanted.collaboration_id)
        authority.require(_NOUN, Operation.VIEW, target)
        members = select(Member.c.organization_id).where(
            Member.c.collaboration_id == wanted.collaboration_id
        )
        statement = statement.where(User.organization_id.in_(members))
    return statement


def _narrow_by_permission(
    work: UnitOfWork, principal: UserPrincipal, statement: Select[User], wanted: UserFilter
) -> Select[User]:
    if wanted.role_id is not None:
        role = named_in_query(work.session, Role, wanted.role_id, "role_id")
        if role.organization_id is not None:
            Authority(work.session, principal).require(
                _NOUN, Operation.VIEW, Target(organization_id=role.organization_id)
            )
        assigned = select(Permission.c.user_id).where(Permission.c.role_id == role.id)
        statement = statement.where(User.id.in_(assigned))
    if wanted.rule_id is not None:
        rule = named_in_query(work.session, Rule, wanted.rule_id, "rule_id")
        assigned = select(UserPermission.c.user_id).where(UserPermission.c.rule_id == rule.id)
        statement = statement.where(User.id.in_(assigned))
    return statement


def get(work: UnitOfWork, principal: UserPrincipal, identity: int) -> User:
    """Return oneself, or one user the caller may see."""
    user = find(work.session, User, identity)
    if user.id != principal.user_id:
        Authority(work.session, principal).require(
            _NOUN, Operation.VIEW, Target(organization_id=user.organization_id)
        )
    return user


def permissions_of(session: Session, user: User) -> Permissions:
    """Return the user's roles, all rules through roles or direct, and partner organizations."""
    session.refresh(user, ["roles", "rules"])
    roles = by_ids(session, Role, (role.id for role in user.roles), selectinload(Role.rules))
    rules = {rule.id for rule in user.rules}.union(rule.id for role in roles for rule in role.rules)
    reach: Reach = load_reach(session, UserPrincipal(user.id, user.organization_id))
    return Permissions(
        tuple(role.id for role in roles),
        tuple(sorted(rules)),
        tuple(sorted(reach.partner_organization_ids)),
    )


def create(
    open_work: OpenWork, passwords: Passwords, principal: UserPrincipal, values: Mapping[str, Any]
) -> User:
    """Create a user; roles and rules only as far as the caller holds them.

    Everything is checked before the password is hashed, which takes long, and again afterwards.
    """
    with open_work(write=False) as work:
        _check_new(work.session, principal, values)
    hashed = passwords.hash(values["password"])
    with open_work() as work:
        organization_id, roles, rules = _check_new(work.session, principal, values)
        user = User(
            **{key: values.get(key) for key in _PLAIN_FIELDS},
            password=hashed,
            organization_id=organization_id,
            roles=roles,
            rules=rules,
        )
        work.session.add(user)
        work.commit()
        return user


def _check_new(
    session: Session, principal: UserPrincipal, values: Mapping[str, Any]
) -> tuple[int, list[Role], list[Rule]]:
    """Return organization, roles and rules of a new user after all checks."""
    _refuse_taken(session, values)
    organization_id: int = values.get("organization_id") or principal.organization_id
    authority = Authority(session, principal)
    _require_organization(session, authority, organization_id)
    # Unknown ids are passed over (golden sample user__POST, case unknown-role-ignored).
    roles = by_ids(session, Role, values.get("roles", ()), selectinload(Role.rules))
    rules = by_ids(session, Rule, values.get("rules", ()))
    for role in roles:
        _refuse_unassignable(authority, role, organization_id)
    authority.require_held(rules)
    return organization_id, list(roles), list(rules)


def _require_organization(session: Session, authority: Authority, organization_id: int) -> None:
    # Only who may create users anywhere learns whether an organization exists.
    if authority.has_global(_NOUN, Operation.CREATE):
        find(session, Organization, organization_id)
    authority.require(_NOUN, Operation.CREATE, Target(organization_id=organization_id))


def _refuse_unassignable(authority: Authority, role: Role, organization_id: int) -> None:
    authority.require_held(role.rules)
    if role.organization_id is not None and role.organization_id != organization_id:
        raise Forbidden(
            f"The role '{role.name}' belongs to another organization than the user; "
            "choose one of the user's organization, or one that belongs to none.",
            field="roles",
        )


def change(work: UnitOfWork, principal: UserPrincipal, identity: int, body: Body) -> User:
    """Change a user, all or nothing; nobody changes the own roles and rules."""
    user = find(work.session, User, identity, _WITH_ROLES, _WITH_RULES)
    values = body()
    if "password" in values:
        raise BadRequest(
            "A password cannot be changed here; use the endpoints for changing or recovering it.",
            field="password",
        )
    authority = Authority(work.session, principal)
    authority.require(_NOUN, Operation.EDIT, _target(user))
    _refuse_foreign_username(principal, user, values)
    _refuse_taken(work.session, values, but=user.id)
    if "roles" in values:
        user.roles = _new_roles(work.session, authority, user, values["roles"])
    if "rules" in values:
        user.rules = _new_rules(work.session, authority, user, values["rules"])
    for key in _PLAIN_FIELDS:
        if key in values:
            setattr(user, key, values[key])
    work.commit()
    return user


def _refuse_foreign_username(
    principal: UserPrincipal, user: User, values: Mapping[str, Any]
) -> None:
    name = values.get("username", user.username)
    if name != user.username and user.id != principal.user_id:
        raise BadRequest(
            "Only users themselves can change their username; leave 'username' out.",
            field="username",
        )


def _new_roles(
    session: Session, authority: Authority, user: User, identities: Iterable[int]
) -> list[Role]:
    wanted = set(identities)
    roles = by_ids(session, Role, wanted, selectinload(Role.rules))
    unknown = wanted - {role.id for role in roles}
    if unknown:
        raise NotFound(f"There is no role with id {min(unknown)}; check the ids.", field="roles")
    _refuse_oneself(authority, user, "roles")
    for role in roles:
        _refuse_unassignable(authority, role, user.organization_id)
    for role in set(user.roles).difference(roles):
        authority.require_held(role.rules)
    return list(roles)


def _new_rules(
    session: Session, authority: Authority, user: User, identities: Iterable[int]
) -> list[Rule]:
    rules = find_rules(session, identities)
    _refuse_oneself(authority, user, "rules")
    authority.require_held(sorted(set(user.rules) ^ set(rules), key=lambda rule: rule.id))
    return rules


def _refuse_oneself(authority: Authority, user: User, field: str) -> None:
    principal = authority.principal
    if isinstance(principal, UserPrincipal) and principal.user_id == user.id:
        raise Forbidden(
            f"Nobody may change their own {field}; ask another administrator.", field=field
        )


def remove(
    work: UnitOfWork, principal: UserPrincipal, identity: int, *, delete_dependents: bool
) -> None:
    """Delete a user; with the tasks they created only when told to."""
    user = find(work.session, User, identity)
    Authority(work.session, principal).require(_NOUN, Operation.DELETE, _target(user))
    created = Task.init_user_id == user.id
    if not delete_dependents and any_of(work.session, created):
        raise BadRequest(
            f"The user '{user.username}' created tasks; delete them first, or repeat with "
            "delete_dependents=true.",
            field="delete_dependents",
        )
    deletion.delete_tasks(work, created)
    deletion.delete_users(work.session, User.id == user.id)
    work.commit()


def _target(user: User) -> Target:
    return Target(organization_id=user.organization_id, owner_id=user.id)


def _refuse_taken(session: Session, values: Mapping[str, Any], *, but: int | None = None) -> None:
    columns: Sequence[tuple[str, Any]] = (("username", User.username), ("email", User.email))
    for key, column in columns:
        value = values.get(key)
        if value is not None and is_taken(session, column, value, but=but):
            raise Conflict(
                f"There is a user with the {key} '{value}' already; choose another.", field=key
            )
