"""Checks of new tasks that need no database."""

from __future__ import annotations

import base64

import pytest

from vantage6.server.policy.principal import UserPrincipal
from vantage6.server.services.task_inputs import (
    RunInput,
    admits,
    input_problem,
    lacking_node,
    outside,
    stored_key,
)

USER = UserPrincipal(user_id=7, organization_id=2, username="ann")


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("text", "plain_ok", "encrypted_ok"),
    [
        (b64(b'{"method": "m"}'), True, False),
        (b64("äöü".encode()), True, False),
        ("", True, False),
        ("//6A", False, True),
        (f"{b64(bytes(range(128, 256)))}${b64(b'x' * 16)}${b64(b'cipher')}", False, True),
        ("a", False, False),
        ("ä", False, False),
        (None, False, False),
        (b64(b"text " * 1_000_000), True, False),
        (b64(b"\xff" * 2_000_000), False, True),
    ],
)
def test_inputs_fit_their_collaboration(
    text: str | None, plain_ok: bool, encrypted_ok: bool
) -> None:
    assert (input_problem(text, encrypted=False) is None) is plain_ok
    assert (input_problem(text, encrypted=True) is None) is encrypted_ok


def test_a_character_that_the_look_at_a_long_input_cuts_is_no_problem() -> None:
    text = b64("ä".encode() * 1_000_000)
    assert input_problem(text, encrypted=False) is None


def test_only_numbers_name_organizations() -> None:
    runs = [RunInput(value, "") for value in (2, "2", True, 5)]
    assert outside(runs, {1, 2}) == ["2", True, 5]


def test_every_mention_of_an_organization_needs_a_node() -> None:
    runs = [RunInput(value, "") for value in (2, 3, 2, 4)]
    assert lacking_node(runs, {2: 20, 3: 30}) == [2, 4]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], True),
        ([("allowed_users", "7")], True),
        ([("allowed_users", "ann")], True),
        ([("allowed_users", "8")], False),
        ([("allowed_users", "8"), ("allowed_orgs", "2")], True),
        ([("allowed_orgs", "alpha")], True),
        ([("allowed_orgs", "7")], False),
        ([("allowed_users", "2")], False),
    ],
)
def test_one_matching_row_of_a_node_lets_a_user_in(
    rows: list[tuple[str, str]], expected: bool
) -> None:
    assert admits(rows, USER, "alpha") is expected


def test_the_key_of_a_request_belongs_to_its_caller() -> None:
    other = UserPrincipal(user_id=8, organization_id=2)
    assert stored_key(USER, None) is None
    assert stored_key(USER, "k") == stored_key(USER, "k")
    assert len({stored_key(USER, "k"), stored_key(USER, "l"), stored_key(other, "k")}) == 3
