"""The run journal: every run this node knows, and how far it has come."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from vantage6.common.clock import Clock, SystemClock, iso_utc
from vantage6.common.status import RunStatus
from vantage6.node.datasources.requests import RequestedDatabase
from vantage6.node.runner.base import RunHandle
from vantage6.node.runs.model import RunFacts, RunRecord, RunStage
from vantage6.node.store import Store

__all__ = ["KEEP_CLOSED", "Journal"]

KEEP_CLOSED = timedelta(days=90)
"""How long a closed run is remembered."""


class Journal:
    """Keeps run records in the store.

    Parameters
    ----------
    store : Store
        The node's state file.
    clock : Clock, optional
        The time.
    """

    def __init__(self, store: Store, clock: Clock | None = None) -> None:
        self._store = store
        self._clock: Clock = clock or SystemClock()

    def save(self, record: RunRecord, db: sqlite3.Connection) -> None:
        """Write a record, as part of the caller's transaction."""
        is_closed = record.stage is RunStage.CLOSED
        db.execute(
            "INSERT OR REPLACE INTO runs (run_id, stage, record, closed_at) VALUES (?, ?, ?, ?)",
            (
                record.run_id,
                record.stage.value,
                json.dumps(_to_json(record)),
                self._clock.now().timestamp() if is_closed else None,
            ),
        )

    def find(self, run_id: int) -> RunRecord | None:
        """Return the record of a run, or None if the node never heard of it."""
        rows = self._store.rows("SELECT record FROM runs WHERE run_id = ?", run_id)
        return _from_json(json.loads(rows[0][0])) if rows else None

    def unfinished(self) -> list[RunRecord]:
        """Return the records of all runs that are not closed, lowest run id first."""
        rows = self._store.rows(
            "SELECT record FROM runs WHERE stage != ? ORDER BY run_id", RunStage.CLOSED.value
        )
        return [_from_json(json.loads(row[0])) for row in rows]

    def prune(self) -> list[int]:
        """Forget runs that were closed long ago, and return their ids."""
        limit = (self._clock.now() - KEEP_CLOSED).timestamp()
        with self._store.transaction() as db:
            found = db.execute("SELECT run_id FROM runs WHERE closed_at < ?", (limit,)).fetchall()
            db.execute("DELETE FROM runs WHERE closed_at < ?", (limit,))
        return [row[0] for row in found]

    def remember_key(self, organization_id: int, public_key: str) -> None:
        """Keep an organization's public key for when the server cannot be reached."""
        with self._store.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO public_keys VALUES (?, ?)", (organization_id, public_key)
            )

    def known_key(self, organization_id: int) -> str | None:
        """Return the public key last seen for an organization, or None."""
        rows = self._store.rows(
            "SELECT public_key FROM public_keys WHERE organization_id = ?", organization_id
        )
        return rows[0][0] if rows else None

    def forget_keys(self) -> None:
        """Forget the public keys, because they are of another server's organizations."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM public_keys")


def _to_json(record: RunRecord) -> dict[str, Any]:
    handle = record.handle
    return {
        "facts": asdict(record.facts),
        "stage": record.stage.value,
        "handle": None if handle is None else dict(handle.data),
        "exit_code": record.exit_code,
        "started_at": None if record.started_at is None else iso_utc(record.started_at),
        "outcome": None if record.outcome is None else record.outcome.value,
        "is_removed": record.is_removed,
        "is_acknowledged": record.is_acknowledged,
        "is_disowned": record.is_disowned,
    }


def _from_json(body: dict[str, Any]) -> RunRecord:
    facts = dict(body["facts"])
    facts["databases"] = tuple(RequestedDatabase(**wanted) for wanted in facts["databases"])
    run_id = facts["run_id"]
    handle, started_at, outcome = body["handle"], body["started_at"], body["outcome"]
    return RunRecord(
        facts=RunFacts(**facts),
        stage=RunStage(body["stage"]),
        handle=None if handle is None else RunHandle(run_id, handle),
        exit_code=body["exit_code"],
        started_at=None if started_at is None else datetime.fromisoformat(started_at),
        outcome=None if outcome is None else RunStatus(outcome),
        is_removed=body["is_removed"],
        is_acknowledged=body["is_acknowledged"],
        is_disowned=body["is_disowned"],
    )
