"""Rules as SQL: which rows of a list the caller sees (contract, rbac section 3).

Every function returns a condition on its model, the union of what each rule held shows, and raises
`Forbidden` when no rule shows anything. Conditions hold subqueries, so a list costs one statement
however many collaborations the caller's organization is in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, false, literal, or_, select, true

from vantage6.common.enums import Operation, Scope
from vantage6.server.models import (
    AlgorithmStore,
    Collaboration,
    Member,
    Node,
    Organization,
    Permission,
    Role,
    Run,
    Study,
    StudyMember,
    Task,
    User,
)
from vantage6.server.policy.decide import scopes
from vantage6.server.policy.principal import ContainerPrincipal, Principal, UserPrincipal
from vantage6.server.services.errors import Forbidden

__all__ = [
    "algorithm_stores",
    "collaborations",
    "collaborations_of",
    "nodes",
    "organizations",
    "partners_of",
    "roles",
    "runs",
    "studies",
    "tasks",
    "users",
]

_Condition = ColumnElement[bool]


def collaborations_of(principal: Principal) -> Select[Any]:
    """Select the ids of the caller's collaborations.

    A container knows only the one in its token, although the reference shows it all of its
    organization's in lists (contract, rbac section 4, a quirk).
    """
    if isinstance(principal, ContainerPrincipal):
        return select(literal(principal.collaboration_id))
    return select(Member.c.collaboration_id).where(
        Member.c.organization_id == principal.organization_id
    )


def partners_of(principal: Principal) -> Select[Any]:
    """Select the ids of all organizations in the caller's collaborations."""
    return select(Member.c.organization_id).where(
        Member.c.collaboration_id.in_(collaborations_of(principal))
    )


def _union(
    principal: Principal,
    resource: str,
    shown: Mapping[Scope, Callable[[], _Condition]],
) -> _Condition:
    held = scopes(principal, resource, Operation.VIEW)
    if Scope.GLOBAL in held:
        return true()
    conditions = [condition() for scope, condition in shown.items() if scope in held]
    if not conditions:
        raise Forbidden(
            f"You lack the permission to view any {resource}; "
            "ask an administrator of your organization for a role that includes it."
        )
    return or_(*conditions)


def _own_user(principal: Principal, column: Any) -> _Condition:
    if not isinstance(principal, UserPrincipal):
        return false()
    return column == principal.user_id  # type: ignore[no-any-return]


def _in_collaboration_of_token(principal: Principal, column: Any) -> _Condition:
    if not isinstance(principal, ContainerPrincipal):
        return true()
    return column == principal.collaboration_id  # type: ignore[no-any-return]


def organizations(principal: Principal) -> _Condition:
    """Show all; the own one and all partners; or the own one."""
    own = Organization.id == principal.organization_id
    return _union(
        principal,
        "organization",
        {
            Scope.COLLABORATION: lambda: or_(own, Organization.id.in_(partners_of(principal))),
            Scope.ORGANIZATION: lambda: own,
        },
    )


def collaborations(principal: Principal) -> _Condition:
    """Show all, or those of the own organization."""
    return _union(
        principal,
        "collaboration",
        {Scope.ORGANIZATION: lambda: Collaboration.id.in_(collaborations_of(principal))},
    )


def studies(principal: Principal) -> _Condition:
    """Show all; those of the own collaborations; or those the own organization takes part in."""
    taking_part = select(StudyMember.c.study_id).where(
        StudyMember.c.organization_id == principal.organization_id
    )
    return _union(
        principal,
        "study",
        {
            Scope.COLLABORATION: lambda: Study.collaboration_id.in_(collaborations_of(principal)),
            Scope.ORGANIZATION: lambda: Study.id.in_(taking_part),
        },
    )


def nodes(principal: Principal) -> _Condition:
    """Show all; those in the own collaborations; or those of the own organization."""
    return _union(
        principal,
        "node",
        {
            Scope.COLLABORATION: lambda: Node.collaboration_id.in_(collaborations_of(principal)),
            Scope.ORGANIZATION: lambda: Node.organization_id == principal.organization_id,
        },
    )


def tasks(principal: Principal) -> _Condition:
    """Show all; those of the own collaborations; initiated by the own organization; or by oneself.

    A container sees its collaboration's only, whatever the scope.
    """
    return _in_collaboration_of_token(principal, Task.collaboration_id) & _union(
        principal,
        "task",
        {
            Scope.COLLABORATION: lambda: Task.collaboration_id.in_(collaborations_of(principal)),
            Scope.ORGANIZATION: lambda: Task.init_org_id == principal.organization_id,
            Scope.OWN: lambda: _own_user(principal, Task.init_user_id),
        },
    )


def runs(principal: Principal) -> _Condition:
    """Show all; those of the own collaborations; *executed* by the own organization; or one's own.

    Results are runs, too. A container sees its collaboration's only, whatever the scope.
    """

    def of_tasks(condition: _Condition) -> _Condition:
        # The task is looked up for each run that the other conditions leave, which are few.
        return exists().where(Task.id == Run.task_id, condition)

    shown = _union(
        principal,
        "run",
        {
            Scope.COLLABORATION: lambda: of_tasks(
                Task.collaboration_id.in_(collaborations_of(principal))
            ),
            Scope.ORGANIZATION: lambda: Run.organization_id == principal.organization_id,
            Scope.OWN: lambda: of_tasks(_own_user(principal, Task.init_user_id)),
        },
    )
    if isinstance(principal, ContainerPrincipal):
        return of_tasks(Task.collaboration_id == principal.collaboration_id) & shown
    # Runs without a task, as older servers left them, cannot be shown (contract, data-model 2).
    return Run.task_id.is_not(None) & shown


def users(principal: Principal) -> _Condition:
    """Show all; those of the own organization and all partners; or of the own organization."""
    own = User.organization_id == principal.organization_id
    return _union(
        principal,
        "user",
        {
            Scope.COLLABORATION: lambda: or_(own, User.organization_id.in_(partners_of(principal))),
            Scope.ORGANIZATION: lambda: own,
        },
    )


def roles(principal: Principal) -> _Condition:
    """Show the caller's own roles and, with a rule, those of the server and of organizations.

    The one list that is not refused without a rule (contract, rest-api 4.12).
    """
    held = scopes(principal, "role", Operation.VIEW)
    if Scope.GLOBAL in held:
        return true()
    conditions: list[_Condition] = []
    if isinstance(principal, UserPrincipal):
        assigned = select(Permission.c.role_id).where(Permission.c.user_id == principal.user_id)
        conditions.append(Role.id.in_(assigned))
    if Scope.COLLABORATION in held or Scope.ORGANIZATION in held:
        conditions.append(Role.organization_id.is_(None))
        conditions.append(Role.organization_id == principal.organization_id)
    if Scope.COLLABORATION in held:
        conditions.append(Role.organization_id.in_(partners_of(principal)))
    return or_(*conditions) if conditions else false()


def algorithm_stores(principal: Principal) -> _Condition:
    """Show all, or those of the own collaborations and those for every collaboration."""
    return _union(
        principal,
        "collaboration",
        {
            Scope.ORGANIZATION: lambda: or_(
                AlgorithmStore.collaboration_id.is_(None),
                AlgorithmStore.collaboration_id.in_(collaborations_of(principal)),
            )
        },
    )
