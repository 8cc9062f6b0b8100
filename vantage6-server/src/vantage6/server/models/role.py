"""Rules, and roles as named sets of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Enum, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from vantage6.common.enums import Operation, Scope
from vantage6.server.models.associations import Permission, RoleRule
from vantage6.server.models.base import Base
from vantage6.server.models.organization import Organization

if TYPE_CHECKING:
    from vantage6.server.models.identity import User

__all__ = ["Role", "Rule"]


class Rule(Base):
    """One permission: what may be done to which resource, and how far that reaches."""

    __tablename__ = "rule"
    __table_args__ = (Index("ix_rule_key", "name", "scope", "operation", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text, nullable=True)
    operation: Mapped[Operation] = mapped_column(Enum(Operation, name="operation"), nullable=True)
    scope: Mapped[Scope] = mapped_column(Enum(Scope, name="scope"), nullable=True)
    description: Mapped[str | None]


class Role(Base):
    """A named set of rules; without an organization it belongs to the server."""

    __tablename__ = "role"
    __table_args__ = (
        # Instances that start together must not each add the default roles.
        Index(
            "ix_role_default_name",
            "name",
            unique=True,
            sqlite_where=text("is_default_role = 1"),
            postgresql_where=text("is_default_role"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text, nullable=True)
    description: Mapped[str | None] = mapped_column(Text)
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id"), index=True)
    is_default_role: Mapped[bool] = mapped_column(nullable=True, default=False)

    organization: Mapped[Organization | None] = relationship()
    rules: Mapped[list[Rule]] = relationship(secondary=RoleRule, order_by=Rule.id)
    users: Mapped[list[User]] = relationship(secondary=Permission, back_populates="roles")
