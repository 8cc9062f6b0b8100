"""One transaction, and the events that follow from it."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from vantage6.server.repositories.database import Database

__all__ = ["OpenWork", "Publisher", "UnitOfWork"]


class Publisher(Protocol):
    """Where events go once they are true; ``events.bus.EventBus`` is one."""

    def publish(self, event: object) -> None:
        """Hand one event to whoever listens."""
        ...


class UnitOfWork:
    """A session whose changes are stored together or not at all.

    Only :meth:`commit` stores anything; leaving the context without it rolls back. Events are
    recorded along the way and given to the bus after the commit, so nobody hears of something
    that did not happen.

    Parameters
    ----------
    database : Database
        Where the session reads and writes.
    bus : Publisher, optional
        Who gets the events; none, for code that records none.
    write : bool
        Whether the transaction will write. On SQLite it then takes the write lock at its first
        statement, so that what it reads cannot change before it writes.

    Notes
    -----
    Hash passwords, call other servers and publish *before* or *after* the work, never inside:
    a transaction that waits makes every other writer wait.
    """

    def __init__(
        self, database: Database, bus: Publisher | None = None, *, write: bool = True
    ) -> None:
        self._database = database
        self._bus = bus
        self._write = write
        self._session: Session | None = None
        self._events: list[object] = []

    @property
    def session(self) -> Session:
        """The session; only inside the context."""
        if self._session is None:
            raise RuntimeError("A unit of work has a session only inside its `with` block.")
        return self._session

    def __enter__(self) -> UnitOfWork:
        self._session = self._database.session(write=self._write)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        session, self._session = self.session, None
        self._events.clear()
        session.close()

    def record(self, event: object) -> None:
        """Keep an event until the commit."""
        self._events.append(event)

    def flush(self) -> None:
        """Send pending changes to the database, which gives new rows their ids."""
        self.session.flush()

    def commit(self) -> None:
        """Store all changes, then publish the recorded events."""
        self.session.commit()
        events, self._events = self._events, []
        if self._bus is not None:
            for event in events:
                self._bus.publish(event)

    def serialize(self, topic: str) -> None:
        """Let only one transaction at a time pass here, until it ends.

        For decisions that depend on rows which do not exist yet, like the next job id. On SQLite
        writers are serialized anyway.
        """
        if self._database.is_postgresql:
            self.session.execute(select(func.pg_advisory_xact_lock(func.hashtext(topic))))


class OpenWork(Protocol):
    """Opens units of work; what services take that need several, or compute in between."""

    def __call__(self, *, write: bool = True) -> UnitOfWork:
        """Return a unit of work that has not begun."""
        ...
