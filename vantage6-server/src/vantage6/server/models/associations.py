"""Tables that only connect two others; names in the exact case of the contract.

A pair occurs once. The second column has an index of its own, because look-ups go both ways.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table

from vantage6.server.models.base import Base

__all__ = ["Member", "Permission", "RoleRule", "StudyMember", "UserPermission"]


def _association(name: str, first: tuple[str, str], second: tuple[str, str]) -> Table:
    prefix = name.lower()
    return Table(
        name,
        Base.metadata,
        Column(first[0], Integer, ForeignKey(first[1])),
        Column(second[0], Integer, ForeignKey(second[1])),
        Index(f"ix_{prefix}_pair", first[0], second[0], unique=True),
        Index(f"ix_{prefix}_{second[0]}", second[0]),
    )


Member = _association(
    "Member",
    ("organization_id", "organization.id"),
    ("collaboration_id", "collaboration.id"),
)
StudyMember = _association(
    "StudyMember",
    ("organization_id", "organization.id"),
    ("study_id", "study.id"),
)
Permission = _association("Permission", ("role_id", "role.id"), ("user_id", "user.id"))
UserPermission = _association("UserPermission", ("rule_id", "rule.id"), ("user_id", "user.id"))
RoleRule = _association("role_rule_association", ("role_id", "role.id"), ("rule_id", "rule.id"))
