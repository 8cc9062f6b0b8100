"""Collaborations and studies."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from vantage6.server.models.associations import Member, StudyMember
from vantage6.server.models.base import Base
from vantage6.server.models.organization import Organization

__all__ = ["Collaboration", "Study"]


class Collaboration(Base):
    """Organizations that agreed to work together; encrypted or not."""

    __tablename__ = "collaboration"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - the form SQLAlchemy documents

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(nullable=True, unique=True)
    encrypted: Mapped[bool] = mapped_column(nullable=True, default=True)

    organizations: Mapped[list[Organization]] = relationship(
        secondary=Member, back_populates="collaborations", order_by=Organization.id
    )
    studies: Mapped[list[Study]] = relationship(back_populates="collaboration")


class Study(Base):
    """A subset of a collaboration's organizations for one question."""

    __tablename__ = "study"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - the form SQLAlchemy documents

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(nullable=True, unique=True)
    collaboration_id: Mapped[int] = mapped_column(
        ForeignKey("collaboration.id"), nullable=True, index=True
    )

    collaboration: Mapped[Collaboration] = relationship(back_populates="studies")
    organizations: Mapped[list[Organization]] = relationship(
        secondary=StudyMember, back_populates="studies", order_by=Organization.id
    )
