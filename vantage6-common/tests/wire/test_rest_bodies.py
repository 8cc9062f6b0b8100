"""Bodies of organizations, users, roles and logins, field by field."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from marshmallow import Schema, ValidationError

from vantage6.common.enums import Operation, Scope
from vantage6.common.wire.rest.base import IdInput
from vantage6.common.wire.rest.collaboration import CollaborationInput
from vantage6.common.wire.rest.node import NodeChange, NodeInput
from vantage6.common.wire.rest.organization import OrganizationInput
from vantage6.common.wire.rest.role import RoleChange, RoleInput
from vantage6.common.wire.rest.rule import read_operation, read_scope
from vantage6.common.wire.rest.study import StudyChange, StudyInput
from vantage6.common.wire.rest.token import (
    ContainerTokenInput,
    NodeLogin,
    PasswordChange,
    UserLogin,
)
from vantage6.common.wire.rest.user import UserChange, UserInput

USER = {"username": "abc", "email": "a@b.org", "password": "Passw0rd!"}
COLLABORATION = {"name": "c", "organization_ids": [1], "encrypted": True}
STUDY = {"name": "s", "collaboration_id": 1, "organization_ids": [1]}
LOGIN = {"username": "u", "password": "p"}

ACCEPTED: list[tuple[type[Schema], dict[str, Any]]] = [
    (OrganizationInput, {"name": "a" * 128}),
    (OrganizationInput, {"name": "a", "public_key": ""}),
    (OrganizationInput, {"name": "a", "public_key": "S0VZ\n"}),
    (CollaborationInput, COLLABORATION),
    (CollaborationInput, COLLABORATION | {"organization_ids": ["1", 2]}),
    (StudyInput, STUDY),
    (NodeInput, {"collaboration_id": 1, "ip": "::1"}),
    (NodeInput, {"collaboration_id": "1", "organization_id": None, "name": None}),
    (UserInput, USER),
    (UserInput, USER | {"username": "a.b_c-1", "organization_id": None, "roles": [], "rules": [1]}),
    (RoleInput, {"name": "", "rules": []}),
    (RoleInput, {"name": "1" * 200, "rules": [1], "description": None}),
    (UserLogin, LOGIN),
    (UserLogin, LOGIN | {"mfa_code": None}),
    (ContainerTokenInput, {"task_id": 1, "image": "i"}),
    (PasswordChange, {"current_password": "", "new_password": "Passw0rd!"}),
    (IdInput, {"id": 2**31 - 1}),
]

REFUSED: list[tuple[type[Schema], dict[str, Any], str]] = [
    (OrganizationInput, {}, "name"),
    (OrganizationInput, {"name": ""}, "name"),
    (OrganizationInput, {"name": "123"}, "name"),
    (OrganizationInput, {"name": "a" * 129}, "name"),
    (OrganizationInput, {"name": None}, "name"),
    (OrganizationInput, {"name": "a", "country": "a" * 129}, "country"),
    (OrganizationInput, {"name": "a", "domain": None}, "domain"),
    (OrganizationInput, {"name": "a", "public_key": "!!!x"}, "public_key"),
    (OrganizationInput, {"name": "a", "public_key": "é"}, "public_key"),
    (OrganizationInput, {"name": "a", "id": 1}, "id"),
    (CollaborationInput, COLLABORATION | {"organization_ids": []}, "organization_ids"),
    (CollaborationInput, COLLABORATION | {"organization_ids": [1, 1]}, "organization_ids"),
    (CollaborationInput, COLLABORATION | {"organization_ids": [0]}, "organization_ids"),
    (CollaborationInput, COLLABORATION | {"organization_ids": None}, "organization_ids"),
    (CollaborationInput, COLLABORATION | {"encrypted": "maybe"}, "encrypted"),
    (CollaborationInput, COLLABORATION | {"encrypted": None}, "encrypted"),
    (StudyInput, STUDY | {"collaboration_id": 0}, "collaboration_id"),
    (StudyInput, STUDY | {"organization_ids": [2, 2]}, "organization_ids"),
    (NodeInput, {}, "collaboration_id"),
    (NodeInput, {"collaboration_id": 1, "ip": "10.0.0"}, "ip"),
    (NodeInput, {"collaboration_id": 1, "name": "1"}, "name"),
    (UserInput, USER | {"username": "ab"}, "username"),
    (UserInput, USER | {"username": "1abc"}, "username"),
    (UserInput, USER | {"username": "abc\n"}, "username"),
    (UserInput, USER | {"username": "a b"}, "username"),
    (UserInput, USER | {"username": "a" * 129}, "username"),
    (UserInput, USER | {"email": "nobody"}, "email"),
    (UserInput, USER | {"password": "weak"}, "password"),
    (UserInput, USER | {"firstname": None}, "firstname"),
    (UserInput, USER | {"roles": [0]}, "roles"),
    (UserInput, USER | {"rules": None}, "rules"),
    (RoleInput, {"rules": []}, "name"),
    (RoleInput, {"name": "a"}, "rules"),
    (RoleInput, {"name": "a", "rules": [], "description": "a" * 1025}, "description"),
    (RoleInput, {"name": "a", "rules": [], "description": 5}, "description"),
    (UserLogin, LOGIN | {"username": ""}, "username"),
    (UserLogin, LOGIN | {"password": "a" * 129}, "password"),
    (UserLogin, LOGIN | {"mfa_code": "1" * 11}, "mfa_code"),
    (UserLogin, LOGIN | {"mfa_code": True}, "mfa_code"),
    (NodeLogin, {"api_key": "abc"}, "api_key"),
    (ContainerTokenInput, {"task_id": 0, "image": "i"}, "task_id"),
    (ContainerTokenInput, {"task_id": 1, "image": ""}, "image"),
    (PasswordChange, {"current_password": "x", "new_password": "weak"}, "new_password"),
    (IdInput, {"id": 2**31}, "id"),
    (IdInput, {"id": "x"}, "id"),
    (IdInput, {"id": None}, "id"),
]


@pytest.mark.parametrize(("schema", "body"), ACCEPTED)
def test_good_bodies_are_accepted(schema: type[Schema], body: dict[str, Any]) -> None:
    assert schema().load(body)


@pytest.mark.parametrize(("schema", "body", "field"), REFUSED)
def test_bad_bodies_are_refused_by_the_name_of_the_field(
    schema: type[Schema], body: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        schema().load(body)
    assert list(caught.value.messages_dict) == [field]


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        (OrganizationInput, {}),
        (CollaborationInput, {"encrypted": False}),
        (StudyChange, {"name": None, "organization_ids": None, "collaboration_id": 5}),
        (NodeChange, {"name": None, "clear_ip": None}),
        (UserChange, {"password": "weak", "organization_id": 5}),
        (RoleChange, {"name": None, "description": None, "rules": None}),
    ],
)
def test_nothing_is_required_of_a_change(schema: type[Schema], body: dict[str, Any]) -> None:
    assert schema().load(body, partial=True).keys() == body.keys()


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, True), (1, True), (False, False), (0, False), ("true", False), ("1", False)],
)
def test_only_json_true_and_one_encrypt(value: Any, expected: bool) -> None:
    loaded = CollaborationInput().load(COLLABORATION | {"encrypted": value})
    assert loaded["encrypted"] is expected


@pytest.mark.parametrize(("value", "code"), [("005924", "005924"), (5924, "005924"), (None, None)])
def test_a_code_may_be_a_number(value: Any, code: str | None) -> None:
    assert UserLogin().load(LOGIN | {"mfa_code": value})["mfa_code"] == code


def test_a_key_is_read_as_the_uuid_it_is() -> None:
    text = "11111111-2222-3333-4444-555555555555"
    assert NodeLogin().load({"api_key": text.upper()})["api_key"] == UUID(text)


@pytest.mark.parametrize(
    ("text", "operation"), [("v", Operation.VIEW), ("SEND", Operation.SEND), ("view", None)]
)
def test_operations_have_a_letter_and_a_name(text: str, operation: Operation | None) -> None:
    assert read_operation(text) == operation


@pytest.mark.parametrize(
    ("text", "scope"), [("glo", Scope.GLOBAL), ("OWN", Scope.OWN), ("global", None)]
)
def test_scopes_have_a_short_and_a_long_name(text: str, scope: Scope | None) -> None:
    assert read_scope(text) == scope
