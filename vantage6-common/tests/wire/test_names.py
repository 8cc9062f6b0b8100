"""Names that travel: variables and folders of a run, rooms, claims of tokens."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vantage6.common.testing.tokens import make_token
from vantage6.common.wire.container import (
    database_variable,
    decode_value,
    encode_value,
    run_folder_name,
)
from vantage6.common.wire.paths import Path
from vantage6.common.wire.socket import collaboration_room, organization_room
from vantage6.common.wire.tokens import unverified_claims


@given(st.text())
def test_every_value_survives_the_encoding_of_variables(text: str) -> None:
    encoded = encode_value(text)

    assert decode_value(encoded) == text
    assert "=" not in encoded


@pytest.mark.parametrize("text", ["/mnt/data/x.json", "lower case", "A", "ÄÖ", "ABCDEFGH1!"])
def test_a_value_that_is_not_encoded_is_left_alone(text: str) -> None:
    assert decode_value(text) == text


def test_names_of_variables_and_folders() -> None:
    assert database_variable("my_db", "DATABASE_URI") == "MY_DB_DATABASE_URI"
    assert run_folder_name(12) == "task-000000012"


def test_names_of_rooms() -> None:
    assert collaboration_room(3) == "collaboration_3"
    assert organization_room(3, 4) == "collaboration_3_organization_4"


def test_paths_are_below_the_api_path() -> None:
    paths = [value for name, value in vars(Path).items() if name.isupper()]

    assert len(paths) > 40
    assert all(path.startswith("/") and not path.endswith("/") for path in paths)
    assert Path.ROLE_RULE.format(id=1, rule_id=2) == "/role/1/rule/2"


def test_claims_are_read_without_checking_the_signature() -> None:
    token = make_token(sub={"node_id": 3}, client_type="container")

    assert unverified_claims(f" {token}\n")["sub"] == {"node_id": 3}


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        "a.b.c.d",
        "a.!!!.c",
        f"a.{base64.urlsafe_b64encode(json.dumps([1]).encode()).decode()}.c",
    ],
)
def test_what_is_no_token_is_told(token: str) -> None:
    with pytest.raises(ValueError, match="log in again"):
        unverified_claims(token)
