"""Links to algorithm stores."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from vantage6.server.models.base import Base

__all__ = ["AlgorithmStore"]


class AlgorithmStore(Base):
    """A store linked to one collaboration, or to all when `collaboration_id` is empty."""

    __tablename__ = "algorithmstore"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(nullable=True)
    url: Mapped[str] = mapped_column(nullable=True)
    collaboration_id: Mapped[int | None] = mapped_column(ForeignKey("collaboration.id"), index=True)
