"""Organizations, collaborations and studies over REST: rules, filters, members, deletion."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from sqlalchemy import Table, func, select

from vantage6.common.enums import Operation, Scope
from vantage6.server.events.domain import KilledRun, RunsKilled
from vantage6.server.models import (
    AlgorithmPort,
    AlgorithmStore,
    Base,
    Collaboration,
    Member,
    Node,
    NodeConfig,
    Organization,
    Role,
    Rule,
    Run,
    Study,
    StudyMember,
    Task,
    TaskDatabase,
    User,
)


def _names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.json
    return sorted(item["name"] for item in answer.json["data"])


def _count(world: Any, model: type[Base] | Table, *conditions: Any) -> int:
    with world.services.work(write=False) as work:
        statement = select(func.count()).select_from(model).where(*conditions)
        return int(work.session.scalar(statement) or 0)


@pytest.fixture
def events(world: Any) -> list[object]:
    heard: list[object] = []
    world.services.bus.subscribe(heard.append)
    return heard


class TestOrganizationList:
    @pytest.mark.parametrize(
        ("who", "names"),
        [
            ("root", ["alpha", "beta", "gamma", "root"]),
            ("alpha_view", ["alpha", "beta", "gamma"]),
            ("beta_view", ["alpha", "beta"]),
            ("beta-plain", ["alpha", "beta"]),
        ],
    )
    def test_shows_oneself_and_partners(self, world: Any, who: str, names: list[str]) -> None:
        assert _names(world.get(who, "/organization")) == names

    def test_shows_a_container_only_the_collaboration_of_its_token(self, world: Any) -> None:
        world.add_container("algorithm")
        assert _names(world.get("algorithm", "/organization")) == ["alpha", "beta"]

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ({"name": "%a%a"}, ["alpha", "gamma"]),
            ({"country": "NL"}, ["alpha", "beta", "gamma"]),
            ({"country": "N_"}, []),
            ({"collaboration_id": 1}, ["alpha", "beta"]),
            ({"study_id": 1}, ["alpha"]),
            ({"ids": [2, 99]}, ["alpha"]),
            ({"collaboration_id": 99}, []),
        ],
    )
    def test_can_be_narrowed(self, world: Any, query: dict[str, Any], names: list[str]) -> None:
        assert _names(world.get("root", "/organization", **query)) == names

    @pytest.mark.parametrize("name", ["collaboration_id", "study_id", "ids"])
    @pytest.mark.parametrize("value", ["x", "1.0", "1,2"])
    def test_refuses_ids_that_are_none(self, world: Any, name: str, value: str) -> None:
        answer = world.get("root", "/organization", **{name: value})
        assert (answer.status_code, answer.json["field"]) == (400, name)

    def test_says_which_study_is_unknown(self, world: Any) -> None:
        answer = world.get("root", "/organization", study_id=99)
        assert (answer.status_code, answer.json["field"]) == (400, "study_id")

    @pytest.mark.parametrize("query", [{"collaboration_id": 2}, {"study_id": 1}])
    def test_other_collaborations_are_closed(self, world: Any, query: dict[str, int]) -> None:
        with world.session() as session:
            session.get_one(Study, 1).collaboration_id = 2
        assert world.get("beta_view", "/organization", **query).status_code == 401


class TestOrganization:
    def test_keys_are_shown_as_base64(self, world: Any) -> None:
        answer = world.get("beta_view", "/organization/2")
        assert base64.b64decode(answer.json["public_key"]) == b"KEY"
        assert world.get("root", "/organization/1").json["public_key"] == ""

    def test_is_seen_by_a_container_of_the_collaboration(self, world: Any) -> None:
        world.add_container("algorithm")
        assert world.get("algorithm", "/organization/3").status_code == 200
        assert world.get("algorithm", "/organization/4").status_code == 401

    def test_an_id_no_database_holds_does_not_exist(self, world: Any) -> None:
        assert world.get("root", f"/organization/{10**30}").status_code == 404
        assert world.get("root", "/organization/0").status_code == 404

    def test_the_right_to_create_is_asked_before_the_body_is_looked_at(self, world: Any) -> None:
        assert world.call("alpha_adm", "POST", "/organization", {"foo": 1}).status_code == 401

    def test_keys_with_line_breaks_are_accepted(self, world: Any) -> None:
        text = base64.encodebytes(b"k" * 100).decode()
        answer = world.call("root", "POST", "/organization", {"name": "new", "public_key": text})
        assert base64.b64decode(answer.json["public_key"]) == b"k" * 100

    def test_a_key_of_another_organization_changes_nothing_at_all(self, world: Any) -> None:
        body = {"public_key": "SzM=", "domain": "changed"}
        assert world.call("root", "PATCH", "/organization/3", body).status_code == 401
        assert world.get("root", "/organization/3").json["domain"] == "beta.org"

    def test_a_name_may_be_sent_unchanged(self, world: Any) -> None:
        answer = world.call("alpha_adm", "PATCH", "/organization/2", {"name": "alpha"})
        assert answer.status_code == 200

    @pytest.mark.parametrize(
        ("who", "status"),
        [("beta_adm", 401), ("alpha_view", 401), ("alpha-plain", 200), ("alpha_col", 200)],
    )
    def test_only_some_may_change_it(self, world: Any, who: str, status: int) -> None:
        answer = world.call(who, "PATCH", "/organization/2", {"domain": "x"})
        assert answer.status_code == status

    def test_a_container_cannot_change_it(self, world: Any) -> None:
        world.add_container("algorithm")
        assert world.call("algorithm", "PATCH", "/organization/2", {}).status_code == 403


class TestDeletingAnOrganization:
    @pytest.mark.parametrize("flag", [None, "false", "False", "0", "no"])
    def test_needs_the_flag_if_anything_depends_on_it(self, world: Any, flag: str | None) -> None:
        query = {} if flag is None else {"delete_dependents": flag}
        answer = world.call("root", "DELETE", "/organization/2", query=query)
        assert answer.status_code == 400
        assert _count(world, Organization) == 4

    def test_takes_along_what_belongs_to_it(self, world: Any, events: list[object]) -> None:
        task = world.add_task(organization_ids=(2, 3))
        child = world.add_task(organization_ids=(3,), parent_id=task)
        theirs = world.add_task(organization_ids=(2, 3), creator="beta_res")
        with world.session() as session:
            session.add(Role(name="r", organization_id=2))
            session.add(TaskDatabase(task_id=child, database="d"))
            session.add(AlgorithmPort(run_id=1, port=80))
            session.add(NodeConfig(node_id=2, key="k"))
        query = {"delete_dependents": "True"}
        assert world.call("root", "DELETE", "/organization/2", query=query).status_code == 200
        with world.services.work(write=False) as work:
            tasks = work.session.scalars(select(Task.id)).all()
            runs = work.session.execute(select(Run.task_id, Run.organization_id)).all()
            users = work.session.scalars(select(User.organization_id)).all()
        assert tasks == [theirs]
        assert runs == [(theirs, 3)]
        assert 2 not in users
        assert _count(world, Node, Node.organization_id == 2) == 0
        for model in (AlgorithmPort, TaskDatabase, NodeConfig):
            assert _count(world, model) == 0
        assert world.get("root", "/collaboration/1").status_code == 200
        assert _names(world.get("root", "/organization", collaboration_id=1)) == ["beta"]
        killed = {run.task_id for event in events for run in event.runs}  # type: ignore[attr-defined]
        assert killed == {task, child, theirs}


class TestCollaborationList:
    @pytest.mark.parametrize(
        ("who", "names"),
        [
            ("root", ["enc", "plain"]),
            ("alpha_view", ["enc", "plain"]),
            ("beta_view", ["plain"]),
            ("gamma-enc", ["enc"]),
        ],
    )
    def test_shows_those_of_the_own_organization(
        self, world: Any, who: str, names: list[str]
    ) -> None:
        assert _names(world.get(who, "/collaboration")) == names

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ({"encrypted": "1"}, ["enc"]),
            ({"encrypted": "True"}, ["enc"]),
            ({"encrypted": "0"}, ["plain"]),
            ({"encrypted": "False"}, ["plain"]),
            ({"name": "p%"}, ["plain"]),
            ({"organization_id": 4}, ["enc"]),
        ],
    )
    def test_can_be_narrowed(self, world: Any, query: dict[str, Any], names: list[str]) -> None:
        assert _names(world.get("root", "/collaboration", **query)) == names

    def test_can_be_narrowed_to_those_of_a_store(self, world: Any) -> None:
        with world.session() as session:
            session.add(AlgorithmStore(id=1, name="a", url="https://a", collaboration_id=2))
            session.add(AlgorithmStore(id=2, name="b", url="https://b"))
        assert _names(world.get("root", "/collaboration", algorithm_store_id=1)) == ["enc"]
        assert _names(world.get("root", "/collaboration", algorithm_store_id=2)) == ["enc", "plain"]

    def test_refuses_a_boolean_that_is_none(self, world: Any) -> None:
        answer = world.get("root", "/collaboration", encrypted="maybe")
        assert (answer.status_code, answer.json["field"]) == (400, "encrypted")

    def test_can_include_the_members(self, world: Any) -> None:
        answer = world.get("beta_view", "/collaboration", include="foo,organizations")
        members = answer.json["data"][0]["organizations"]
        assert [item["name"] for item in members] == ["alpha", "beta"]


class TestCollaboration:
    def test_is_seen_by_members_and_by_the_container_of_its_token(self, world: Any) -> None:
        world.add_container("algorithm")
        for who, path, status in (
            ("beta_view", "/collaboration/1", 200),
            ("beta_view", "/collaboration/2", 401),
            ("algorithm", "/collaboration/1", 200),
            ("algorithm", "/collaboration/2", 401),
        ):
            assert world.get(who, path).status_code == status

    def test_a_taken_name_is_told_before_missing_rights(self, world: Any) -> None:
        body = {"name": "plain", "organization_ids": [2], "encrypted": True}
        assert world.call("alpha_adm", "POST", "/collaboration", body).status_code == 400

    @pytest.mark.parametrize(
        ("value", "encrypted"), [(True, True), (1, True), (False, False), ("true", False)]
    )
    def test_only_json_true_and_one_encrypt(self, world: Any, value: Any, encrypted: bool) -> None:
        body = {"name": "new", "organization_ids": [2], "encrypted": value}
        answer = world.call("root", "POST", "/collaboration", body)
        assert answer.json["encrypted"] is encrypted

    def test_missing_rights_are_told_before_the_body_is_looked_at(self, world: Any) -> None:
        assert world.call("beta_adm", "PATCH", "/collaboration/1", {"x": 1}).status_code == 401
        assert world.call("root", "PATCH", "/collaboration/1", {"x": 1}).status_code == 400

    def test_replacing_members_also_empties_the_studies_of_those_who_left(self, world: Any) -> None:
        body = {"organization_ids": [3, 4]}
        assert world.call("root", "PATCH", "/collaboration/1", body).status_code == 200
        assert _names(world.get("root", "/organization", collaboration_id=1)) == ["beta", "gamma"]
        assert _names(world.get("root", "/organization", study_id=1)) == []

    def test_a_refused_member_list_leaves_the_rest_unchanged(self, world: Any) -> None:
        body = {"name": "changed", "organization_ids": [2]}
        assert world.call("alpha_col", "PATCH", "/collaboration/1", body).status_code == 401
        assert world.get("root", "/collaboration/1").json["name"] == "plain"

    def test_a_removed_member_leaves_the_studies_too(self, world: Any) -> None:
        answer = world.call("alpha_col", "DELETE", "/collaboration/1/organization", {"id": 2})
        assert [item["name"] for item in answer.json] == ["beta"]
        assert _count(world, StudyMember) == 0

    def test_members_are_added_once(self, world: Any) -> None:
        for _ in range(2):
            answer = world.call("alpha_col", "POST", "/collaboration/1/organization", {"id": 4})
            assert [item["name"] for item in answer.json] == ["alpha", "beta", "gamma"]

    def test_a_node_moves_between_collaborations(self, world: Any) -> None:
        body = {"id": 2}
        away = world.call("root", "DELETE", "/collaboration/1/node", body)
        assert away.status_code == 200
        assert world.get("root", "/node/2").json["collaboration"] is None
        back = world.call("root", "POST", "/collaboration/1/node", body)
        assert back.status_code == 201
        assert sorted(item["name"] for item in back.json) == ["alpha-plain", "beta-plain"]

    def test_an_organization_has_one_node_in_a_collaboration(self, world: Any) -> None:
        answer = world.call("root", "POST", "/collaboration/2/node", {"id": 2})
        assert answer.status_code == 400

    @pytest.mark.parametrize("who", ["alpha_col", "beta_adm", "alpha_res"])
    def test_deleting_needs_a_rule_of_its_own(self, world: Any, who: str) -> None:
        assert world.call(who, "DELETE", "/collaboration/1").status_code == 401

    def test_deleting_with_the_flag_leaves_nothing_behind(
        self, world: Any, events: list[object]
    ) -> None:
        with world.session() as session:
            session.add(AlgorithmStore(id=1, name="s", url="https://s", collaboration_id=1))
        task = world.add_task(study_id=1, organization_ids=(2, 3))
        other = world.add_task(collaboration_id=2)
        with world.session() as session:
            session.get_one(Task, task).algorithm_store_id = 1
        refused = world.call("root", "DELETE", "/collaboration/1")
        assert refused.status_code == 400
        query = {"delete_dependents": "1"}
        assert world.call("root", "DELETE", "/collaboration/1", query=query).status_code == 200
        with world.services.work(write=False) as work:
            assert work.session.scalars(select(Task.id)).all() == [other]
            assert work.session.scalars(select(Node.collaboration_id)).all() == [2, 2]
            members = work.session.scalars(select(Member.c.collaboration_id)).all()
        assert set(members) == {2}
        assert _count(world, Run) == 1
        for model in (Study, AlgorithmStore):
            assert _count(world, model) == 0
        assert events == [RunsKilled(1, (KilledRun(task, 1, 2), KilledRun(task, 2, 3)))]


class TestStudyList:
    @pytest.mark.parametrize(
        ("who", "names"),
        [
            ("root", ["s1"]),
            ("alpha_view", ["s1"]),
            ("beta_view", []),
            ("alpha_col", ["s1"]),
            ("alpha-enc", ["s1"]),
        ],
    )
    def test_shows_those_one_takes_part_in(self, world: Any, who: str, names: list[str]) -> None:
        assert _names(world.get(who, "/study")) == names

    @pytest.mark.parametrize(
        ("who", "query", "status"),
        [
            ("alpha_view", {"organization_id": 2}, 200),
            ("alpha_view", {"organization_id": 3}, 401),
            ("alpha_col", {"organization_id": 3}, 200),
            ("root", {"organization_id": 3}, 200),
            ("beta_view", {"collaboration_id": 1}, 200),
            ("beta_view", {"collaboration_id": 2}, 401),
            ("root", {"collaboration_id": 99}, 200),
            ("root", {"collaboration_id": "x"}, 400),
            ("root", {"name": "s%"}, 200),
        ],
    )
    def test_filters_need_rights(
        self, world: Any, who: str, query: dict[str, Any], status: int
    ) -> None:
        assert world.get(who, "/study", **query).status_code == status


class TestStudy:
    def test_an_unknown_collaboration_is_told_only_to_those_who_may_create_anywhere(
        self, world: Any
    ) -> None:
        body = {"name": "new", "collaboration_id": 99, "organization_ids": [2]}
        assert world.call("alpha_col", "POST", "/study", body).status_code == 401
        assert world.call("root", "POST", "/study", body).status_code == 404

    @pytest.mark.parametrize("who", ["alpha_adm", "beta_adm", "gamma_adm"])
    def test_others_cannot_create_one(self, world: Any, who: str) -> None:
        body = {"name": "new", "collaboration_id": 1, "organization_ids": [2]}
        assert world.call(who, "POST", "/study", body).status_code == 401

    def test_null_changes_nothing(self, world: Any) -> None:
        body = {"name": None, "organization_ids": None}
        answer = world.call("alpha_col", "PATCH", "/study/1", body)
        assert (answer.status_code, answer.json["name"]) == (200, "s1")
        assert len(answer.json["organizations"]) == 1

    def test_organization_scope_edits_the_study_but_not_its_members(self, world: Any) -> None:
        with world.session() as session:
            rule = session.scalars(
                select(Rule).where(
                    Rule.name == "study",
                    Rule.operation == Operation.EDIT,
                    Rule.scope == Scope.ORGANIZATION,
                )
            ).one()
            session.scalars(select(User).where(User.username == "alpha_none")).one().rules = [rule]
        change = world.call("alpha_none", "PATCH", "/study/1", {"name": "other"})
        member = world.call("alpha_none", "POST", "/study/1/organization", {"id": 3})
        assert (change.status_code, member.status_code) == (200, 401)

    def test_members_have_to_be_in_the_collaboration(self, world: Any) -> None:
        assert world.call("root", "POST", "/study/1/organization", {"id": 4}).status_code == 400

    def test_a_container_sees_the_study_of_its_collaboration(self, world: Any) -> None:
        world.add_container("algorithm")
        world.add_container("other", node="alpha-enc")
        assert world.get("algorithm", "/study/1").status_code == 200
        assert world.get("other", "/study/1").status_code == 401

    def test_deleting_with_the_flag_takes_the_tasks_along(self, world: Any) -> None:
        world.add_task(study_id=1, organization_ids=(2,))
        kept = world.add_task()
        assert world.call("alpha_col", "DELETE", "/study/1").status_code == 400
        query = {"delete_dependents": "true"}
        assert world.call("alpha_col", "DELETE", "/study/1", query=query).status_code == 200
        with world.services.work(write=False) as work:
            assert work.session.scalars(select(Task.id)).all() == [kept]
        assert _count(world, Run) == 1


def test_a_collaboration_can_be_deleted_without_dependents(world: Any) -> None:
    with world.session() as session:
        session.add(Collaboration(id=9, name="empty", encrypted=False))
    assert world.call("root", "DELETE", "/collaboration/9").status_code == 200
