"""Collaborations, their members and their nodes (contract, rest-api section 4.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import selectinload

from vantage6.common.enums import Operation
from vantage6.server.models import (
    AlgorithmStore,
    Collaboration,
    Node,
    Organization,
    Study,
    Task,
)
from vantage6.server.policy import visible
from vantage6.server.policy.decide import Target, require_scope
from vantage6.server.policy.principal import Principal
from vantage6.server.repositories import deletion
from vantage6.server.repositories.records import (
    any_of,
    by_ids,
    find,
    is_member,
    is_taken,
    member_ids,
)
from vantage6.server.repositories.unit_of_work import UnitOfWork
from vantage6.server.services.authority import Authority
from vantage6.server.services.errors import BadRequest, Conflict, Forbidden

__all__ = [
    "CollaborationFilter",
    "add_member",
    "add_node",
    "change",
    "create",
    "get",
    "listing",
    "remove",
    "remove_member",
    "remove_node",
]

_NOUN = "collaboration"
_WITH_MEMBERS = selectinload(Collaboration.organizations)

Body = Callable[[], Mapping[str, Any]]
"""Gives the body, or complains about it at the moment the contract says."""


@dataclass(frozen=True)
class CollaborationFilter:
    """What a list of collaborations is narrowed to."""

    name: str | None = None
    encrypted: bool | None = None
    organization_id: int | None = None
    algorithm_store_id: int | None = None
    with_organizations: bool = False


def listing(
    work: UnitOfWork, principal: Principal, wanted: CollaborationFilter
) -> Select[Collaboration]:
    """Select the visible collaborations that pass the filter."""
    statement = select(Collaboration).where(visible.collaborations(principal))
    if wanted.name is not None:
        statement = statement.where(Collaboration.name.like(wanted.name))
    if wanted.encrypted is not None:
        statement = statement.where(Collaboration.encrypted.is_(wanted.encrypted))
    if wanted.organization_id is not None:
        Authority(work.session, principal).require(
            _NOUN, Operation.VIEW, Target(organization_id=wanted.organization_id)
        )
        statement = statement.where(
            Collaboration.organizations.any(Organization.id == wanted.organization_id)
        )
    if wanted.algorithm_store_id is not None:
        store = find(
            work.session, AlgorithmStore, wanted.algorithm_store_id, noun="algorithm store"
        )
        if store.collaboration_id is not None:
            statement = statement.where(Collaboration.id == store.collaboration_id)
    return statement.options(_WITH_MEMBERS) if wanted.with_organizations else statement


def get(
    work: UnitOfWork, principal: Principal, identity: int, *, with_organizations: bool = False
) -> Collaboration:
    """Return one collaboration the caller may see."""
    options = [_WITH_MEMBERS] if with_organizations else []
    collaboration = find(work.session, Collaboration, identity, *options)
    members = member_ids(work.session, collaboration.id)
    Authority(work.session, principal).require(
        _NOUN, Operation.VIEW, Target(collaboration_id=collaboration.id, member_ids=members)
    )
    return collaboration


def create(work: UnitOfWork, principal: Principal, values: Mapping[str, Any]) -> Collaboration:
    """Create a collaboration; unknown organizations are passed over."""
    _refuse_taken_name(work, values["name"])
    require_scope(principal, _NOUN, Operation.CREATE)
    collaboration = Collaboration(
        name=values["name"],
        encrypted=values["encrypted"],
        organizations=list(by_ids(work.session, Organization, values["organization_ids"])),
    )
    work.session.add(collaboration)
    work.commit()
    return collaboration


def change(work: UnitOfWork, principal: Principal, identity: int, body: Body) -> Collaboration:
    """Change a collaboration; its member list only with the right to edit all."""
    collaboration, authority = _editable(work, principal, identity)
    values = body()
    if "name" in values:
        _refuse_taken_name(work, values["name"], but=collaboration.id)
        collaboration.name = values["name"]
    if "encrypted" in values:
        collaboration.encrypted = values["encrypted"]
    if "organization_ids" in values:
        if not authority.has_global(_NOUN, Operation.EDIT):
            raise Forbidden(
                "Only those who may edit all collaborations can replace the list of members; "
                "add or remove single organizations instead.",
                field="organization_ids",
            )
        _replace_members(work, collaboration, values["organization_ids"])
    work.commit()
    return collaboration


def _replace_members(
    work: UnitOfWork, collaboration: Collaboration, identities: Sequence[int]
) -> None:
    wanted = list(by_ids(work.session, Organization, identities))
    leaving = member_ids(work.session, collaboration.id) - {item.id for item in wanted}
    for organization_id in leaving:
        deletion.delete_memberships(
            work.session, organization_id=organization_id, collaboration_id=collaboration.id
        )
    collaboration.organizations = wanted


def remove(
    work: UnitOfWork, principal: Principal, identity: int, *, delete_dependents: bool
) -> None:
    """Delete a collaboration; with its tasks, nodes and studies only when told to.

    Links to algorithm stores go in any case: without collaboration they would count for all.
    """
    collaboration = find(work.session, Collaboration, identity)
    Authority(work.session, principal).require(
        _NOUN, Operation.DELETE, Target(collaboration_id=collaboration.id)
    )
    if not delete_dependents and _has_dependents(work, collaboration.id):
        raise BadRequest(
            f"The collaboration '{collaboration.name}' still has tasks, nodes or studies; "
            "delete them first, or repeat with delete_dependents=true.",
            field="delete_dependents",
        )
    deletion.delete_tasks(work, Task.collaboration_id == collaboration.id)
    deletion.delete_nodes(work.session, Node.collaboration_id == collaboration.id)
    deletion.delete_studies(work, Study.collaboration_id == collaboration.id)
    deletion.delete_algorithm_stores(
        work.session, AlgorithmStore.collaboration_id == collaboration.id
    )
    deletion.delete_memberships(work.session, collaboration_id=collaboration.id)
    work.session.delete(collaboration)
    work.commit()


def _has_dependents(work: UnitOfWork, identity: int) -> bool:
    conditions = (
        Task.collaboration_id == identity,
        Node.collaboration_id == identity,
        Study.collaboration_id == identity,
    )
    return any(any_of(work.session, condition) for condition in conditions)


def add_member(
    work: UnitOfWork, principal: Principal, identity: int, body: Body
) -> list[Organization]:
    """Add an organization and return all members; adding one twice changes nothing."""
    collaboration, _ = _editable(work, principal, identity, _WITH_MEMBERS)
    organization = find(work.session, Organization, body()["id"])
    if organization not in collaboration.organizations:
        collaboration.organizations.append(organization)
    work.commit()
    return sorted(collaboration.organizations, key=lambda item: item.id)


def remove_member(
    work: UnitOfWork, principal: Principal, identity: int, body: Body
) -> list[Organization]:
    """Take an organization out, also out of the studies, and return the remaining members."""
    collaboration = find(work.session, Collaboration, identity)
    organization = find(work.session, Organization, body()["id"])
    _require_edit(work, principal, collaboration)
    if not is_member(work.session, collaboration.id, organization.id):
        raise BadRequest(
            f"The organization '{organization.name}' is not a member of the collaboration "
            f"'{collaboration.name}'; there is nothing to remove."
        )
    deletion.delete_memberships(
        work.session, organization_id=organization.id, collaboration_id=collaboration.id
    )
    work.session.refresh(collaboration, ["organizations"])
    work.commit()
    return collaboration.organizations


def add_node(work: UnitOfWork, principal: Principal, identity: int, body: Body) -> Sequence[Node]:
    """Move a node here and return all nodes of the collaboration."""
    collaboration, _ = _editable(work, principal, identity)
    node = find(work.session, Node, body()["id"])
    if node.collaboration_id == collaboration.id:
        raise BadRequest(f"The node '{node.name}' is in this collaboration already.")
    if not is_member(work.session, collaboration.id, node.organization_id):
        raise BadRequest(
            f"The organization of the node '{node.name}' is not a member of the collaboration "
            f"'{collaboration.name}'; add it first."
        )
    same_pair = (Node.collaboration_id == collaboration.id) & (
        Node.organization_id == node.organization_id
    )
    if any_of(work.session, same_pair):
        raise BadRequest(
            f"The organization of the node '{node.name}' has another node in the collaboration "
            f"'{collaboration.name}' already; delete that one first."
        )
    node.collaboration_id = collaboration.id
    work.flush()
    nodes = work.session.scalars(
        select(Node).where(Node.collaboration_id == collaboration.id).order_by(Node.id)
    ).all()
    work.commit()
    return nodes


def remove_node(work: UnitOfWork, principal: Principal, identity: int, body: Body) -> None:
    """Take a node out of the collaboration; it stays, without a collaboration."""
    collaboration, _ = _editable(work, principal, identity)
    node = find(work.session, Node, body()["id"])
    if node.collaboration_id != collaboration.id:
        raise BadRequest(
            f"The node '{node.name}' is not in the collaboration '{collaboration.name}'; "
            "there is nothing to remove."
        )
    node.collaboration_id = None
    work.commit()


def _editable(
    work: UnitOfWork, principal: Principal, identity: int, *options: Any
) -> tuple[Collaboration, Authority]:
    collaboration = find(work.session, Collaboration, identity, *options)
    return collaboration, _require_edit(work, principal, collaboration)


def _require_edit(
    work: UnitOfWork, principal: Principal, collaboration: Collaboration
) -> Authority:
    authority = Authority(work.session, principal)
    authority.require(_NOUN, Operation.EDIT, Target(collaboration_id=collaboration.id))
    return authority


def _refuse_taken_name(work: UnitOfWork, name: str, *, but: int | None = None) -> None:
    if is_taken(work.session, Collaboration.name, name, but=but):
        raise Conflict(
            f"There is a collaboration named '{name}' already; choose another name.", field="name"
        )
