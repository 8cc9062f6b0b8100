"""Studies and their members (contract, rest-api section 4.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import selectinload

from vantage6.common.enums import Operation, Scope
from vantage6.server.models import Collaboration, Organization, Study, Task
from vantage6.server.policy import visible
from vantage6.server.policy.decide import SCOPES, Target, widest
from vantage6.server.policy.principal import Principal
from vantage6.server.repositories import deletion
from vantage6.server.repositories.records import (
    any_of,
    by_ids,
    find,
    is_taken,
    member_ids,
    study_member_ids,
)
from vantage6.server.repositories.unit_of_work import UnitOfWork
from vantage6.server.services.authority import Authority
from vantage6.server.services.collaborations import Body
from vantage6.server.services.errors import BadRequest, Conflict, Forbidden

__all__ = [
    "StudyFilter",
    "add_member",
    "change",
    "create",
    "get",
    "listing",
    "remove",
    "remove_member",
]

_NOUN = "study"
_WITH_MEMBERS = selectinload(Study.organizations)


@dataclass(frozen=True)
class StudyFilter:
    """What a list of studies is narrowed to."""

    name: str | None = None
    organization_id: int | None = None
    collaboration_id: int | None = None
    with_organizations: bool = False


def listing(work: UnitOfWork, principal: Principal, wanted: StudyFilter) -> Select[Study]:
    """Select the visible studies that pass the filter."""
    statement = select(Study).where(visible.studies(principal))
    if wanted.name is not None:
        statement = statement.where(Study.name.like(wanted.name))
    if wanted.organization_id is not None:
        _require_organization_filter(principal, wanted.organization_id)
        statement = statement.where(
            Study.organizations.any(Organization.id == wanted.organization_id)
        )
    if wanted.collaboration_id is not None:
        _require_collaboration_filter(work, principal, wanted.collaboration_id)
        statement = statement.where(Study.collaboration_id == wanted.collaboration_id)
    return statement.options(_WITH_MEMBERS) if wanted.with_organizations else statement


def _require_organization_filter(principal: Principal, organization_id: int) -> None:
    held = widest(principal, _NOUN, Operation.VIEW)
    wide = held is not None and SCOPES.index(held) >= SCOPES.index(Scope.COLLABORATION)
    if not wide and organization_id != principal.organization_id:
        raise Forbidden(
            "You may only ask for the studies of your own organization; "
            "leave the parameter 'organization_id' out.",
            field="organization_id",
        )


def _require_collaboration_filter(
    work: UnitOfWork, principal: Principal, collaboration_id: int
) -> None:
    members = member_ids(work.session, collaboration_id)
    target = Target(collaboration_id=collaboration_id, member_ids=members)
    Authority(work.session, principal).require(_NOUN, Operation.VIEW, target)


def get(
    work: UnitOfWork, principal: Principal, identity: int, *, with_organizations: bool = False
) -> Study:
    """Return one study the caller may see."""
    options = [_WITH_MEMBERS] if with_organizations else []
    study = find(work.session, Study, identity, *options)
    Authority(work.session, principal).require(_NOUN, Operation.VIEW, _target(work, study))
    return study


def create(work: UnitOfWork, principal: Principal, values: Mapping[str, Any]) -> Study:
    """Create a study of organizations that are all in its collaboration."""
    _refuse_taken_name(work, values["name"])
    collaboration_id = values["collaboration_id"]
    Authority(work.session, principal).require(
        _NOUN, Operation.CREATE, Target(collaboration_id=collaboration_id)
    )
    collaboration = find(work.session, Collaboration, collaboration_id)
    study = Study(
        name=values["name"],
        collaboration_id=collaboration.id,
        organizations=_members(work, collaboration.id, values["organization_ids"]),
    )
    work.session.add(study)
    work.commit()
    return study


def change(work: UnitOfWork, principal: Principal, identity: int, body: Body) -> Study:
    """Change the name or the members of a study; null leaves them."""
    study = find(work.session, Study, identity, _WITH_MEMBERS)
    Authority(work.session, principal).require(_NOUN, Operation.EDIT, _target(work, study))
    values = body()
    name, organization_ids = values.get("name"), values.get("organization_ids")
    if name is not None:
        _refuse_taken_name(work, name, but=study.id)
        study.name = name
    if organization_ids is not None:
        study.organizations = _members(work, study.collaboration_id, organization_ids)
    work.commit()
    return study


def remove(
    work: UnitOfWork, principal: Principal, identity: int, *, delete_dependents: bool
) -> None:
    """Delete a study; with its tasks only when told to."""
    study = find(work.session, Study, identity)
    Authority(work.session, principal).require(_NOUN, Operation.DELETE, _target(work, study))
    if not delete_dependents and any_of(work.session, Task.study_id == study.id):
        raise BadRequest(
            f"The study '{study.name}' still has tasks; delete them first, or repeat with "
            "delete_dependents=true.",
            field="delete_dependents",
        )
    deletion.delete_studies(work, Study.id == study.id)
    work.commit()


def add_member(
    work: UnitOfWork, principal: Principal, identity: int, body: Body
) -> list[Organization]:
    """Add an organization of the collaboration and return all members."""
    study = find(work.session, Study, identity, _WITH_MEMBERS)
    _require_member_edit(work, principal, study)
    organization = find(work.session, Organization, body()["id"])
    _members(work, study.collaboration_id, [organization.id])
    if organization not in study.organizations:
        study.organizations.append(organization)
    work.commit()
    return sorted(study.organizations, key=lambda item: item.id)


def remove_member(
    work: UnitOfWork, principal: Principal, identity: int, body: Body
) -> list[Organization]:
    """Take an organization out and return the remaining members."""
    study = find(work.session, Study, identity, _WITH_MEMBERS)
    organization = find(work.session, Organization, body()["id"])
    _require_member_edit(work, principal, study)
    if organization not in study.organizations:
        raise BadRequest(
            f"The organization '{organization.name}' is not a member of the study "
            f"'{study.name}'; there is nothing to remove."
        )
    study.organizations.remove(organization)
    work.commit()
    return study.organizations


def _require_member_edit(work: UnitOfWork, principal: Principal, study: Study) -> None:
    # Organization scope is not enough here, unlike for the study itself (contract, rbac section 3).
    Authority(work.session, principal).require(
        _NOUN, Operation.EDIT, Target(collaboration_id=study.collaboration_id)
    )


def _target(work: UnitOfWork, study: Study) -> Target:
    return Target(
        collaboration_id=study.collaboration_id,
        member_ids=study_member_ids(work.session, study.id),
    )


def _members(
    work: UnitOfWork, collaboration_id: int, identities: Iterable[int]
) -> list[Organization]:
    outside = set(identities) - member_ids(work.session, collaboration_id)
    if outside:
        listed = ", ".join(str(identity) for identity in sorted(outside))
        raise BadRequest(
            f"The organizations with id {listed} are not in the study's collaboration; "
            "add them to it first, or leave them out.",
            field="organization_ids",
        )
    return list(by_ids(work.session, Organization, identities))


def _refuse_taken_name(work: UnitOfWork, name: str, *, but: int | None = None) -> None:
    if is_taken(work.session, Study.name, name, but=but):
        raise Conflict(
            f"There is a study named '{name}' already; choose another name.", field="name"
        )
