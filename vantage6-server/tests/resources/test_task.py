"""Tasks over REST, beyond the recorded exchanges."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import func, select

from vantage6.server.events.domain import RunsKilled, TaskCreated
from vantage6.server.models import NodeConfig, Rule, Run, Task, TaskDatabase, User

INPUT = "e30="


def body(*organization_ids: Any, **changes: Any) -> dict[str, Any]:
    return {
        "image": "img:1",
        "collaboration_id": 1,
        "organizations": [{"id": identity, "input": INPUT} for identity in organization_ids],
    } | changes


def create(world: Any, who: str = "alpha_res", *organization_ids: int, **changes: Any) -> Any:
    return world.call(who, "POST", "/task", body(*(organization_ids or (2,)), **changes))


def count(world: Any, model: Any) -> int:
    with world.session() as session:
        return int(session.scalar(select(func.count()).select_from(model)))


class TestCreating:
    def test_nothing_is_told_before_everything_is_stored(self, world: Any) -> None:
        seen: list[tuple[Any, int]] = []
        world.services.bus.subscribe(lambda event: seen.append((event, count(world, Run))))
        answer = create(world, "alpha_res", 2, 3)
        assert answer.status_code == 201
        assert seen == [(TaskCreated(answer.json["id"], None, 1), 2)]

    def test_a_refused_task_leaves_nothing_and_tells_nobody(self, world: Any) -> None:
        heard: list[Any] = []
        world.services.bus.subscribe(heard.append)
        refused = body(2, 3)
        del refused["organizations"][1]["input"]
        assert world.call("alpha_res", "POST", "/task", refused).status_code == 400
        assert (count(world, Task), count(world, Run), heard) == (0, 0, [])

    def test_job_numbers_count_up(self, world: Any) -> None:
        assert [create(world).json["job_id"] for _ in range(3)] == [1, 2, 3]

    def test_databases_keep_their_order_and_parameters(self, world: Any) -> None:
        databases = [{"label": "b", "query": "SELECT 1"}, {"label": "a"}, {"label": "b"}]
        answer = create(world, databases=databases)
        assert answer.json["databases"] == [
            {"label": "b", "parameters": '{"query":"SELECT 1"}'},
            {"label": "a", "parameters": "{}"},
            {"label": "b", "parameters": "{}"},
        ]
        assert world.get("alpha_res", "/task/1").json["databases"] == answer.json["databases"]

    def test_the_runs_are_assigned_when_the_task_is_created(self, world: Any) -> None:
        world.clock.advance(3.25)
        create(world)
        run = world.get("alpha-plain", "/run/1").json
        assert run["assigned_at"] == "2026-01-01T00:00:03.250000"
        assert (run["status"], run["started_at"], run["finished_at"]) == ("pending", None, None)

    def test_an_organization_without_node_is_named(self, world: Any) -> None:
        world.call("root", "DELETE", "/node/3")
        answer = create(world, "alpha_res", 2, 3)
        assert answer.status_code == 400
        assert "'beta' (3)" in answer.json["msg"]
        assert "alpha" not in answer.json["msg"]

    def test_an_organization_that_is_listed_twice_is_named(self, world: Any) -> None:
        answer = create(world, "alpha_res", 2, 2)
        assert answer.status_code == 400
        assert "'alpha' (2)" in answer.json["msg"]

    @pytest.mark.parametrize("identity", ["2", True, 2.0, None, 999])
    def test_organizations_are_named_by_whole_numbers(self, world: Any, identity: Any) -> None:
        assert create(world, "alpha_res", identity).status_code == 400

    def test_the_checks_come_in_the_order_of_the_contract(self, world: Any) -> None:
        # Each request has all faults of the later ones, too.
        viewer, outsider = "alpha_view", "gamma_res"
        for changes, status in (
            ({"collaboration_id": 99, "study_id": 99, "image": ""}, 400),
            ({"collaboration_id": 99, "study_id": 99}, 404),
            ({"study_id": 99, "organizations": [{"id": 99}]}, 404),
            ({"organizations": [{"id": 99}]}, 400),
        ):
            answer = world.call(viewer, "POST", "/task", body(2) | changes)
            assert answer.status_code == status, changes
        assert create(world, outsider, 2, 3).status_code == 401
        assert create(world, viewer, 2, store_id=999).status_code == 401
        assert create(world, "alpha_res", 2, store_id=999).status_code == 400

    def test_a_study_alone_says_where(self, world: Any) -> None:
        answer = create(world, collaboration_id=None, study_id=1)
        assert answer.status_code == 201
        assert answer.json["collaboration"]["id"] == 1
        assert create(world, collaboration_id=2, study_id=1).status_code == 400

    def test_who_may_send_a_node_tasks_is_up_to_the_node(self, world: Any) -> None:
        user_id = str(world.identity("alpha_res"))
        for key, value, status in (
            ("allowed_users", "x", 400),
            ("allowed_orgs", "beta", 400),
            ("allowed_users", user_id, 201),
            ("allowed_users", "alpha_res", 201),
            ("allowed_orgs", "2", 201),
            ("allowed_orgs", "alpha", 201),
        ):
            world.restore()
            with world.session() as session:
                session.add(NodeConfig(node_id=3, key="allowed_users", value="0"))
                session.add(NodeConfig(node_id=3, key=key, value=value))
            assert create(world, "alpha_res", 3).status_code == status, (key, value)
            assert create(world, "alpha_res", 2).status_code == 201


class TestRepeating:
    def send(self, world: Any, who: str, key: str, **changes: Any) -> Any:
        headers = {"Idempotency-Key": key}
        return world.call(who, "POST", "/task", body(2, **changes), headers=headers)

    def test_the_same_key_gives_the_same_task(self, world: Any) -> None:
        heard: list[Any] = []
        world.services.bus.subscribe(heard.append)
        first = self.send(world, "alpha_res", "k")
        second = self.send(world, "alpha_res", "k", name="other")
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json == second.json
        assert (count(world, Task), count(world, Run), len(heard)) == (1, 1, 1)

    def test_keys_of_different_callers_have_nothing_to_do_with_each_other(self, world: Any) -> None:
        ids = {self.send(world, who, "k").json["id"] for who in ("alpha_res", "beta_res")}
        ids.add(self.send(world, "alpha_res", "k2").json["id"])
        assert len(ids) == 3

    def test_requests_at_the_same_time_make_one_task(self, world: Any) -> None:
        world.token("alpha_res")
        answers: list[Any] = []
        threads = [
            threading.Thread(target=lambda: answers.append(self.send(world, "alpha_res", "k")))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {answer.status_code for answer in answers} == {201}
        assert {answer.json["id"] for answer in answers} == {1}
        assert count(world, Run) == 1

    def test_a_refused_request_may_be_corrected_under_its_key(self, world: Any) -> None:
        assert self.send(world, "alpha_res", "k", image="").status_code == 400
        assert self.send(world, "alpha_res", "k").status_code == 201

    def test_a_key_has_to_be_reasonable(self, world: Any) -> None:
        assert self.send(world, "alpha_res", "k" * 256).status_code == 400


class TestSubtasks:
    @pytest.fixture
    def container(self, world: Any) -> str:
        create(world, "alpha_res", 2, 3, databases=[{"label": "d"}])
        answer = world.call(
            "alpha-plain", "POST", "/token/container", {"task_id": 1, "image": "img:1"}
        )
        world.add_token("container", answer.json["container_token"])
        return "container"

    def test_a_subtask_belongs_to_the_job_and_to_who_began_it(
        self, world: Any, container: str
    ) -> None:
        create(world, "beta_res", 2)
        answer = create(world, container, 2, 3, image="registry.org/img:1")
        assert answer.status_code == 201
        parts = {key: answer.json[key] for key in ("image", "job_id")}
        assert parts == {"image": "img:1", "job_id": 1}
        assert answer.json["parent"]["id"] == 1
        assert answer.json["init_org"]["id"] == 2
        assert answer.json["init_user"]["id"] == world.identity("alpha_res")
        assert world.get(container, f"/task/{answer.json['id']}/status").json == {
            "status": "pending"
        }

    def test_another_image_is_refused(self, world: Any, container: str) -> None:
        assert create(world, container, 3, image="img:2").status_code == 401

    def test_a_container_whose_run_ended_creates_nothing(self, world: Any, container: str) -> None:
        world.call("alpha-plain", "PATCH", "/run/1", {"status": "completed", "result": ""})
        assert create(world, container, 3).status_code == 401
        assert count(world, Task) == 1

    def test_a_repeated_subtask_is_created_once(self, world: Any, container: str) -> None:
        for _ in range(2):
            headers = {"Idempotency-Key": "x"}
            world.call(container, "POST", "/task", body(3), headers=headers)
        assert count(world, Task) == 2

    def test_deleting_a_task_takes_everything_below_it_along(
        self, world: Any, container: str
    ) -> None:
        heard: list[Any] = []
        create(world, container, 3)
        world.call("beta-plain", "PATCH", "/run/2", {"status": "completed", "result": "x"})
        world.services.bus.subscribe(heard.append)
        assert world.call("alpha_res", "DELETE", "/task/1").status_code == 200
        assert [count(world, model) for model in (Task, Run, TaskDatabase)] == [0, 0, 0]
        (killed,) = heard
        assert isinstance(killed, RunsKilled)
        assert sorted(run.run_id for run in killed.runs) == [1, 3]


class TestListing:
    @pytest.fixture(autouse=True)
    def tasks(self, world: Any) -> None:
        statuses = (
            "pending",
            "initializing",
            "active",
            "completed",
            "failed",
            "crashed",
            "killed by user",
        )
        for status in statuses:
            world.add_task(organization_ids=(2, 3), status=status)

    def ids(self, world: Any, who: str = "alpha_view", **query: Any) -> list[int]:
        answer = world.get(who, "/task", **query)
        assert answer.status_code == 200, answer.json
        return [task["id"] for task in answer.json["data"]]

    def test_the_newest_comes_first_whatever_is_asked(self, world: Any) -> None:
        assert self.ids(world, sort="id") == [7, 6, 5, 4, 3, 2, 1]

    @pytest.mark.parametrize(
        ("status", "expected"),
        [("pending", [1]), ("completed", [4]), ("failed", [5]), ("crashed", [6])],
    )
    def test_status_filters_by_what_is_shown(
        self, world: Any, status: str, expected: list[int]
    ) -> None:
        assert self.ids(world, status=status) == expected

    def test_an_unknown_status_is_refused(self, world: Any) -> None:
        assert world.get("alpha_view", "/task", status="done").status_code == 400

    def test_filters_that_fail_at_the_reference_work(self, world: Any) -> None:
        assert self.ids(world, run_id=3) == [2]
        with world.session() as session:
            session.get_one(Task, 2).name = "mean of age"
        assert self.ids(world, name="%of%") == [2]
        assert self.ids(world, name="of") == []

    def test_a_user_sees_own_tasks_only_with_the_narrowest_rule(self, world: Any) -> None:
        own = world.add_task(creator="alpha_own")
        assert self.ids(world, "alpha_own") == [own]
        assert self.ids(world, "alpha_own", init_user_id=world.identity("alpha_own")) == [own]
        assert world.get("alpha_own", "/task", collaboration_id=1).status_code == 401
        assert world.get("alpha_own", "/task/1").status_code == 401

    def test_a_container_sees_its_collaboration_only(self, world: Any) -> None:
        other = world.add_task(collaboration_id=2)
        world.add_container("container")
        assert other not in self.ids(world, "container")
        assert other in self.ids(world, "alpha-plain")
        assert world.get("container", f"/task/{other}").status_code == 401

    def test_runs_and_results_are_shown_only_with_the_rule_for_runs(self, world: Any) -> None:
        with world.session() as session:
            user = session.scalars(select(User).where(User.username == "alpha_none")).one()
            user.rules = [session.get_one(Rule, 29)]
        assert self.ids(world, "alpha_none")
        for part in ("runs", "results", "results,runs"):
            for path in ("/task", "/task/1"):
                assert world.get("alpha_none", path, include=part).status_code == 401

    def test_the_number_of_statements_does_not_grow_with_the_page(self, world: Any) -> None:
        def statements(size: int, include: str) -> int:
            with world.counting_statements() as seen:
                world.get("alpha_view", "/task", per_page=size, include=include)
            return len([each for each in seen if not each.startswith(("BEGIN", "UPDATE"))])

        world.get("alpha_view", "/task")
        for include in ("", "runs", "results,runs"):
            assert statements(7, include) == statements(1, include) <= 12

    def test_a_list_of_tasks_reads_no_inputs_and_results(self, world: Any) -> None:
        with world.counting_statements() as seen:
            world.get("alpha_view", "/task")
        assert not [each for each in seen if "run.input" in each or "run.result" in each]


def test_a_task_is_never_completed_before_its_results_can_be_read(world: Any) -> None:
    create(world, "alpha_res", 2)
    seen: list[tuple[str, Any]] = []

    def look(_event: object) -> None:
        status = world.get("alpha_view", "/task/1/status").json["status"]
        seen.append((status, world.get("alpha_view", "/result/1").json["result"]))

    world.services.bus.subscribe(look)
    world.call("alpha-plain", "PATCH", "/run/1", {"status": "active"})
    world.call("alpha-plain", "PATCH", "/run/1", {"status": "completed", "result": "cg=="})
    assert seen == [("active", None), ("completed", "cg==")]
