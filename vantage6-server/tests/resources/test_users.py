"""Users, roles and rules over REST; above all, that nobody hands out what they do not hold."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from vantage6.common.enums import Operation, Scope
from vantage6.server.models import Role, Rule, Task, User

NEW = {"username": "newuser", "email": "new@x.org", "password": "Passw0rd!"}
VIEWER, RESEARCHER, ORG_ADMIN, COL_ADMIN = 4, 5, 6, 7


def _names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.json
    return sorted(item.get("username", item.get("name")) for item in answer.json["data"])


def _total(answer: Any) -> int:
    assert answer.status_code == 200, answer.json
    return int(answer.headers["total-count"])


def _rule(world: Any, name: str, operation: str, scope: str) -> int:
    with world.services.work(write=False) as work:
        found = work.session.scalars(
            select(Rule.id).where(
                Rule.name == name,
                Rule.operation == Operation(operation),
                Rule.scope == Scope(scope),
            )
        ).one()
    return int(found)


def _add_role(world: Any, organization_id: int | None, *rule_ids: int, name: str = "own") -> int:
    with world.session() as session:
        rules = [session.get_one(Rule, identity) for identity in rule_ids]
        role = Role(name=name, organization_id=organization_id, rules=rules)
        session.add(role)
        session.flush()
        return role.id


def _give(
    world: Any, username: str, *, roles: tuple[int, ...] = (), rules: tuple[int, ...] = ()
) -> None:
    with world.session() as session:
        user = session.scalars(select(User).where(User.username == username)).one()
        user.roles = [session.get_one(Role, identity) for identity in roles]
        user.rules = [session.get_one(Rule, identity) for identity in rules]


class TestUserList:
    @pytest.mark.parametrize(
        ("who", "total"), [("root", 14), ("alpha_col", 13), ("alpha_adm", 7), ("beta_view", 3)]
    )
    def test_shows_the_users_within_reach(self, world: Any, who: str, total: int) -> None:
        assert _total(world.get(who, "/user")) == total

    @pytest.mark.parametrize("query", [{}, {"username": "alpha_adm"}, {"username": "alpha_non%"}])
    def test_without_a_rule_only_the_own_exact_name_is_answered(
        self, world: Any, query: dict[str, str]
    ) -> None:
        assert world.get("alpha_none", "/user", **query).status_code == 401
        own = world.get("alpha_none", "/user", username="alpha_none")
        assert _names(own) == ["alpha_none"]

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ({"username": "beta_%"}, ["beta_adm", "beta_res", "beta_view"]),
            ({"email": "gamma_adm@%"}, ["gamma_adm"]),
            ({"firstname": "fir%", "username": "%_own"}, ["alpha_own"]),
            ({"lastname": "nobody"}, []),
            ({"organization_id": 3}, ["beta_adm", "beta_res", "beta_view"]),
            ({"role_id": COL_ADMIN}, ["alpha_col"]),
            ({"rule_id": 31}, ["alpha_own"]),
            ({"last_seen_from": "2027-01-01"}, []),
        ],
    )
    def test_can_be_narrowed(self, world: Any, query: dict[str, Any], names: list[str]) -> None:
        assert _names(world.get("root", "/user", **query)) == names

    def test_can_be_narrowed_to_a_collaboration(self, world: Any) -> None:
        users = world.get("alpha_col", "/user", collaboration_id=1, per_page=50)
        assert {name.split("_")[0] for name in _names(users)} == {"alpha", "beta"}
        assert world.get("alpha_col", "/user", collaboration_id=99).status_code == 401

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("organization_id", "x"),
            ("collaboration_id", "x"),
            ("role_id", "x"),
            ("role_id", "999"),
            ("rule_id", "999"),
            ("last_seen_till", "x"),
        ],
    )
    def test_refuses_a_bad_filter_by_its_name(self, world: Any, name: str, value: str) -> None:
        answer = world.get("root", "/user", **{name: value})
        assert (answer.status_code, answer.json["field"]) == (400, name)

    def test_roles_of_other_organizations_are_no_filter(self, world: Any) -> None:
        role = _add_role(world, 3)
        assert world.get("alpha_adm", "/user", role_id=role).status_code == 401


class TestUser:
    def test_never_shows_secrets(self, world: Any) -> None:
        with world.session() as session:
            session.get_one(User, 8).otp_secret = "S" * 32
        answer = world.get("root", "/user/8")
        assert answer.json["otp_secret"] is None
        assert not {"password", "failed_login_attempts"} & set(answer.json)

    def test_permissions_are_the_union_of_roles_and_direct_rules(self, world: Any) -> None:
        _give(world, "alpha_none", roles=(VIEWER,), rules=(1, 29))
        identity = world.identity("alpha_none")
        answer = world.get("alpha_none", f"/user/{identity}", include_permissions="true")
        permissions = answer.json["permissions"]
        assert permissions["roles"] == [VIEWER]
        assert len(permissions["rules"]) == 16
        assert {1, 29} <= set(permissions["rules"])
        assert permissions["orgs_in_collabs"] == [2, 3, 4]

    def test_permissions_are_left_out_unless_asked_for(self, world: Any) -> None:
        answer = world.get("root", "/user/1", include_permissions="False")
        assert "permissions" not in answer.json

    def test_a_new_user_can_log_in(self, world: Any) -> None:
        answer = world.call("alpha_adm", "POST", "/user", NEW)
        assert answer.status_code == 201
        assert answer.json["organization"]["id"] == 2
        body = {"username": NEW["username"], "password": NEW["password"]}
        assert world.call(None, "POST", "/token/user", body).status_code == 200

    @pytest.mark.parametrize(
        ("who", "organization_id", "status"),
        [
            ("alpha_adm", 2, 201),
            ("alpha_adm", 3, 401),
            ("alpha_adm", 999, 401),
            ("alpha_col", 3, 201),
            ("alpha_col", 1, 401),
            ("root", 999, 404),
            ("root", None, 201),
            ("alpha_res", 2, 401),
        ],
    )
    def test_creating_needs_the_right_in_the_organization(
        self, world: Any, who: str, organization_id: int | None, status: int
    ) -> None:
        body = NEW | {"organization_id": organization_id}
        assert world.call(who, "POST", "/user", body).status_code == status

    @pytest.mark.parametrize(
        ("who", "role", "status"),
        [
            ("alpha_adm", VIEWER, 201),
            ("alpha_adm", RESEARCHER, 401),
            ("alpha_col", RESEARCHER, 201),
            ("alpha_adm", 1, 401),
            ("alpha_adm", 2, 201),
            ("root", 1, 201),
        ],
    )
    def test_only_roles_whose_rules_one_holds_can_be_given(
        self, world: Any, who: str, role: int, status: int
    ) -> None:
        assert world.call(who, "POST", "/user", NEW | {"roles": [role]}).status_code == status

    def test_a_role_of_another_organization_cannot_be_given(self, world: Any) -> None:
        role = _add_role(world, 3)
        assert world.call("root", "POST", "/user", NEW | {"roles": [role]}).status_code == 401

    def test_the_first_refused_role_leaves_no_user(self, world: Any) -> None:
        world.call("alpha_adm", "POST", "/user", NEW | {"roles": [VIEWER, 1]})
        assert _names(world.get("root", "/user", username="newuser")) == []

    @pytest.mark.parametrize(
        ("who", "whom", "body", "status"),
        [
            ("alpha_view", "alpha_view", {"firstname": "x"}, 200),
            ("alpha_view", "alpha_view", {"username": "another"}, 200),
            ("alpha_view", "alpha_adm", {"firstname": "x"}, 401),
            ("alpha_adm", "alpha_view", {"username": "another"}, 400),
            ("alpha_adm", "alpha_view", {"username": "alpha_view", "lastname": "x"}, 200),
            ("alpha_adm", "beta_view", {"firstname": "x"}, 401),
            ("alpha_col", "beta_view", {"firstname": "x"}, 200),
            ("alpha_view", "alpha_view", {"roles": [VIEWER]}, 401),
            ("root", "root", {"rules": [1]}, 401),
            ("alpha_adm", "alpha_none", {"roles": [VIEWER], "rules": [29]}, 200),
            ("alpha_adm", "alpha_none", {"rules": [33]}, 401),
            ("alpha_adm", "alpha_own", {"rules": []}, 401),
            ("alpha_adm", "alpha_col", {"roles": []}, 401),
            ("root", "alpha_col", {"roles": []}, 200),
            ("alpha_adm", "alpha_none", {"roles": [999]}, 404),
            ("alpha_adm", "alpha_none", {"rules": [999]}, 404),
            ("alpha_adm", "alpha_none", {"password": "Passw0rd!2"}, 400),
            ("alpha_adm", "alpha_none", {"email": "alpha_adm@x.org"}, 400),
            ("alpha_none", "alpha_none", {"firstname": "x"}, 401),
        ],
    )
    def test_changes_keep_to_the_rules(
        self, world: Any, who: str, whom: str, body: dict[str, Any], status: int
    ) -> None:
        path = f"/user/{world.identity(whom)}"
        assert world.call(who, "PATCH", path, body).status_code == status

    def test_a_refused_change_changes_nothing(self, world: Any) -> None:
        path = f"/user/{world.identity('alpha_none')}"
        body = {"firstname": "changed", "roles": [VIEWER], "rules": [1]}
        assert world.call("alpha_adm", "PATCH", path, body).status_code == 401
        assert world.get("root", path).json["firstname"] == "first"
        assert _total(world.get("root", "/role", user_id=world.identity("alpha_none"))) == 0

    def test_rights_are_read_at_each_request(self, world: Any) -> None:
        assert world.get("alpha_none", "/organization").status_code == 401
        _give(world, "alpha_none", roles=(VIEWER,))
        assert world.get("alpha_none", "/organization").status_code == 200

    def test_deleting_with_the_flag_takes_the_tasks_along(self, world: Any) -> None:
        task = world.add_task()
        world.add_task(parent_id=task, organization_ids=(3,))
        path = f"/user/{world.identity('alpha_res')}"
        assert world.call("alpha_adm", "DELETE", path).status_code == 400
        query = {"delete_dependents": "1"}
        assert world.call("alpha_adm", "DELETE", path, query=query).status_code == 200
        with world.services.work(write=False) as work:
            assert work.session.scalars(select(Task.id)).all() == []

    def test_users_may_delete_themselves_and_are_gone(self, world: Any) -> None:
        path = f"/user/{world.identity('alpha_view')}"
        assert world.call("alpha_view", "DELETE", path).status_code == 200
        assert world.get("alpha_view", path).status_code == 401

    def test_the_id_of_a_deleted_user_is_not_given_again(self, world: Any) -> None:
        last = world.identity("alpha_orgview")
        world.call("root", "DELETE", f"/user/{last}")
        assert world.call("root", "POST", "/user", NEW).json["id"] == last + 1


class TestRoleList:
    def test_shows_what_the_rules_reach(self, world: Any) -> None:
        for organization_id in (2, 3, 4):
            _add_role(world, organization_id)
        assert _total(world.get("root", "/role")) == 10
        assert _total(world.get("alpha_col", "/role")) == 10
        assert _total(world.get("alpha_adm", "/role")) == 8
        assert _total(world.get("alpha_none", "/role")) == 0

    def test_shows_the_roles_one_has_even_without_a_rule(self, world: Any) -> None:
        role = _add_role(world, 2)
        _give(world, "alpha_none", roles=(role,))
        assert _names(world.get("alpha_none", "/role")) == ["own"]

    def test_any_of_several_patterns_matches(self, world: Any) -> None:
        answer = world.get("root", "/role", name=["Root", "no%"])
        assert _names(answer) == ["Root", "node"]
        assert _names(world.get("root", "/role", description="What %")) == ["container", "node"]

    def test_can_be_narrowed_to_organizations(self, world: Any) -> None:
        _add_role(world, 2, name="a")
        _add_role(world, 3, name="b")
        assert _names(world.get("root", "/role", organization_id=[2, 3])) == ["a", "b"]
        assert world.get("alpha_adm", "/role", organization_id=[2, 3]).status_code == 401
        assert _names(world.get("alpha_col", "/role", collaboration_id=1)) == ["a", "b"]
        both = world.get("alpha_adm", "/role", organization_id=2, include_root="True")
        assert _total(both) == 8
        without = world.get("alpha_adm", "/role", organization_id=2, include_root="False")
        assert _names(without) == ["a"]

    def test_can_be_narrowed_to_a_user_or_rule(self, world: Any) -> None:
        own, theirs = world.identity("alpha_adm"), world.identity("beta_adm")
        assert _names(world.get("alpha_adm", "/role", user_id=own)) == ["Organization Admin"]
        assert world.get("alpha_adm", "/role", user_id=theirs).status_code == 401
        assert (
            world.get("alpha_none", "/role", user_id=world.identity("alpha_none")).json["data"]
            == []
        )
        assert _names(world.get("root", "/role", rule_id=33)) == [
            "Collaboration Admin",
            "Researcher",
            "Root",
        ]

    @pytest.mark.parametrize(
        ("name", "value", "status"),
        [("rule_id", "999", 404), ("user_id", "999", 400), ("organization_id", "x", 400)],
    )
    def test_unknown_records_in_filters_are_told(
        self, world: Any, name: str, value: str, status: int
    ) -> None:
        assert world.get("root", "/role", **{name: value}).status_code == status


class TestRole:
    @pytest.mark.parametrize("who", ["alpha_view", "beta_adm"])
    def test_default_roles_are_seen_by_who_may_view_roles(self, world: Any, who: str) -> None:
        assert world.get(who, "/role/1").status_code == 200

    def test_without_a_rule_only_the_own_roles_are_seen(self, world: Any) -> None:
        role = _add_role(world, 2)
        assert world.get("alpha_none", f"/role/{role}").status_code == 401
        assert world.get("alpha_none", "/role/4").status_code == 401
        _give(world, "alpha_none", roles=(role,))
        assert world.get("alpha_none", f"/role/{role}").status_code == 200

    @pytest.mark.parametrize(
        ("who", "rules", "status"),
        [
            ("alpha_adm", [29], 201),
            ("alpha_adm", [33], 401),
            ("alpha_col", [33], 201),
            ("alpha_col", [34], 401),
            ("alpha_view", [], 401),
            ("alpha_adm", [999], 404),
        ],
    )
    def test_only_rules_one_holds_go_into_a_role(
        self, world: Any, who: str, rules: list[int], status: int
    ) -> None:
        answer = world.call(who, "POST", "/role", {"name": "x", "rules": rules})
        assert answer.status_code == status

    def test_a_wider_rule_covers_a_narrower_one(self, world: Any) -> None:
        narrower = _rule(world, "task", "VIEW", "OWN")
        answer = world.call("alpha_adm", "POST", "/role", {"name": "x", "rules": [narrower]})
        assert answer.status_code == 201

    @pytest.mark.parametrize("method", ["POST", "PATCH"])
    def test_the_name_of_a_default_role_is_a_field_error(self, world: Any, method: str) -> None:
        role = _add_role(world, 2)
        path = "/role" if method == "POST" else f"/role/{role}"
        answer = world.call("root", method, path, {"name": "Viewer", "rules": []})
        assert answer.status_code == 400
        assert isinstance(answer.json["msg"], str)
        assert list(answer.json["errors"]) == ["name"]

    def test_null_and_absent_leave_a_field(self, world: Any) -> None:
        role = _add_role(world, 2, 29)
        body = {"name": None, "description": "new", "rules": None}
        answer = world.call("alpha_adm", "PATCH", f"/role/{role}", body)
        assert (answer.json["name"], answer.json["description"]) == ("own", "new")
        assert _total(world.get("root", "/rule", role_id=role)) == 1

    @pytest.mark.parametrize(
        ("who", "status"), [("alpha_adm", 200), ("beta_adm", 401), ("alpha_col", 200)]
    )
    def test_only_some_may_change_a_role(self, world: Any, who: str, status: int) -> None:
        role = _add_role(world, 2)
        assert world.call(who, "PATCH", f"/role/{role}", {"name": "x"}).status_code == status

    @pytest.mark.parametrize("who", ["alpha_adm", "alpha_col"])
    def test_roles_without_organization_belong_to_the_server(self, world: Any, who: str) -> None:
        role = _add_role(world, None)
        assert world.call(who, "PATCH", f"/role/{role}", {"name": "x"}).status_code == 401
        assert world.call("root", "PATCH", f"/role/{role}", {"name": "x"}).status_code == 200

    @pytest.mark.parametrize("method", ["PATCH", "DELETE"])
    def test_default_roles_stay_as_they_are(self, world: Any, method: str) -> None:
        body = {"description": "x"} if method == "PATCH" else None
        assert world.call("root", method, "/role/4", body).status_code == 400

    def test_a_role_in_use_is_deleted_only_with_the_flag(self, world: Any) -> None:
        role = _add_role(world, 2, 29)
        _give(world, "alpha_none", roles=(role,))
        path = f"/role/{role}"
        for flag in (None, "False", "0"):
            query = {} if flag is None else {"delete_dependents": flag}
            assert world.call("alpha_adm", "DELETE", path, query=query).status_code == 400
        done = world.call("alpha_adm", "DELETE", path, query={"delete_dependents": "True"})
        assert done.status_code == 200
        assert world.get("alpha_none", "/task").status_code == 401

    def test_single_rules_are_added_and_removed_by_who_holds_them(self, world: Any) -> None:
        role = _add_role(world, 2, 33)
        path = f"/role/{role}/rule"
        added = world.call("alpha_adm", "POST", f"{path}/29")
        assert (added.status_code, [rule["id"] for rule in added.json]) == (201, [29, 33])
        assert world.call("alpha_adm", "DELETE", f"{path}/33").status_code == 401
        removed = world.call("alpha_adm", "DELETE", f"{path}/29")
        assert (removed.status_code, [rule["id"] for rule in removed.json]) == (200, [33])
        assert world.call("alpha_adm", "DELETE", f"{path}/29").status_code == 404


class TestRules:
    @pytest.mark.parametrize(
        ("query", "total"),
        [
            ({"name": "port"}, 2),
            ({"operation": "v", "scope": "glo"}, 9),
            ({"operation": "VIEW", "scope": "GLOBAL"}, 9),
            ({"operation": "view"}, 0),
            ({"scope": "everything"}, 0),
            ({"operation": "s"}, 3),
            ({"scope": "own"}, 5),
            ({"role_id": VIEWER}, 15),
        ],
    )
    def test_can_be_narrowed_by_anyone(self, world: Any, query: dict[str, Any], total: int) -> None:
        assert _total(world.get("alpha_none", "/rule", **query)) == total

    def test_those_of_a_user_come_through_roles_or_directly(self, world: Any) -> None:
        _give(world, "alpha_none", roles=(VIEWER,), rules=(1, 29))
        identity = world.identity("alpha_none")
        assert _total(world.get("root", "/rule", user_id=identity)) == 16

    @pytest.mark.parametrize("name", ["role_id", "user_id"])
    @pytest.mark.parametrize("value", ["x", "999"])
    def test_unknown_records_in_filters_are_told(self, world: Any, name: str, value: str) -> None:
        answer = world.get("root", "/rule", **{name: value})
        assert (answer.status_code, answer.json["field"]) == (400, name)

    def test_cannot_be_written(self, world: Any) -> None:
        for method in ("POST", "PATCH", "DELETE"):
            assert world.call("root", method, "/rule/1", {}).status_code == 405

    def test_one_is_shown_to_any_user(self, world: Any) -> None:
        answer = world.get("alpha_none", "/rule/86")
        assert (answer.json["name"], answer.json["operation"]) == ("study", "DELETE")
