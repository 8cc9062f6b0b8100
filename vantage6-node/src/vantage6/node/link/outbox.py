"""Reports on runs, kept on disk until the server has them."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from vantage6.common.clock import Clock, SystemClock
from vantage6.common.errors import NotAnApiError, NotFoundError, ResponseError, TransportError
from vantage6.common.http.retry import Backoff
from vantage6.common.status import RunStatus
from vantage6.node.link.failures import may_pass
from vantage6.node.link.rest import ServerApi
from vantage6.node.runs.machine import PackedResult
from vantage6.node.store import Store

__all__ = ["Outbox", "Reception", "Report"]

_log = logging.getLogger(__name__)
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
_INLINE_LIMIT = 256 * 1024
_CHUNK_SIZE = 1024 * 1024
_UNAUTHORIZED = frozenset({401, 403})


@dataclass(frozen=True)
class Report:
    """What the server is to learn about a run.

    Attributes
    ----------
    run_id, task_id : int
        The run and its task.
    parent_id : int or None
        The task's parent.
    status : RunStatus
        Its status.
    is_final : bool
        Whether the run ends with this report.
    body : Mapping
        Body of the request, all but the result.
    result : PackedResult or None
        File with the packed result.
    has_blob : bool
        Whether the result goes to the server's blob store.
    blob_id : str or None
        Where it is in the blob store, once it is there.
    """

    run_id: int
    task_id: int
    parent_id: int | None
    status: RunStatus
    is_final: bool
    body: Mapping[str, str]
    result: PackedResult | None = None
    has_blob: bool = False
    blob_id: str | None = None


class Reception(Enum):
    """What became of a report."""

    TAKEN = "taken"
    """The server has it."""
    OUTDATED = "outdated"
    """The run was finished at the server already, or is not there any more."""
    REFUSED = "refused"
    """The server never takes it."""


@dataclass(frozen=True)
class _Entry:
    entry_id: int
    report: Report


class _Refused(Exception):  # noqa: N818 - says what the server did, is not shown to anyone
    """The server will not take this report, however often it is sent."""


class Outbox:
    """Sends reports until the server has taken them, those of one run in their order.

    A report that was not sent yet is dropped when a later one of the same run comes in. Several
    threads may run `deliver`; each takes reports of other runs.

    Parameters
    ----------
    store : Store
        The node's state file.
    folder : Path
        Folder with packed results.
    api : ServerApi
        Connection to the server.
    on_settled : callable
        Told about each report that is off the list, and why.
    clock : Clock, optional
        The time.
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        api: ServerApi,
        on_settled: Callable[[Report, Reception], None],
        clock: Clock | None = None,
    ) -> None:
        self._store = store
        self._folder = folder
        self._api = api
        self._on_settled = on_settled
        self._clock: Clock = clock or SystemClock()
        self._changed = threading.Condition()
        self._busy: set[int] = set()
        self._not_before: dict[int, float] = {}
        self._pauses: dict[int, Backoff] = {}
        self._away_until = 0.0
        self._away_pause = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)

    def add(self, report: Report, db: sqlite3.Connection) -> None:
        """Put in a report as part of the caller's transaction; call `wake` after it."""
        db.execute("DELETE FROM outbox WHERE run_id = ?", (report.run_id,))
        db.execute(
            "INSERT INTO outbox (run_id, is_final, report) VALUES (?, ?, ?)",
            (report.run_id, report.is_final, json.dumps(asdict(report))),
        )

    def wake(self, *, server_is_back: bool = False) -> None:
        """Tell the delivering threads that there is something to do."""
        with self._changed:
            if server_is_back:
                self._away_until = 0.0
                self._not_before.clear()
            self._changed.notify_all()

    def holds_final(self, run_id: int) -> bool:
        """Tell whether a run's final report is still to be delivered."""
        return bool(self._store.rows("SELECT 1 FROM outbox WHERE run_id = ? AND is_final", run_id))

    def size(self) -> int:
        """Return the number of reports to be delivered."""
        (count,) = self._store.rows("SELECT COUNT(*) FROM outbox")[0]
        return int(count)

    def drop(self, run_id: int, db: sqlite3.Connection) -> None:
        """Take a run's reports out, as part of the caller's transaction."""
        db.execute("DELETE FROM outbox WHERE run_id = ?", (run_id,))

    def clear(self) -> None:
        """Drop everything."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM outbox")

    def deliver(self, stop: threading.Event) -> None:
        """Send reports until told to stop."""
        while not stop.is_set():
            entry = self._take()
            if entry is None:
                self._wait()
            else:
                self._send(entry)

    def deliver_due(self) -> int:
        """Send each report that is due once, and return how many were tried."""
        tried = 0
        while (entry := self._take()) is not None:
            self._send(entry)
            tried += 1
        return tried

    def _take(self) -> _Entry | None:
        with self._changed:
            now = self._clock.monotonic()
            if now < self._away_until:
                return None
            due = [
                (since, entry_id)
                for entry_id, run_id in self._store.rows("SELECT id, run_id FROM outbox")
                if (since := self._not_before.get(run_id, 0.0)) <= now and run_id not in self._busy
            ]
            # Those that failed before come last, so that they cannot keep the others waiting.
            return self._claim(min(due)[1]) if due else None

    def _claim(self, entry_id: int) -> _Entry | None:
        rows = self._store.rows("SELECT report FROM outbox WHERE id = ?", entry_id)
        if not rows:
            return None
        report = _report_from_json(json.loads(rows[0][0]))
        self._busy.add(report.run_id)
        return _Entry(entry_id, report)

    def _wait(self) -> None:
        with self._changed:
            now = self._clock.monotonic()
            due = [at for at in (self._away_until, *self._not_before.values()) if at > now]
            # A second bounds how late a stop is seen; new reports wake the thread at once.
            self._changed.wait(min(1.0, *(at - now for at in due)) if due else 1.0)

    def _send(self, entry: _Entry) -> None:
        report = entry.report
        try:
            self._settle(entry, self._transmit(entry))
        except _Refused as refusal:
            self._give_way(entry, str(refusal))
        except TransportError as error:
            self._postpone(report, error)
        finally:
            with self._changed:
                self._busy.discard(report.run_id)
                self._changed.notify_all()

    def _transmit(self, entry: _Entry) -> Reception:
        report = entry.report
        try:
            self._patch(entry)
        except NotFoundError:
            _log.warning("Run %d is unknown to the server, its report is dropped", report.run_id)
            return Reception.OUTDATED
        except (ResponseError, NotAnApiError) as error:
            # Without permission nothing is lost yet: keys and rights may be put right.
            if may_pass(error) or error.status in _UNAUTHORIZED:
                raise
            if not self._is_finished_there(report.run_id, error):
                raise _Refused(str(error)) from error
            _log.info(
                "Run %d is finished at the server already, report %r is dropped",
                report.run_id,
                report.status.value,
            )
            return Reception.OUTDATED
        return Reception.TAKEN

    def _is_finished_there(self, run_id: int, refusal: TransportError) -> bool:
        if "already finished" in str(refusal):
            return True
        try:
            return self._api.is_run_finished(run_id)
        except NotFoundError:
            return True

    def _patch(self, entry: _Entry) -> None:
        report = entry.report
        if report.result is None:
            self._api.report_run(report.run_id, report.body)
            return
        try:
            self._patch_with_result(entry, self._folder / report.result.file_name)
        except OSError as error:
            raise _Refused(f"the packed result cannot be read ({error})") from error

    def _patch_with_result(self, entry: _Entry, path: Path) -> None:
        report = entry.report
        if report.has_blob:
            blob_id = report.blob_id or self._upload(entry, path)
            self._api.report_run(report.run_id, {**report.body, "result": blob_id})
        elif path.stat().st_size <= _INLINE_LIMIT:
            text = path.read_text(encoding="ascii")
            self._api.report_run(report.run_id, {**report.body, "result": text})
        else:
            body = _LargeBody(report.body, path)
            self._api.report_large_run(report.run_id, body, body.size)

    def _upload(self, entry: _Entry, path: Path) -> str:
        blob_id = self._api.upload_blob(_FileChunks(path))
        self._rewrite(entry, replace(entry.report, blob_id=blob_id))
        return blob_id

    def _rewrite(self, entry: _Entry, report: Report) -> None:
        with self._store.transaction() as db:
            db.execute(
                "UPDATE outbox SET report = ? WHERE id = ?",
                (json.dumps(asdict(report)), entry.entry_id),
            )

    def _give_way(self, entry: _Entry, refusal: str) -> None:
        """Replace a refused result by a report without one, and drop a refused report."""
        report = entry.report
        if report.result is None:
            _log.error("The server refuses the report on run %d: %s", report.run_id, refusal)
            self._settle(entry, Reception.REFUSED)
            return
        _log.error("The server refuses the result of run %d: %s", report.run_id, refusal)
        status = RunStatus.FAILED if report.status is RunStatus.COMPLETED else report.status
        sentence = f"The result could not be delivered: {refusal}"
        body = {**report.body, "status": status.value, "log": sentence}
        self._rewrite(entry, replace(report, status=status, body=body, result=None))

    def _settle(self, entry: _Entry, reception: Reception) -> None:
        # If this is lost in a power cut, the report is sent again and refused as a repeat.
        with self._store.transaction(durable=False) as db:
            db.execute("DELETE FROM outbox WHERE id = ?", (entry.entry_id,))
        with self._changed:
            self._pauses.pop(entry.report.run_id, None)
            self._not_before.pop(entry.report.run_id, None)
            self._away_pause.reset()
        self._on_settled(entry.report, reception)

    def _postpone(self, report: Report, error: TransportError) -> None:
        """Try again later; when the server is away, all reports wait."""
        with self._changed:
            now = self._clock.monotonic()
            own_pause = self._pauses.setdefault(
                report.run_id, Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
            )
            pause = own_pause.next()
            self._not_before[report.run_id] = now + pause
            if not isinstance(error, ResponseError):
                self._away_until = now + self._away_pause.next()
        _log.warning(
            "Report %r on run %d was not delivered, again in %.1f s: %s",
            report.status.value,
            report.run_id,
            pause,
            error,
        )


class _FileChunks:
    """A file's bytes in pieces; may be gone through again, so that a request can be repeated."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            while chunk := file.read(_CHUNK_SIZE):
                yield chunk


class _LargeBody(_FileChunks):
    """A JSON object with a result that is never in memory as a whole.

    The text form of a result has no character that JSON would escape.
    """

    def __init__(self, body: Mapping[str, str], path: Path) -> None:
        super().__init__(path)
        fields = json.dumps({**body, "result": ""}).encode()
        self._head, self._tail = fields[:-2], fields[-2:]
        self.size = len(fields) + path.stat().st_size

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        yield from super().__iter__()
        yield self._tail


def _report_from_json(body: dict[str, Any]) -> Report:
    result = body["result"]
    return Report(
        **{
            **body,
            "status": RunStatus(body["status"]),
            "result": None if result is None else PackedResult(**result),
        }
    )
