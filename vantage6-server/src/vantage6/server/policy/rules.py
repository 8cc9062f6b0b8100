"""All rules there are, in the order of their ids on a fresh database (contract, rbac section 1).

This table is the only place that lists them; a test compares it with the contract's file.
"""

from __future__ import annotations

from vantage6.common.enums import Operation, Scope
from vantage6.server.policy.principal import RuleKey

__all__ = ["RULES", "describe"]

_OWN = Scope.OWN
_ORG = Scope.ORGANIZATION
_COL = Scope.COLLABORATION
_GLO = Scope.GLOBAL

_VIEW = Operation.VIEW
_EDIT = Operation.EDIT
_CREATE = Operation.CREATE
_DELETE = Operation.DELETE
_SEND = Operation.SEND
_RECEIVE = Operation.RECEIVE

_BY_RESOURCE: tuple[tuple[str, tuple[tuple[Scope, Operation], ...]], ...] = (
    (
        "node",
        (
            (_GLO, _VIEW),
            (_COL, _VIEW),
            (_ORG, _VIEW),
            (_GLO, _EDIT),
            (_COL, _EDIT),
            (_ORG, _EDIT),
            (_GLO, _CREATE),
            (_COL, _CREATE),
            (_ORG, _CREATE),
            (_GLO, _DELETE),
            (_COL, _DELETE),
            (_ORG, _DELETE),
        ),
    ),
    (
        "collaboration",
        (
            (_GLO, _VIEW),
            (_ORG, _VIEW),
            (_GLO, _EDIT),
            (_COL, _EDIT),
            (_GLO, _CREATE),
            (_GLO, _DELETE),
            (_COL, _DELETE),
        ),
    ),
    (
        "organization",
        (
            (_GLO, _VIEW),
            (_ORG, _VIEW),
            (_COL, _VIEW),
            (_GLO, _EDIT),
            (_ORG, _EDIT),
            (_COL, _EDIT),
            (_GLO, _CREATE),
            (_GLO, _DELETE),
        ),
    ),
    (
        "task",
        (
            (_GLO, _VIEW),
            (_COL, _VIEW),
            (_ORG, _VIEW),
            (_OWN, _VIEW),
            (_GLO, _CREATE),
            (_COL, _CREATE),
            (_GLO, _DELETE),
            (_COL, _DELETE),
            (_ORG, _DELETE),
            (_OWN, _DELETE),
        ),
    ),
    (
        "run",
        (
            (_GLO, _VIEW),
            (_COL, _VIEW),
            (_ORG, _VIEW),
            (_OWN, _VIEW),
        ),
    ),
    (
        "user",
        (
            (_GLO, _VIEW),
            (_COL, _VIEW),
            (_ORG, _VIEW),
            (_GLO, _CREATE),
            (_COL, _CREATE),
            (_ORG, _CREATE),
            (_GLO, _EDIT),
            (_COL, _EDIT),
            (_ORG, _EDIT),
            (_OWN, _EDIT),
            (_GLO, _DELETE),
            (_COL, _DELETE),
            (_ORG, _DELETE),
            (_OWN, _DELETE),
        ),
    ),
    (
        "role",
        (
            (_GLO, _VIEW),
            (_COL, _VIEW),
            (_ORG, _VIEW),
            (_GLO, _CREATE),
            (_COL, _CREATE),
            (_ORG, _CREATE),
            (_GLO, _EDIT),
            (_COL, _EDIT),
            (_ORG, _EDIT),
            (_GLO, _DELETE),
            (_COL, _DELETE),
            (_ORG, _DELETE),
        ),
    ),
    (
        "port",
        (
            (_GLO, _VIEW),
            (_ORG, _VIEW),
        ),
    ),
    (
        "event",
        (
            (_ORG, _RECEIVE),
            (_COL, _RECEIVE),
            (_GLO, _RECEIVE),
            (_ORG, _SEND),
            (_COL, _SEND),
            (_GLO, _SEND),
        ),
    ),
    (
        "study",
        (
            (_GLO, _VIEW),
            (_ORG, _VIEW),
            (_COL, _VIEW),
            (_GLO, _EDIT),
            (_COL, _EDIT),
            (_ORG, _EDIT),
            (_GLO, _CREATE),
            (_COL, _CREATE),
            (_GLO, _DELETE),
            (_COL, _DELETE),
            (_ORG, _DELETE),
        ),
    ),
)

RULES: tuple[RuleKey, ...] = tuple(
    RuleKey(resource, scope, operation)
    for resource, pairs in _BY_RESOURCE
    for scope, operation in pairs
)
"""Resource by resource; the position plus one is the id on a fresh database."""

_REACH = {
    Scope.OWN: "of your own",
    Scope.ORGANIZATION: "of your organization",
    Scope.COLLABORATION: "in your organization's collaborations",
    Scope.GLOBAL: "of everyone",
}


def describe(rule: RuleKey) -> str:
    """Say in words what a rule allows."""
    noun = {"study": "studies"}.get(rule.resource, f"{rule.resource}s")
    return f"{rule.operation.value.capitalize()} {noun} {_REACH[rule.scope]}"
