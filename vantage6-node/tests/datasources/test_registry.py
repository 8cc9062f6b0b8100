"""All data sources of a node together, and what one run gets of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vantage6.common.errors import ConfigurationError
from vantage6.node.datasources import DataSources, requested_databases
from vantage6.node.runner.base import Bind


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "patients.csv"
    path.write_text("age,sex\n1,f\n")
    return path


@pytest.fixture
def sources(table: Path) -> DataSources:
    return DataSources.from_settings(
        [
            {"label": "default", "uri": str(table), "type": "csv"},
            {
                "label": "my_omop",
                "uri": "jdbc:postgresql://host/db",
                "type": "omop",
                "env": {"password": "secret"},
            },
        ]
    )


def wanted(label: str, **parameters: object) -> dict[str, str]:
    return {"label": label, "parameters": json.dumps(parameters)}


def test_a_run_gets_the_sources_it_asks_for_and_no_others(
    sources: DataSources, table: Path
) -> None:
    data = sources.resolve(requested_databases([wanted("default")]))

    assert data.databases == {"default": Bind(table, "/mnt/data/default.csv")}
    assert data.types == {"default": "csv"}
    assert data.environment == {
        "USER_REQUESTED_DATABASE_LABELS": "default",
        "DB_LABELS": "default,my_omop",
    }


def test_credentials_go_to_runs_that_ask_for_the_source(sources: DataSources) -> None:
    data = sources.resolve(requested_databases([wanted("my_omop")]))

    assert data.databases == {"my_omop": "jdbc:postgresql://host/db"}
    assert data.environment["MY_OMOP_DB_PARAM_PASSWORD"] == "secret"


def test_labels_keep_the_order_of_the_user(sources: DataSources) -> None:
    data = sources.resolve(requested_databases([wanted("my_omop"), wanted("default")]))

    assert data.environment["USER_REQUESTED_DATABASE_LABELS"] == "my_omop,default"


def test_parameters_of_the_task_become_variables(sources: DataSources) -> None:
    steps = [{"function": "filter_range", "parameters": {"column": "Age", "min_": 18}}]
    data = sources.resolve(
        requested_databases(
            [
                wanted(
                    "default",
                    query="SELECT 1",
                    sheet_name="S1",
                    preprocessing=steps,
                    arguments={"a": 1},
                )
            ]
        )
    )

    assert data.environment["DEFAULT_QUERY"] == "SELECT 1"
    assert data.environment["DEFAULT_SHEET_NAME"] == "S1"
    assert data.environment["DEFAULT_PREPROCESSING"] == json.dumps(steps)
    assert data.arguments == {"default": {"a": 1}}


def test_a_label_the_node_does_not_have_is_told(sources: DataSources) -> None:
    data = sources.resolve(requested_databases([wanted("other_one")]))

    assert data.missing == ("other_one",)
    assert data.environment["USER_REQUESTED_DATABASE_LABELS"] == "other_one"


def test_a_task_without_databases_gets_none(sources: DataSources) -> None:
    data = sources.resolve(requested_databases(None))

    assert data.databases == {}
    assert data.environment["USER_REQUESTED_DATABASE_LABELS"] == ""


@pytest.mark.parametrize(
    "databases",
    [
        [{"label": "a", "parameters": "[1]"}],
        [{"label": "a", "parameters": "{"}],
        [{"parameters": "{}"}],
        ["a"],
    ],
)
def test_databases_of_a_task_that_cannot_be_read_are_refused(databases: object) -> None:
    with pytest.raises(ValueError, match="create the task again"):
        requested_databases(databases)


def test_labels_that_differ_in_case_only_are_refused(table: Path) -> None:
    entries = [{"label": name, "uri": str(table), "type": "csv"} for name in ("abc", "Abc")]

    with pytest.raises(ConfigurationError, match="'abc' and 'Abc' are the same in capital letters"):
        DataSources.from_settings(entries)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        DataSources.from_settings(
            [
                {"label": "1", "uri": "x", "type": "csv"},
                {"label": "a", "uri": "/nowhere/a.csv", "type": "csv"},
            ]
        )

    assert [line.split()[1] for line in str(caught.value).splitlines()] == ["database", "file"]


def test_a_mapping_of_labels_to_files_is_understood(table: Path) -> None:
    sources = DataSources.from_settings({"default": str(table)})

    assert sources.types == {"default": "csv"}


@pytest.mark.parametrize("nothing", [None, [], {}])
def test_a_node_may_have_no_data(nothing: None) -> None:
    assert DataSources.from_settings(nothing).labels == ()


def test_in_a_container_the_files_are_where_they_were_mounted(tmp_path: Path) -> None:
    (tmp_path / "default.csv").write_text("a\n")
    sources = DataSources.from_settings(
        [{"label": "default", "uri": "/host/only.csv", "type": "csv"}],
        mount_folder=tmp_path,
        environment={"DEFAULT_DATABASE_URI": "default.csv"},
    )

    data = sources.resolve(requested_databases([wanted("default")]))
    assert data.databases == {"default": Bind(tmp_path / "default.csv", "/mnt/data/default.csv")}


def test_columns_are_given_for_csv_files_only(sources: DataSources) -> None:
    assert sources.columns() == {"default": ["age", "sex"]}


def test_a_file_that_cannot_be_read_has_no_columns(sources: DataSources, table: Path) -> None:
    table.unlink()

    assert sources.columns() == {}
