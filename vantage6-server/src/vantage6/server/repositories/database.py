"""Connections to SQLite or PostgreSQL, and the sessions that use them."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from vantage6.common.clock import Clock, SystemClock
from vantage6.common.errors import ConfigurationError

__all__ = ["Database", "database_url"]

_log = logging.getLogger(__name__)

_WRITE = "v6_write"
_BUSY_TIMEOUT = 10.0
"""Seconds a SQLite writer waits for another process."""
_UPGRADE_TIMEOUT = 60.0
"""The same while the schema is brought up to date, which nobody else has to wait for."""
_SWITCH_PAUSE = 0.02
"""Seconds between two attempts to switch a SQLite file to write-ahead logging."""
_LOCK_TIMEOUT = 60.0
"""Seconds a SQLite writer waits for another one of this process."""


def database_url(uri: str, data_dir: Path | None = None) -> URL:
    """Turn the configured address into one SQLAlchemy can use.

    PostgreSQL addresses get the driver we ship, whatever driver they name. The file of a SQLite
    address that is not absolute lies in `data_dir`.

    Raises
    ------
    ConfigurationError
        If it is no address, or one of another kind of database.
    """
    try:
        url = make_url(uri)
    except ArgumentError as error:
        raise ConfigurationError(
            "The setting 'uri' is not a database address; write for example "
            "'sqlite:///server.sqlite' or 'postgresql://user:password@host/database'."
        ) from error
    backend = url.drivername.partition("+")[0]
    if backend in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise ConfigurationError(
            f"The setting 'uri' names a database of kind '{backend}'; "
            "use SQLite or PostgreSQL instead."
        )
    if not url.database or url.database == ":memory:":
        raise ConfigurationError(
            "The setting 'uri' names no SQLite file; write for example 'sqlite:///server.sqlite'."
        )
    file = Path(url.database)
    if not file.is_absolute() and data_dir is not None:
        file = data_dir / file
    return url.set(drivername="sqlite", database=str(file))


class Database:
    """The server's database; one per app, shared by all threads or greenlets of it.

    Parameters
    ----------
    url : URL or str
        As :func:`database_url` returns it.
    pool_size : int
        Connections to PostgreSQL kept open; twice as many more may be opened under load.
    """

    def __init__(self, url: URL | str, *, pool_size: int = 10) -> None:
        self.url = make_url(url) if isinstance(url, str) else url
        self.is_postgresql = self.url.get_backend_name() == "postgresql"
        self._engine = self._make_engine(pool_size)
        self._writer = self._engine.execution_options(**{_WRITE: True})

    @property
    def engine(self) -> Engine:
        """The engine, for what needs no session."""
        return self._engine

    def _make_engine(self, pool_size: int) -> Engine:
        if self.is_postgresql:
            return create_engine(
                self.url,
                pool_size=pool_size,
                max_overflow=2 * pool_size,
                pool_pre_ping=True,
                hide_parameters=True,
            )
        if self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        # Values of statements are payloads and secrets; no log line or traceback may show them.
        engine = create_engine(
            self.url,
            connect_args={"timeout": _BUSY_TIMEOUT, "check_same_thread": False},
            hide_parameters=True,
        )
        _tune_sqlite(engine, foreign_keys=True)
        return engine

    def migration_engine(self) -> Engine:
        """Make an engine for schema changes: one connection, no foreign-key checks on SQLite."""
        wait = {} if self.is_postgresql else {"timeout": _UPGRADE_TIMEOUT}
        engine = create_engine(
            self.url, poolclass=NullPool, hide_parameters=True, connect_args=wait
        )
        if not self.is_postgresql:
            _tune_sqlite(engine, foreign_keys=False)
            return engine.execution_options(**{_WRITE: True})
        return engine

    def session(self, *, write: bool) -> Session:
        """Open a session; objects stay readable after a commit."""
        return Session(self._writer if write else self._engine, expire_on_commit=False)

    def is_reachable(self) -> bool:
        """Tell whether the database answers."""
        try:
            with self._engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return False
        return True

    def wait(self, *, attempts: int = 10, delay: float = 30.0, clock: Clock | None = None) -> None:
        """Wait until the database answers (contract, data-model section 5).

        Parameters
        ----------
        attempts : int
            How often to try.
        delay : float
            Seconds between two tries.

        Raises
        ------
        ConfigurationError
            If it never answered.
        """
        clock = clock or SystemClock()
        for attempt in range(1, attempts + 1):
            try:
                with self._engine.connect() as connection:
                    connection.execute(text("SELECT 1"))
            except OperationalError as error:
                _log.warning("database does not answer, attempt %d of %d", attempt, attempts)
                if attempt == attempts:
                    raise ConfigurationError(
                        f"The database {self.url.render_as_string(hide_password=True)} does not "
                        "answer; start it, or correct the setting 'uri'."
                    ) from error
                clock.sleep(delay)
            else:
                return

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _tune_sqlite(engine: Engine, *, foreign_keys: bool) -> None:
    """Make SQLite behave under several writers.

    WAL lets readers go on while one writes. Write transactions begin with BEGIN IMMEDIATE, so two
    of them can never both read and then wait for each other.

    SQLite's own waiting (`timeout`) blocks the whole thread. Under gevent all requests live in one
    thread, so a waiting writer would keep the holder of the lock from ever finishing. Writers of
    this process therefore first queue at a lock from ``threading``, which gevent makes
    cooperative; SQLite's waiting is left for other processes. The lock belongs to the connection
    and is given back when that returns to the pool, which happens after commit and rollback alike.
    """
    lock = threading.Lock()

    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        _keep_a_journal_ahead(connection)
        # FULL: what was answered as stored also survives a power cut.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if not connection.get_execution_options().get(_WRITE):
            connection.exec_driver_sql("BEGIN")
            return
        _acquire(lock, connection.connection.info)
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    @event.listens_for(engine, "checkin")
    def checkin(_connection: sqlite3.Connection | None, record: ConnectionPoolEntry) -> None:
        _release(lock, record.info)

    @event.listens_for(engine, "close")
    def close(_connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        _release(lock, record.info)


def _keep_a_journal_ahead(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging; while another instance switches too, SQLite does not wait."""
    deadline = time.monotonic() + _BUSY_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(_SWITCH_PAUSE)
        else:
            return


def _acquire(lock: threading.Lock, info: dict[Any, Any]) -> None:
    if info.get(_WRITE):
        return
    if not lock.acquire(timeout=_LOCK_TIMEOUT):
        raise RuntimeError(
            f"No write transaction could begin within {_LOCK_TIMEOUT:.0f} s, because another one "
            "of this process did not end."
        )
    info[_WRITE] = True


def _release(lock: threading.Lock, info: dict[Any, Any]) -> None:
    if info.pop(_WRITE, False):
        lock.release()
