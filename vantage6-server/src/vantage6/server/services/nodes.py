"""Nodes (contract, rest-api section 4.7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import selectinload

from vantage6.common.enums import AuthStatus, Operation
from vantage6.server.models import Collaboration, Node, Organization, Study, StudyMember
from vantage6.server.policy import visible
from vantage6.server.policy.decide import Target
from vantage6.server.policy.principal import Principal, UserPrincipal
from vantage6.server.repositories import deletion
from vantage6.server.repositories.records import (
    any_of,
    find,
    is_member,
    is_taken,
    named_in_query,
)
from vantage6.server.repositories.unit_of_work import UnitOfWork
from vantage6.server.services.authority import Authority
from vantage6.server.services.errors import BadRequest, Conflict
from vantage6.server.services.tokens import give_api_key

__all__ = [
    "NewNode",
    "NodeFilter",
    "change",
    "create",
    "get",
    "listing",
    "remove",
    "reset_api_key",
]

_NOUN = "node"
_WITH_CONFIG = selectinload(Node.config)


@dataclass(frozen=True)
class NodeFilter:
    """What a list of nodes is narrowed to."""

    name: str | None = None
    organization_id: int | None = None
    collaboration_id: int | None = None
    study_id: int | None = None
    status: str | None = None
    ip: str | None = None
    last_seen_from: datetime | None = None
    last_seen_till: datetime | None = None


@dataclass(frozen=True)
class NewNode:
    """A node just registered, and its key, which is shown this once."""

    node: Node
    api_key: str


def listing(work: UnitOfWork, principal: Principal, wanted: NodeFilter) -> Select[Node]:
    """Select the visible nodes that pass the filter."""
    statement = select(Node).where(visible.nodes(principal)).options(_WITH_CONFIG)
    authority = Authority(work.session, principal)
    if wanted.name is not None:
        statement = statement.where(Node.name.like(wanted.name))
    if wanted.organization_id is not None:
        target = Target(organization_id=wanted.organization_id)
        authority.require(_NOUN, Operation.VIEW, target)
        statement = statement.where(Node.organization_id == wanted.organization_id)
    if wanted.collaboration_id is not None:
        target = Target(collaboration_id=wanted.collaboration_id)
        authority.require(_NOUN, Operation.VIEW, target)
        statement = statement.where(Node.collaboration_id == wanted.collaboration_id)
    if wanted.study_id is not None:
        study = named_in_query(work.session, Study, wanted.study_id, "study_id")
        target = Target(collaboration_id=study.collaboration_id)
        authority.require(_NOUN, Operation.VIEW, target)
        members = select(StudyMember.c.organization_id).where(StudyMember.c.study_id == study.id)
        statement = statement.where(
            Node.collaboration_id == study.collaboration_id, Node.organization_id.in_(members)
        )
    return _narrow_by_state(statement, wanted)


def _narrow_by_state(statement: Select[Node], wanted: NodeFilter) -> Select[Node]:
    if wanted.status is not None:
        statement = statement.where(Node.status == wanted.status)
    if wanted.ip is not None:
        statement = statement.where(Node.ip == wanted.ip)
    if wanted.last_seen_from is not None:
        statement = statement.where(Node.last_seen >= wanted.last_seen_from)
    if wanted.last_seen_till is not None:
        statement = statement.where(Node.last_seen <= wanted.last_seen_till)
    return statement


def get(work: UnitOfWork, principal: Principal, identity: int) -> Node:
    """Return one node the caller may see."""
    return _allowed(work, principal, identity, Operation.VIEW)


def create(work: UnitOfWork, principal: UserPrincipal, values: Mapping[str, Any]) -> NewNode:
    """Register a node of an organization for a collaboration it is a member of."""
    collaboration = find(work.session, Collaboration, values["collaboration_id"])
    organization_id = values.get("organization_id") or principal.organization_id
    organization = find(work.session, Organization, organization_id)
    Authority(work.session, principal).require(
        _NOUN, Operation.CREATE, Target(organization_id=organization.id)
    )
    _refuse_impossible_pair(work, organization, collaboration)
    name = values.get("name") or f"{organization.name} - {collaboration.name} Node"
    _refuse_taken_name(work, name)
    node = Node(
        name=name,
        organization_id=organization.id,
        collaboration_id=collaboration.id,
        status=AuthStatus.OFFLINE.value,
        config=[],
    )
    api_key = give_api_key(work.session, node)
    work.session.add(node)
    work.commit()
    return NewNode(node, api_key)


def _refuse_impossible_pair(
    work: UnitOfWork, organization: Organization, collaboration: Collaboration
) -> None:
    if not is_member(work.session, collaboration.id, organization.id):
        raise BadRequest(
            f"The organization '{organization.name}' is not a member of the collaboration "
            f"'{collaboration.name}'; add it first.",
            field="organization_id",
        )
    pair = (Node.organization_id == organization.id) & (Node.collaboration_id == collaboration.id)
    if any_of(work.session, pair):
        raise Conflict(
            f"The organization '{organization.name}' has a node in the collaboration "
            f"'{collaboration.name}' already; use or delete that one."
        )


def change(
    work: UnitOfWork, principal: Principal, identity: int, values: Mapping[str, Any]
) -> Node:
    """Change the name or the VPN address of a node; an address wins over clearing it."""
    for key in ("organization_id", "collaboration_id"):
        if key in values:
            raise BadRequest(
                f"The '{key}' of a node cannot be changed; leave it out, or move the node "
                "through its collaboration.",
                field=key,
            )
    node = _allowed(work, principal, identity, Operation.EDIT)
    name = values.get("name")
    if name is not None:
        _refuse_taken_name(work, name, but=node.id)
        node.name = name
    if values.get("ip") is not None:
        node.ip = str(values["ip"])
    elif values.get("clear_ip"):
        node.ip = None
    work.commit()
    return node


def remove(work: UnitOfWork, principal: Principal, identity: int) -> None:
    """Delete a node with what it shared; its runs stay."""
    node = _allowed(work, principal, identity, Operation.DELETE)
    deletion.delete_nodes(work.session, Node.id == node.id)
    work.commit()


def reset_api_key(work: UnitOfWork, principal: Principal, identity: int) -> str:
    """Give a node a new key and return it; the old one stops working."""
    node = _allowed(work, principal, identity, Operation.EDIT)
    api_key = give_api_key(work.session, node)
    work.commit()
    return api_key


def _allowed(work: UnitOfWork, principal: Principal, identity: int, operation: Operation) -> Node:
    node = find(work.session, Node, identity, _WITH_CONFIG)
    Authority(work.session, principal).require(
        _NOUN, operation, Target(organization_id=node.organization_id)
    )
    return node


def _refuse_taken_name(work: UnitOfWork, name: str, *, but: int | None = None) -> None:
    if is_taken(work.session, Node.name, name, but=but):
        raise Conflict(
            f"There is a node named '{name}' already; choose another name.", field="name"
        )
