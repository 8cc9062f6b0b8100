"""Reports: kept, ordered, repeated, dropped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from vantage6.common.clock import ManualClock
from vantage6.common.http.auth import NodeAuth
from vantage6.common.http.retry import RetryPolicy
from vantage6.common.http.transport import Transport
from vantage6.common.status import RunStatus
from vantage6.common.testing.http import json_reply
from vantage6.node.link.outbox import Outbox, Reception, Report
from vantage6.node.link.rest import ServerApi
from vantage6.node.store import Store
from vantage6.node.testing.simulator import API_KEY, ServerSimulator

TIME = "2026-01-01T00:00:00.000001+00:00"


def report(run_id: int, status: RunStatus = RunStatus.ACTIVE) -> Report:
    body = {"status": status.value, "log": "sentence", "started_at": TIME}
    is_final = status is not RunStatus.ACTIVE and status is not RunStatus.INITIALIZING
    if is_final:
        body["finished_at"] = TIME
    return Report(run_id, 100 + run_id, None, status, is_final, body)


class Bench:
    """An outbox with everything around it."""

    def __init__(self, folder: Path) -> None:
        self.server = ServerSimulator()
        self.clock = ManualClock()
        self.store = Store(folder / "node.sqlite")
        self.settled: list[tuple[int, Reception]] = []
        auth = NodeAuth(API_KEY)
        transport = Transport(
            "http://server.test/api",
            auth=auth,
            handler=self.server,
            retry=RetryPolicy(attempts=1),
        )
        auth.login(transport)
        self.outbox = Outbox(
            self.store,
            folder,
            ServerApi(transport),
            lambda report, reception: self.settled.append((report.run_id, reception)),
            self.clock,
        )

    def add(self, *reports: Report) -> None:
        with self.store.transaction() as db:
            for each in reports:
                self.outbox.add(each, db)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    for run_id in (1, 2, 3):
        bench.server.add_run(run_id)
    yield bench
    bench.store.close()


def test_a_report_is_sent_and_settled(bench: Bench) -> None:
    bench.add(report(1))
    bench.outbox.deliver_due()

    assert bench.server.runs[1]["status"] == "active"
    assert bench.settled == [(1, Reception.TAKEN)]
    assert bench.outbox.size() == 0


def test_a_later_report_takes_the_place_of_one_not_sent_yet(bench: Bench) -> None:
    bench.add(report(1), report(1, RunStatus.COMPLETED))
    bench.outbox.deliver_due()

    assert bench.server.statuses[1] == ["completed"]


def test_a_server_that_is_away_holds_all_reports_back_for_a_while(bench: Bench) -> None:
    bench.server.is_down = True
    bench.add(report(1), report(2))
    assert bench.outbox.deliver_due() == 1
    assert bench.outbox.deliver_due() == 0

    bench.server.is_down = False
    bench.clock.advance(1.0)
    assert bench.outbox.deliver_due() == 2


def test_the_pause_never_gets_longer_than_five_seconds(bench: Bench) -> None:
    bench.server.is_down = True
    bench.add(report(1))
    for _ in range(20):
        bench.clock.advance(5.6)
        assert bench.outbox.deliver_due() == 1


def test_news_that_the_server_is_back_ends_the_pause(bench: Bench) -> None:
    bench.server.is_down = True
    bench.add(report(1))
    bench.outbox.deliver_due()
    bench.server.is_down = False
    bench.outbox.wake(server_is_back=True)

    assert bench.outbox.deliver_due() == 1
    assert bench.outbox.size() == 0


def test_a_report_on_a_finished_run_is_dropped(bench: Bench) -> None:
    bench.server.finish(1)
    bench.add(report(1, RunStatus.COMPLETED))
    bench.outbox.deliver_due()

    assert bench.outbox.size() == 0
    assert bench.server.runs[1]["status"] == "killed by user"
    assert bench.settled == [(1, Reception.OUTDATED)]


def test_a_report_on_an_unknown_run_is_dropped(bench: Bench) -> None:
    bench.add(report(99, RunStatus.COMPLETED))
    bench.outbox.deliver_due()

    assert bench.outbox.size() == 0
    assert bench.settled == [(99, Reception.OUTDATED)]


def test_a_fault_about_one_run_does_not_hold_back_the_others(bench: Bench) -> None:
    bad = report(1)
    bench.add(
        Report(1, 101, None, RunStatus.ACTIVE, False, {**bad.body, "started_at": "yesterday"}),
        report(2),
    )
    bench.outbox.deliver_due()

    assert bench.server.runs[2]["status"] == "active"
    assert bench.outbox.size() == 1


def test_reports_that_never_get_through_do_not_hold_back_the_others(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(_request: httpx.Request, _body: bytes, run_id: str) -> httpx.Response:
        if run_id != "9":
            raise httpx.ReadError("connection reset")
        return json_reply({})

    monkeypatch.setattr(bench.server, "_patch_run", break_off)
    bench.add(*[report(run_id, RunStatus.COMPLETED) for run_id in (1, 2, 3, 9)])
    for _ in range(8):
        bench.outbox.deliver_due()
        bench.clock.advance(1.0)

    assert bench.settled == [(9, Reception.TAKEN)]


def test_a_refused_report_without_result_is_dropped_with_the_reason(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.add(Report(1, 101, None, RunStatus.ACTIVE, False, {"status": "dancing"}))
    bench.outbox.deliver_due()

    assert bench.outbox.size() == 0
    assert bench.settled == [(1, Reception.REFUSED)]
    assert "unknown status" in caplog.text


def test_reports_survive_a_restart(bench: Bench, tmp_path: Path) -> None:
    bench.server.is_down = True
    bench.add(report(1, RunStatus.COMPLETED))
    bench.outbox.deliver_due()
    bench.store.close()

    again = Bench(tmp_path)
    again.server.add_run(1)
    assert again.outbox.holds_final(1)
    again.outbox.deliver_due()
    assert again.server.results[1] == 1
    again.store.close()
