"""The tables of rules and roles are those of the contract."""

from __future__ import annotations

import csv
from pathlib import Path

from vantage6.common.enums import Operation, Scope
from vantage6.server.policy.principal import RuleKey
from vantage6.server.policy.roles import DEFAULT_ROLES
from vantage6.server.policy.rules import RULES, describe

DATA = Path(__file__).parents[3] / "tests" / "contract" / "data"


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _key(row: dict[str, str]) -> RuleKey:
    return RuleKey(row["resource"], Scope(row["scope"]), Operation(row["operation"]))


def test_rules_are_those_of_the_contract_in_its_order() -> None:
    rows = _rows("rules.csv")
    assert [_key(row) for row in rows] == list(RULES)
    assert [int(row["id"]) for row in rows] == list(range(1, len(RULES) + 1))


def test_default_roles_are_those_of_the_contract_in_its_order() -> None:
    expected: dict[str, list[RuleKey]] = {}
    for row in _rows("default-roles.csv"):
        expected.setdefault(row["role"], []).append(_key(row))
    assert {name: list(role.rules) for name, role in DEFAULT_ROLES.items()} == expected
    assert list(DEFAULT_ROLES) == [
        "Root",
        "container",
        "node",
        "Viewer",
        "Researcher",
        "Organization Admin",
        "Collaboration Admin",
    ]


def test_nodes_and_containers_hold_what_the_rule_list_marks() -> None:
    for role in ("node", "container"):
        marked = [_key(row) for row in _rows("rules.csv") if row[f"assigned_to_{role}"] == "1"]
        assert sorted(DEFAULT_ROLES[role].rules) == sorted(marked)


def test_only_the_roles_of_nodes_and_containers_never_lose_rules() -> None:
    assert {name for name, role in DEFAULT_ROLES.items() if role.only_grows} == {
        "node",
        "container",
    }


def test_every_rule_is_described_in_words_of_its_own() -> None:
    descriptions = [describe(rule) for rule in RULES]
    assert len(set(descriptions)) == len(RULES)
    assert descriptions[0] == "View nodes of everyone"
