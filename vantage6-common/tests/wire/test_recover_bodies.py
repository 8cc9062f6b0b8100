"""Bodies of requests for lost passwords and second factors."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import Schema, ValidationError

from vantage6.common.wire.rest.recover import (
    PasswordLost,
    PasswordReset,
    SecondFactorLost,
    SecondFactorReset,
)

LOGIN = {"username": "u", "password": "p"}
RESET = {"reset_token": "t", "password": "Passw0rd!"}


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        (PasswordLost, {"username": "u"}),
        (PasswordLost, {"email": "a@b.org"}),
        (PasswordLost, {"username": "u", "email": "a@b.org"}),
        (PasswordReset, RESET),
        (SecondFactorLost, LOGIN),
        (SecondFactorLost, LOGIN | {"email": None}),
        (SecondFactorLost, LOGIN | {"email": "whatever"}),
        (SecondFactorReset, {"reset_token": "t" * 1024}),
    ],
)
def test_good_bodies_are_accepted(schema: type[Schema], body: dict[str, Any]) -> None:
    assert schema().load(body) == body


@pytest.mark.parametrize(
    ("schema", "body", "field"),
    [
        (PasswordLost, {}, "_schema"),
        (PasswordLost, {"username": None}, "username"),
        (PasswordLost, {"username": "u" * 129}, "username"),
        (PasswordLost, {"email": "nobody"}, "email"),
        (PasswordLost, {"username": "u", "id": 1}, "id"),
        (PasswordReset, {"password": "Passw0rd!"}, "reset_token"),
        (PasswordReset, RESET | {"reset_token": "t" * 1025}, "reset_token"),
        (PasswordReset, RESET | {"reset_token": 1}, "reset_token"),
        (PasswordReset, RESET | {"password": "weak"}, "password"),
        (SecondFactorLost, {"username": "u"}, "password"),
        (SecondFactorLost, LOGIN | {"username": None}, "username"),
        (SecondFactorLost, LOGIN | {"mfa_code": "1"}, "mfa_code"),
        (SecondFactorReset, {}, "reset_token"),
    ],
)
def test_bad_bodies_are_refused_field_by_field(
    schema: type[Schema], body: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        schema().load(body)
    assert list(caught.value.normalized_messages()) == [field]
