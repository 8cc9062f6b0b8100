"""The tables, typed; no queries and no commits here (contract, data-model).

The contract leaves every column nullable. A type without ``None`` says that this server always
fills the column.
"""

from vantage6.server.models.associations import (
    Member,
    Permission,
    RoleRule,
    StudyMember,
    UserPermission,
)
from vantage6.server.models.base import Base, UtcDateTime
from vantage6.server.models.collaboration import Collaboration, Study
from vantage6.server.models.identity import Authenticatable, Node, NodeConfig, User
from vantage6.server.models.internal import Lease, ServerSecret
from vantage6.server.models.organization import Organization
from vantage6.server.models.role import Role, Rule
from vantage6.server.models.store import AlgorithmStore
from vantage6.server.models.task import AlgorithmPort, Run, Task, TaskDatabase

__all__ = [
    "AlgorithmPort",
    "AlgorithmStore",
    "Authenticatable",
    "Base",
    "Collaboration",
    "Lease",
    "Member",
    "Node",
    "NodeConfig",
    "Organization",
    "Permission",
    "Role",
    "RoleRule",
    "Rule",
    "Run",
    "ServerSecret",
    "Study",
    "StudyMember",
    "Task",
    "TaskDatabase",
    "User",
    "UserPermission",
    "UtcDateTime",
]
