"""Organizations."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column, relationship

from vantage6.server.models.associations import Member, StudyMember
from vantage6.server.models.base import Base

if TYPE_CHECKING:
    from vantage6.server.models.collaboration import Collaboration, Study

__all__ = ["Organization"]


class Organization(Base):
    """A legal party that owns users, nodes and one key pair."""

    __tablename__ = "organization"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - the form SQLAlchemy documents

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(nullable=True, unique=True)
    domain: Mapped[str | None]
    address1: Mapped[str | None]
    address2: Mapped[str | None]
    zipcode: Mapped[str | None]
    country: Mapped[str | None]
    public_key_bytes: Mapped[bytes | None] = mapped_column("_public_key", LargeBinary)

    collaborations: Mapped[list[Collaboration]] = relationship(
        secondary=Member, back_populates="organizations"
    )
    studies: Mapped[list[Study]] = relationship(
        secondary=StudyMember, back_populates="organizations"
    )

    @property
    def public_key(self) -> str:
        """The key as the API shows it: base64 of the stored bytes, empty if there is none."""
        return base64.b64encode(self.public_key_bytes or b"").decode("ascii")
