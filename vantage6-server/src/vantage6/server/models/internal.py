"""Tables of our own that no peer sees."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from vantage6.server.models.base import Base

__all__ = ["Lease", "ServerSecret"]


class ServerSecret(Base):
    """A random value made at the first start and shared by all instances on this database."""

    __tablename__ = "server_secret"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str]


class Lease(Base):
    """Permission for one instance at a time to do a periodic job."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder: Mapped[str]
    expires_at: Mapped[datetime]
