"""Organizations (contract, rest-api section 4.4)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select

from vantage6.common.enums import Operation
from vantage6.server.models import (
    Member,
    Node,
    Organization,
    Role,
    Run,
    Study,
    StudyMember,
    Task,
    User,
)
from vantage6.server.policy import visible
from vantage6.server.policy.decide import Target, require_scope
from vantage6.server.policy.principal import Principal
from vantage6.server.repositories import deletion
from vantage6.server.repositories.records import any_of, find, is_taken, named_in_query
from vantage6.server.repositories.unit_of_work import UnitOfWork
from vantage6.server.services.authority import Authority
from vantage6.server.services.errors import BadRequest, Conflict, Forbidden

__all__ = [
    "OrganizationFilter",
    "change",
    "create",
    "get",
    "listing",
    "remove",
    "require_create",
    "require_delete",
]

_NOUN = "organization"

# What an omitted text becomes (golden sample organization__POST, case created-minimal).
_DEFAULTS: Mapping[str, str | None] = {
    "address1": "",
    "address2": None,
    "zipcode": "",
    "country": "",
    "domain": "",
}


@dataclass(frozen=True)
class OrganizationFilter:
    """What a list of organizations is narrowed to."""

    name: str | None = None
    country: str | None = None
    collaboration_id: int | None = None
    study_id: int | None = None
    ids: tuple[int, ...] = ()


def listing(
    work: UnitOfWork, principal: Principal, wanted: OrganizationFilter
) -> Select[Organization]:
    """Select the visible organizations that pass the filter."""
    statement = select(Organization).where(visible.organizations(principal))
    if wanted.name is not None:
        statement = statement.where(Organization.name.like(wanted.name))
    if wanted.country is not None:
        statement = statement.where(Organization.country == wanted.country)
    if wanted.ids:
        statement = statement.where(Organization.id.in_(wanted.ids))
    authority = Authority(work.session, principal)
    if wanted.collaboration_id is not None:
        target = Target(collaboration_id=wanted.collaboration_id)
        authority.require(_NOUN, Operation.VIEW, target)
        members = select(Member.c.organization_id).where(
            Member.c.collaboration_id == wanted.collaboration_id
        )
        statement = statement.where(Organization.id.in_(members))
    if wanted.study_id is not None:
        study = named_in_query(work.session, Study, wanted.study_id, "study_id")
        target = Target(collaboration_id=study.collaboration_id)
        authority.require(_NOUN, Operation.VIEW, target)
        members = select(StudyMember.c.organization_id).where(StudyMember.c.study_id == study.id)
        statement = statement.where(Organization.id.in_(members))
    return statement


def get(work: UnitOfWork, principal: Principal, identity: int) -> Organization:
    """Return one organization the caller may see."""
    organization = find(work.session, Organization, identity)
    Authority(work.session, principal).require(
        _NOUN, Operation.VIEW, Target(organization_id=organization.id)
    )
    return organization


def require_create(principal: Principal) -> None:
    """Demand the right to create organizations, before anything else is looked at."""
    require_scope(principal, _NOUN, Operation.CREATE)


def create(work: UnitOfWork, principal: Principal, values: Mapping[str, Any]) -> Organization:
    """Create an organization from a valid body."""
    require_create(principal)
    organization = Organization()
    _apply(work, organization, {**_DEFAULTS, **values})
    work.session.add(organization)
    work.commit()
    return organization


def change(
    work: UnitOfWork, principal: Principal, identity: int, values: Mapping[str, Any]
) -> Organization:
    """Change an organization; its public key only by callers that belong to it."""
    organization = find(work.session, Organization, identity)
    Authority(work.session, principal).require(
        _NOUN, Operation.EDIT, Target(organization_id=organization.id)
    )
    if "public_key" in values and principal.organization_id != organization.id:
        raise Forbidden(
            "Only members and nodes of an organization may change its public key; ask one of them.",
            field="public_key",
        )
    _apply(work, organization, values)
    work.commit()
    return organization


def _apply(work: UnitOfWork, organization: Organization, values: Mapping[str, Any]) -> None:
    name = values.get("name")
    if name is not None and is_taken(work.session, Organization.name, name, but=organization.id):
        raise Conflict(
            f"There is an organization named '{name}' already; choose another name.", field="name"
        )
    for key, value in values.items():
        if key == "public_key":
            organization.public_key_bytes = base64.b64decode(value)
        else:
            setattr(organization, key, value)


def require_delete(principal: Principal) -> None:
    """Demand the right to delete organizations, before anything else is looked at."""
    require_scope(principal, _NOUN, Operation.DELETE)


def remove(
    work: UnitOfWork, principal: Principal, identity: int, *, delete_dependents: bool
) -> None:
    """Delete an organization; with its runs, tasks, nodes, users and roles only when told to."""
    require_delete(principal)
    organization = find(work.session, Organization, identity)
    if organization.id == principal.organization_id:
        raise BadRequest("You cannot delete the organization you belong to.")
    if not delete_dependents and _has_dependents(work, organization.id):
        raise BadRequest(
            f"The organization '{organization.name}' still has runs, tasks, nodes, users or "
            "roles; delete them first, or repeat with delete_dependents=true.",
            field="delete_dependents",
        )
    deletion.delete_runs(work, Run.organization_id == organization.id)
    deletion.delete_tasks(work, Task.init_org_id == organization.id)
    deletion.delete_nodes(work.session, Node.organization_id == organization.id)
    deletion.delete_users(work.session, User.organization_id == organization.id)
    deletion.delete_roles(work.session, Role.organization_id == organization.id)
    deletion.delete_memberships(work.session, organization_id=organization.id)
    work.session.delete(organization)
    work.commit()


def _has_dependents(work: UnitOfWork, identity: int) -> bool:
    conditions = (
        Run.organization_id == identity,
        Task.init_org_id == identity,
        Node.organization_id == identity,
        User.organization_id == identity,
        Role.organization_id == identity,
    )
    return any(any_of(work.session, condition) for condition in conditions)
