"""The node's memory on disk: one small SQLite file with the run journal and the outbox."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vantage6.common.errors import ConfigurationError

__all__ = ["Store"]

_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE runs (
    run_id INTEGER PRIMARY KEY,
    stage TEXT NOT NULL,
    record TEXT NOT NULL,
    closed_at REAL
);
CREATE INDEX runs_by_stage ON runs (stage);
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL,
    is_final INTEGER NOT NULL,
    report TEXT NOT NULL
);
CREATE TABLE public_keys (organization_id INTEGER PRIMARY KEY, public_key TEXT NOT NULL);
"""
_BUSY_TIMEOUT = 10.0


class Store:
    """A SQLite file that survives a crash at any moment.

    All threads share one connection behind a lock, so there is one writer. A transaction is safe
    from a killed process when it ends, and with ``durable=True`` from a power cut as well; after
    a power cut the file is as it was at some moment not before the last durable transaction.

    Parameters
    ----------
    path : Path
        The file; made if it does not exist.

    Raises
    ------
    ConfigurationError
        If the file cannot be used, or was written by a later release.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._depth = 0
        try:
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise _unusable(path, error) from error
        try:
            path.chmod(0o600)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._create_schema()
        except sqlite3.Error as error:
            self._connection.close()
            raise _unusable(path, error) from error
        except ConfigurationError:
            self._connection.close()
            raise

    def _create_schema(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version == _SCHEMA_VERSION:
            return
        if version > _SCHEMA_VERSION:
            raise ConfigurationError(
                f"The node's state file {self._path} was written by a later release; "
                "update the node."
            )
        self._connection.executescript(
            f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version={_SCHEMA_VERSION}; COMMIT;"
        )

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """Give the connection; what is written is kept as a whole at the end, or not at all.

        Transactions may be nested in one thread; the outermost one counts.

        Parameters
        ----------
        durable : bool, optional
            Whether to wait until the disk has it.
        """
        with self._lock:
            if self._depth:
                yield self._connection
                return
            self._connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # Some failures, such as a full disk, have ended the transaction already.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def get_meta(self, key: str) -> str | None:
        """Return a named value, or None."""
        rows = self.rows("SELECT value FROM meta WHERE key = ?", key)
        return rows[0][0] if rows else None

    def set_meta(self, key: str, value: str) -> None:
        """Keep a named value."""
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def _unusable(path: Path, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"The node's state file {path} cannot be used ({error}); "
        "check that the data folder is writable and on a local disk."
    )
