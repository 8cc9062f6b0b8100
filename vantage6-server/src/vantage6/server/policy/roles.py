"""The roles every server has (contract, rbac section 1 and ``default-roles.csv``).

Their order is that of their ids on a fresh database. A test compares them with the contract's file.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from vantage6.common.enums import Operation, Scope
from vantage6.server.policy.principal import RuleKey
from vantage6.server.policy.rules import RULES

__all__ = ["DEFAULT_ROLES", "ROOT_ROLE", "RoleDefinition"]

ROOT_ROLE = "Root"

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


@dataclass(frozen=True)
class RoleDefinition:
    """A default role.

    Parameters
    ----------
    description : str
        What the role is for.
    rules : tuple of RuleKey
        What it allows.
    only_grows : bool
        Whether a start adds missing rules but leaves further ones; the others are reset.
    """

    description: str
    rules: tuple[RuleKey, ...]
    only_grows: bool = False


_DEFINITIONS: dict[str, RoleDefinition] = {
    ROOT_ROLE: RoleDefinition("Everything there is to do on this server", RULES),
    "container": RoleDefinition(
        "What running algorithms may do",
        (
            RuleKey("node", _ORG, _VIEW),
            RuleKey("collaboration", _ORG, _VIEW),
            RuleKey("organization", _ORG, _VIEW),
            RuleKey("organization", _COL, _VIEW),
            RuleKey("task", _COL, _VIEW),
            RuleKey("run", _COL, _VIEW),
            RuleKey("port", _ORG, _VIEW),
            RuleKey("study", _ORG, _VIEW),
        ),
        only_grows=True,
    ),
    "node": RoleDefinition(
        "What nodes may do",
        (
            RuleKey("node", _ORG, _VIEW),
            RuleKey("node", _ORG, _EDIT),
            RuleKey("collaboration", _ORG, _VIEW),
            RuleKey("organization", _ORG, _VIEW),
            RuleKey("organization", _COL, _VIEW),
            RuleKey("organization", _ORG, _EDIT),
            RuleKey("task", _COL, _VIEW),
            RuleKey("run", _COL, _VIEW),
            RuleKey("port", _ORG, _VIEW),
            RuleKey("study", _ORG, _VIEW),
        ),
        only_grows=True,
    ),
    "Viewer": RoleDefinition(
        "Look at the organization's collaborations, tasks and results",
        (
            RuleKey("node", _COL, _VIEW),
            RuleKey("node", _ORG, _VIEW),
            RuleKey("collaboration", _ORG, _VIEW),
            RuleKey("organization", _ORG, _VIEW),
            RuleKey("organization", _COL, _VIEW),
            RuleKey("task", _COL, _VIEW),
            RuleKey("run", _COL, _VIEW),
            RuleKey("user", _ORG, _VIEW),
            RuleKey("user", _OWN, _EDIT),
            RuleKey("user", _OWN, _DELETE),
            RuleKey("role", _ORG, _VIEW),
            RuleKey("port", _ORG, _VIEW),
            RuleKey("event", _ORG, _RECEIVE),
            RuleKey("event", _COL, _RECEIVE),
            RuleKey("study", _ORG, _VIEW),
        ),
    ),
    "Researcher": RoleDefinition(
        "Create tasks in the organization's collaborations and look at their results",
        (
            RuleKey("node", _COL, _VIEW),
            RuleKey("node", _ORG, _VIEW),
            RuleKey("collaboration", _ORG, _VIEW),
            RuleKey("organization", _ORG, _VIEW),
            RuleKey("organization", _COL, _VIEW),
            RuleKey("task", _COL, _VIEW),
            RuleKey("task", _COL, _CREATE),
            RuleKey("task", _ORG, _DELETE),
            RuleKey("run", _COL, _VIEW),
            RuleKey("user", _ORG, _VIEW),
            RuleKey("user", _OWN, _EDIT),
            RuleKey("user", _OWN, _DELETE),
            RuleKey("role", _ORG, _VIEW),
            RuleKey("port", _ORG, _VIEW),
            RuleKey("event", _ORG, _RECEIVE),
            RuleKey("event", _COL, _RECEIVE),
            RuleKey("study", _ORG, _VIEW),
        ),
    ),
    "Organization Admin": RoleDefinition(
        "Manage the organization with its users, roles and nodes",
        (
            RuleKey("node", _COL, _VIEW),
            RuleKey("node", _ORG, _VIEW),
            RuleKey("node", _ORG, _EDIT),
            RuleKey("node", _ORG, _CREATE),
            RuleKey("collaboration", _ORG, _VIEW),
            RuleKey("organization", _ORG, _VIEW),
            RuleKey("organization", _COL, _VIEW),
            RuleKey("organization", _ORG, _EDIT),
            RuleKey("task", _COL, _VIEW),
            RuleKey("run", _COL, _VIEW),
            RuleKey("user", _ORG, _VIEW),
            RuleKey("user", _ORG, _CREATE),
            RuleKey("user", _ORG, _EDIT),
            RuleKey("user", _OWN, _EDIT),
            RuleKey("user", _ORG, _DELETE),
            RuleKey("user", _OWN, _DELETE),
            RuleKey("role", _ORG, _VIEW),
            RuleKey("role", _ORG, _CREATE),
            RuleKey("role", _ORG, _EDIT),
            RuleKey("role", _ORG, _DELETE),
            RuleKey("port", _ORG, _VIEW),
            RuleKey("event", _ORG, _RECEIVE),
            RuleKey("event", _COL, _RECEIVE),
            RuleKey("event", _ORG, _SEND),
            RuleKey("study", _ORG, _VIEW),
        ),
    ),
    "Collaboration Admin": RoleDefinition(
        "Manage the collaborations of the organization with their studies, nodes and users",
        (
            RuleKey("node", _COL, _VIEW),
            RuleKey("node", _ORG, _VIEW),
            RuleKey("node", _ORG, _EDIT),
            RuleKey("node", _COL, _CREATE),
            RuleKey("node", _ORG, _CREATE),
            RuleKey("node", _COL, _DELETE),
            RuleKey("collaboration", _ORG, _VIEW),
            RuleKey("collaboration", _COL, _EDIT),
            RuleKey("organization", _GLO, _VIEW),
            RuleKey("organization", _ORG, _VIEW),
            RuleKey("organization", _COL, _VIEW),
            RuleKey("organization", _ORG, _EDIT),
            RuleKey("organization", _COL, _EDIT),
            RuleKey("task", _COL, _VIEW),
            RuleKey("task", _COL, _CREATE),
            RuleKey("task", _ORG, _DELETE),
            RuleKey("run", _COL, _VIEW),
            RuleKey("user", _COL, _VIEW),
            RuleKey("user", _ORG, _VIEW),
            RuleKey("user", _COL, _CREATE),
            RuleKey("user", _ORG, _CREATE),
            RuleKey("user", _COL, _EDIT),
            RuleKey("user", _ORG, _EDIT),
            RuleKey("user", _OWN, _EDIT),
            RuleKey("user", _ORG, _DELETE),
            RuleKey("user", _OWN, _DELETE),
            RuleKey("role", _COL, _VIEW),
            RuleKey("role", _ORG, _VIEW),
            RuleKey("role", _ORG, _CREATE),
            RuleKey("role", _ORG, _EDIT),
            RuleKey("role", _ORG, _DELETE),
            RuleKey("port", _ORG, _VIEW),
            RuleKey("event", _ORG, _RECEIVE),
            RuleKey("event", _COL, _RECEIVE),
            RuleKey("event", _ORG, _SEND),
            RuleKey("event", _COL, _SEND),
            RuleKey("study", _ORG, _VIEW),
            RuleKey("study", _COL, _VIEW),
            RuleKey("study", _COL, _EDIT),
            RuleKey("study", _COL, _CREATE),
            RuleKey("study", _COL, _DELETE),
        ),
    ),
}

DEFAULT_ROLES = MappingProxyType(_DEFINITIONS)
"""Name to definition, in id order."""
