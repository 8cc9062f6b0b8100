"""Runs and results over REST, beyond the recorded exchanges."""

from __future__ import annotations

from typing import Any

import pytest

from vantage6.server.events.domain import RunChanged
from vantage6.server.models import Node, Run

FINAL = {"status": "completed", "result": "cg==", "log": "done"}


def report(world: Any, run_id: int = 1, node: str = "alpha-plain", **said: Any) -> Any:
    return world.call(node, "PATCH", f"/run/{run_id}", said)


def stored(world: Any, run_id: int = 1) -> Run:
    with world.session() as session:
        return session.get_one(Run, run_id)  # type: ignore[no-any-return]


@pytest.fixture
def task_id(world: Any) -> int:
    return int(world.add_task(organization_ids=(2, 3)))


@pytest.mark.usefixtures("task_id")
class TestReporting:
    def test_what_is_not_said_stays(self, world: Any) -> None:
        moment = "2026-01-01T10:00:00.000001+00:00"
        report(world, status="active", started_at=moment, log="one")
        answer = report(world, result="cg==")
        assert answer.status_code == 200
        run = answer.json
        assert (run["status"], run["log"]) == ("active", "one")
        assert run["started_at"] == "2026-01-01T10:00:00.000001"
        assert stored(world).result == "cg=="

    @pytest.mark.parametrize(
        "moment",
        [
            "2026-01-01T10:00:00",
            "2026-01-01T10:00:00Z",
            "2026-01-01T12:00:00+0200",
            "2026-01-01T05:00:00.0-05:00",
            "2026-01-01 10:00",
        ],
    )
    def test_moments_come_in_any_iso_form(self, world: Any, moment: str) -> None:
        answer = report(world, started_at=moment)
        assert answer.json["started_at"] == "2026-01-01T10:00:00"

    @pytest.mark.parametrize("moment", ["yesterday", "2026-02-30T10:00:00", 5, None])
    def test_other_moments_are_refused(self, world: Any, moment: Any) -> None:
        answer = report(world, started_at=moment)
        assert answer.status_code == 400
        assert "started_at" in answer.json["errors"]

    def test_a_final_status_ends_the_run_with_or_without_a_moment(self, world: Any) -> None:
        moment = "2026-01-01T00:00:30+00:00"
        answer = report(world, 2, "beta-plain", status="completed", finished_at=moment)
        assert answer.json["finished_at"] == "2026-01-01T00:00:30"
        world.clock.advance(60)
        assert report(world, status="crashed").json["finished_at"] == "2026-01-01T00:01:00"

    def test_an_end_without_a_final_status_is_refused(self, world: Any) -> None:
        for said in ({}, {"status": "active"}):
            answer = report(world, finished_at="2026-01-01T00:00:30+00:00", **said)
            assert answer.status_code == 400
            assert "finished_at" in answer.json["errors"]
        assert stored(world).finished_at is None

    def test_a_report_that_comes_late_does_not_set_the_run_back(self, world: Any) -> None:
        report(world, status="active")
        answer = report(world, status="initializing", log="late")
        assert answer.status_code == 200
        assert (answer.json["status"], answer.json["log"]) == ("active", "late")

    def test_the_final_report_may_be_repeated(self, world: Any) -> None:
        heard: list[Any] = []
        world.services.bus.subscribe(heard.append)
        first = report(world, **FINAL)
        world.clock.advance(5)
        second = report(world, **FINAL)
        assert (first.status_code, second.status_code) == (200, 200)
        assert first.json == second.json
        assert heard == [RunChanged(1, 1)]

    def test_another_end_is_refused(self, world: Any) -> None:
        report(world, **FINAL)
        for said in ({"status": "crashed"}, FINAL | {"result": "b3RoZXI="}, {"status": "active"}):
            answer = report(world, **said)
            assert (answer.status_code, answer.json["code"]) == (400, "run_finished")
        run = stored(world)
        assert (run.status, run.result) == ("completed", "cg==")

    def test_result_and_log_of_a_failure_may_follow_its_status(self, world: Any) -> None:
        # A released node reports some failures in two steps.
        report(world, status="start failed")
        moment = "2026-01-01T00:00:30.000000+00:00"
        answer = report(world, status="start failed", result="", log="why", finished_at=moment)
        assert (answer.status_code, answer.json["log"]) == (200, "why")
        assert report(world, status="start failed", log="another").json["log"] == "why"

    def test_a_kill_wins_over_a_later_result(self, world: Any) -> None:
        world.call("alpha_col", "POST", "/kill/task", {"id": 1})
        assert report(world, **FINAL).status_code == 400
        assert report(world, status="killed by user").status_code == 200
        run = stored(world)
        assert (run.status, run.result) == ("killed by user", None)

    def test_only_the_node_of_the_run_may_report(self, world: Any) -> None:
        for node in ("beta-plain", "alpha-enc"):
            assert report(world, node=node, status="active").status_code == 401
        assert stored(world).status == "pending"

    def test_a_failure_ends_the_runs_that_did_not_start(self, world: Any) -> None:
        world.add_task(organization_ids=(2, 3))
        report(world, 2, "beta-plain", status="initializing", started_at="2026-01-01T00:00:01Z")
        report(world, 1, status="crashed")
        assert stored(world, 2).status == "initializing"
        report(world, 3, status="not allowed", log="no")
        sibling = stored(world, 4)
        assert (sibling.status, sibling.finished_at) == ("failed", world.clock.now())
        assert sibling.log
        assert world.get("alpha_view", "/task/2/status").json["status"] == "failed"

    def test_a_large_result_comes_back_unchanged(self, world: Any) -> None:
        result = "QUJD" * 500_000
        report(world, status="completed", result=result)
        assert world.get("alpha_view", "/result/1").json["result"] == result


@pytest.mark.usefixtures("task_id")
class TestListing:
    def ids(self, world: Any, who: str = "alpha_view", noun: str = "run", **query: Any) -> Any:
        answer = world.get(who, f"/{noun}", **query)
        assert answer.status_code == 200, answer.json
        return [run["id"] for run in answer.json["data"]]

    def test_a_node_finds_its_open_runs_only(self, world: Any) -> None:
        world.add_task(collaboration_id=2, organization_ids=(2, 4))
        world.add_task(organization_ids=(2,))
        report(world, **FINAL)
        query = {"state": "open", "node_id": 2, "include": "task"}
        answer = world.get("alpha-plain", "/run", **query)
        (run,) = answer.json["data"]
        assert run["id"] == 5
        assert run["task"]["init_org"]["id"] == 2
        assert "runs" not in run["task"]
        assert run["node"] == {"id": 2, "name": "alpha-plain", "ip": None, "status": "offline"}

    def test_a_run_with_a_final_status_is_not_open_even_without_its_end(self, world: Any) -> None:
        with world.session() as session:  # as older servers left them
            session.get_one(Run, 1).status = "failed"
        assert self.ids(world, state="open") == [2]

    def test_moments_compare_with_what_they_are_named_after(self, world: Any) -> None:
        report(world, status="active", started_at="2026-01-02T00:00:00Z")
        assert self.ids(world, started_from="2026-01-02T00:00:00") == [1]
        assert self.ids(world, started_from="2026-01-03") == []
        assert self.ids(world, started_till="2026-01-03") == [1]

    def test_a_port_finds_its_run(self, world: Any) -> None:
        body = {"port": 8888, "run_id": 1, "label": "x"}
        assert world.call("alpha-plain", "POST", "/port", body).status_code == 201
        assert self.ids(world, port=8888) == [1]
        assert self.ids(world, port=8889) == []
        world.call("alpha-plain", "DELETE", "/port", query={"run_id": 1})
        assert self.ids(world, port=8888) == []

    def test_organization_scope_is_about_who_executes(self, world: Any) -> None:
        own = world.add_task(creator="beta_res", organization_ids=(2,))
        assert self.ids(world, "alpha_orgview") == [3, 1]
        assert self.ids(world, "alpha_orgview", noun="result") == [3, 1]
        # But a single one is about who initiated it.
        assert world.get("alpha_orgview", "/run/3").status_code == 401
        assert world.get("alpha_orgview", "/run/2").status_code == 200
        assert own == 2

    def test_runs_of_a_deleted_node_are_still_listed(self, world: Any) -> None:
        with world.session() as session:
            session.delete(session.get_one(Node, 3))
        listed = world.get("alpha_view", "/run").json["data"]
        assert [(run["id"], bool(run["node"])) for run in listed] == [(2, False), (1, True)]

    def test_the_number_of_statements_does_not_grow_with_the_page(self, world: Any) -> None:
        for _ in range(6):
            world.add_task(organization_ids=(2, 3))

        def statements(noun: str, **query: Any) -> int:
            with world.counting_statements() as seen:
                world.get("alpha_view", f"/{noun}", **query)
            return len([each for each in seen if not each.startswith(("BEGIN", "UPDATE"))])

        world.get("alpha_view", "/run")
        for noun, query in (("run", {}), ("run", {"include": "task"}), ("result", {})):
            many = statements(noun, per_page=14, **query)
            assert many == statements(noun, per_page=1, **query) <= 12

    def test_a_list_of_runs_reads_no_results(self, world: Any) -> None:
        with world.counting_statements() as seen:
            world.get("alpha_view", "/run")
            world.get("alpha-plain", "/run/1")
        assert not [each for each in seen if "run.result" in each]
