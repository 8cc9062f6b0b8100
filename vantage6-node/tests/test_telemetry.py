"""What the server learns about the node."""

from __future__ import annotations

from pathlib import Path

from vantage6.node.datasources import DataSources
from vantage6.node.telemetry import node_info
from vantage6.node.testing.station import settings_for_tests


def test_the_payload_has_the_form_of_the_contract(tmp_path: Path) -> None:
    file = tmp_path / "patients.csv"
    file.write_text("age,sex\n1,2\n")
    policies = {
        "allowed_algorithms": ["img"],
        "allowed_users": [5],
        "allowed_organizations": ["Registry"],
    }
    sources = [
        {"label": "default", "uri": str(file), "type": "csv"},
        {"label": "omop", "uri": "postgresql://x", "type": "omop"},
    ]
    info = node_info(
        is_encrypted=False,
        policies=settings_for_tests(policies=policies).policies,
        sources=DataSources.from_settings(sources),
    )

    assert info == {
        "encryption": False,
        "allowed_algorithms": ["img"],
        "allowed_users": ["5"],
        "allowed_orgs": ["Registry"],
        "database_labels": ["default", "omop"],
        "database_types": {"db_type_default": "csv", "db_type_omop": "omop"},
        "database_columns": {"columns_default": ["age", "sex"]},
    }


def test_keys_of_policies_that_are_not_set_are_left_out() -> None:
    policies = {"allowed_algorithm_stores": ["https://store.test/api"]}
    info = node_info(
        is_encrypted=False,
        policies=settings_for_tests(policies=policies).policies,
        sources=DataSources(),
    )

    assert info == {
        "encryption": False,
        "allowed_algorithms": "all",
        "database_labels": [],
        "database_types": {},
    }


def test_an_encrypted_collaboration_keeps_column_names_from_the_server(tmp_path: Path) -> None:
    file = tmp_path / "patients.csv"
    file.write_text("age,sex\n1,2\n")
    info = node_info(
        is_encrypted=True,
        policies=settings_for_tests().policies,
        sources=DataSources.from_settings([{"label": "default", "uri": str(file), "type": "csv"}]),
    )

    assert info["database_labels"] == ["default"]
    assert "database_columns" not in info
