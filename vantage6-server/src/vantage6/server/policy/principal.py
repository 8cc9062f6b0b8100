"""Who is asking, and by which rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Union

from vantage6.common.enums import ClientType, Operation, Scope

__all__ = ["ContainerPrincipal", "NodePrincipal", "Principal", "RuleKey", "UserPrincipal"]


class RuleKey(NamedTuple):
    """What a rule says: resource, how far, which operation."""

    resource: str
    scope: Scope
    operation: Operation


@dataclass(frozen=True)
class UserPrincipal:
    """A person, with the rules of all roles and the direct ones."""

    kind: ClassVar[ClientType] = ClientType.USER

    user_id: int
    organization_id: int
    rules: frozenset[RuleKey] = frozenset()
    username: str = ""


@dataclass(frozen=True)
class NodePrincipal:
    """A node, with the rules of the role ``node``."""

    kind: ClassVar[ClientType] = ClientType.NODE

    node_id: int
    organization_id: int
    collaboration_id: int | None
    rules: frozenset[RuleKey] = frozenset()


@dataclass(frozen=True)
class ContainerPrincipal:
    """A running algorithm, as its token describes it, with the rules of the role ``container``."""

    kind: ClassVar[ClientType] = ClientType.CONTAINER

    node_id: int
    organization_id: int
    collaboration_id: int
    study_id: int | None
    store_id: int | None
    task_id: int
    image: str
    run_id: int | None = None
    databases: tuple[dict[str, Any], ...] = field(default=(), hash=False)
    rules: frozenset[RuleKey] = frozenset()


Principal = Union[UserPrincipal, NodePrincipal, ContainerPrincipal]  # noqa: UP007 - used at run time
