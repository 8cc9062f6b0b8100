"""Users and nodes: who may log in. They share one id sequence, so an id never names both."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from vantage6.server.models.associations import Permission, UserPermission
from vantage6.server.models.base import Base
from vantage6.server.models.collaboration import Collaboration
from vantage6.server.models.organization import Organization
from vantage6.server.models.role import Role, Rule

__all__ = ["Authenticatable", "Node", "NodeConfig", "User"]


class Authenticatable(Base):
    """What users and nodes have in common."""

    __tablename__ = "authenticatable"
    # Ids are never used again: a token of a deleted account must not reach a new one.
    __table_args__: Any = {"sqlite_autoincrement": True}  # noqa: RUF012 - as SQLAlchemy documents
    __mapper_args__ = {"polymorphic_on": "type"}  # noqa: RUF012 - the form SQLAlchemy documents

    id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(String(50), nullable=True)
    ip: Mapped[str | None]
    last_seen: Mapped[datetime | None]
    status: Mapped[str | None]


class User(Authenticatable):
    """A person of an organization."""

    __tablename__ = "user"
    __mapper_args__ = {"polymorphic_identity": "user"}  # noqa: RUF012 - as above

    id: Mapped[int] = mapped_column(ForeignKey("authenticatable.id"), primary_key=True)
    username: Mapped[str] = mapped_column(nullable=True, unique=True)
    password: Mapped[str] = mapped_column(nullable=True)
    firstname: Mapped[str | None]
    lastname: Mapped[str | None]
    email: Mapped[str] = mapped_column(nullable=True, unique=True)
    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organization.id"), nullable=True, index=True
    )
    failed_login_attempts: Mapped[int | None] = mapped_column(default=0)
    last_login_attempt: Mapped[datetime | None]
    otp_secret: Mapped[str | None] = mapped_column(String(32))
    last_email_failed_login_sent: Mapped[datetime | None]
    last_email_recover_password_sent: Mapped[datetime | None]
    otp_last_step: Mapped[int | None]
    """Time step of the last code that let the user in; only later ones are accepted."""
    last_email_recover_2fa_sent: Mapped[datetime | None]

    organization: Mapped[Organization] = relationship()
    roles: Mapped[list[Role]] = relationship(
        secondary=Permission, back_populates="users", order_by=Role.id
    )
    rules: Mapped[list[Rule]] = relationship(secondary=UserPermission, order_by=Rule.id)


class Node(Authenticatable):
    """Our software at one organization, for one collaboration."""

    __tablename__ = "node"
    __mapper_args__ = {"polymorphic_identity": "node"}  # noqa: RUF012 - as above
    __table_args__ = (Index("ix_node_pair", "organization_id", "collaboration_id", unique=True),)

    id: Mapped[int] = mapped_column(ForeignKey("authenticatable.id"), primary_key=True)
    name: Mapped[str] = mapped_column(nullable=True, unique=True)
    api_key: Mapped[str | None]
    """bcrypt hash in databases of older releases, until the node logs in again."""
    api_key_digest: Mapped[str | None] = mapped_column(String(64), unique=True, index=True)
    """HMAC-SHA256 of the key, by which a login finds its node."""
    collaboration_id: Mapped[int | None] = mapped_column(ForeignKey("collaboration.id"), index=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"), nullable=True)

    organization: Mapped[Organization] = relationship()
    collaboration: Mapped[Collaboration | None] = relationship()
    config: Mapped[list[NodeConfig]] = relationship(
        back_populates="node", cascade="all, delete-orphan", order_by="NodeConfig.id"
    )


class NodeConfig(Base):
    """One thing a connected node shares about itself; several rows may share a key."""

    __tablename__ = "nodeconfig"

    id: Mapped[int] = mapped_column(primary_key=True)
    node_id: Mapped[int] = mapped_column(ForeignKey("node.id"), nullable=True, index=True)
    key: Mapped[str] = mapped_column(nullable=True)
    value: Mapped[str | None]

    node: Mapped[Node] = relationship(back_populates="config")
