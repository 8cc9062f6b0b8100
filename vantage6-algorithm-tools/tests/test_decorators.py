"""What decorators hand to a function, and in which order."""

from __future__ import annotations

import sys
from types import ModuleType

import pandas as pd
import pytest

from vantage6.algorithm.tools import decorators
from vantage6.algorithm.tools.decorators import (
    algorithm_client,
    data,
    database_connection,
    metadata,
)
from vantage6.algorithm.tools.environment import MissingVariableError


@pytest.fixture
def run_environment(set_encoded, tmp_path, make_token):
    """Variables of a run with the databases first, second and third."""
    (tmp_path / "token").write_text(f" {make_token()}\n")
    variables = {
        "HOST": "http://proxyserver",
        "PORT": "80",
        "API_PATH": "",
        "TOKEN_FILE": str(tmp_path / "token"),
        "INPUT_FILE": "/in",
        "OUTPUT_FILE": "/out",
        "TEMPORARY_FOLDER": "/mnt/tmp",
        "USER_REQUESTED_DATABASE_LABELS": "first,second,third",
    }
    for label in ("first", "second", "third"):
        (tmp_path / f"{label}.csv").write_text(f"name\n{label}\n")
        variables[f"{label.upper()}_DATABASE_URI"] = str(tmp_path / f"{label}.csv")
        variables[f"{label.upper()}_DATABASE_TYPE"] = "CSV"
    set_encoded(variables)
    return set_encoded


def names(*frames):
    return [frame["name"][0] for frame in frames]


def test_the_innermost_value_comes_first():
    @data(1)
    @algorithm_client
    def function(client, df, argument):
        return client, df, argument

    assert function("x", mock_client="client", mock_data=["df"]) == ("client", "df", "x")


def test_marks_of_both_decorators_are_on_the_outer_function():
    @algorithm_client
    @data()
    def function(df, client):
        """Do something."""

    assert function.wrapped_in_algorithm_client_decorator is True
    assert function.wrapped_in_data_decorator is True
    assert (function.__name__, function.__doc__) == ("function", "Do something.")


def test_a_client_of_this_run_is_made(run_environment):
    client = algorithm_client(lambda client: client)()
    assert client.base_path == "http://proxyserver:80"
    assert client.token == client.token.strip()
    assert (client.organization_id, client.image) == (2, "registry/image:1")


def test_the_token_is_announced(run_environment, capsys):
    algorithm_client(lambda client: client)()
    assert capsys.readouterr().out == "info > Reading token\n"


def test_one_database_is_read(run_environment):
    assert data(1)(names)() == ["first"]


def test_several_databases_arrive_in_reverse_as_in_version_4(run_environment):
    assert data(3)(names)() == ["third", "second", "first"]


def test_several_databases_arrive_as_named_if_the_algorithm_says_so(run_environment):
    function = data(3, in_user_order=True)(names)
    assert function() == ["first", "second", "third"]


def test_databases_beyond_the_number_are_ignored_with_a_warning(run_environment, capsys):
    assert data(2)(names)() == ["second", "first"]
    assert "warn > " in capsys.readouterr().out


@pytest.mark.parametrize("labels", ["first", ""])
def test_too_few_databases_end_the_run(run_environment, capsys, labels):
    run_environment({"USER_REQUESTED_DATABASE_LABELS": labels})
    with pytest.raises(SystemExit) as end:
        data(2)(names)()
    assert end.value.code == 1
    assert "error > The function needs 2 database(s)" in capsys.readouterr().out


def test_a_label_that_the_node_does_not_have_is_named(run_environment):
    run_environment({"USER_REQUESTED_DATABASE_LABELS": "fourth"})
    with pytest.raises(MissingVariableError, match="no database 'fourth'"):
        data(1)(lambda df: df)()


def test_preprocessing_of_the_task_is_applied(run_environment, tmp_path):
    (tmp_path / "first.csv").write_text("age\n10\n20\n30\n")
    run_environment(
        {
            "FIRST_PREPROCESSING": '[{"function": "filter_range", '
            '"parameters": {"column": "age", "min_": 15}}]'
        }
    )
    assert list(data(1)(lambda df: df["age"])()) == [20, 30]


def test_the_type_is_csv_unless_said_otherwise(run_environment, monkeypatch):
    monkeypatch.delenv("FIRST_DATABASE_TYPE")
    assert data(1)(names)() == ["first"]


def test_mock_data_keep_their_order():
    frames = [pd.DataFrame({"name": [name]}) for name in "ab"]
    assert data(2)(names)(mock_data=frames) == ["a", "b"]


def test_metadata_of_this_run_are_read(run_environment):
    run = metadata(lambda run: run)()
    assert (run.task_id, run.node_id, run.collaboration_id, run.organization_id) == (5, 7, 1, 2)
    assert str(run.temporary_directory) == "/mnt/tmp"
    assert (str(run.input_file), str(run.output_file)) == ("/in", "/out")


def test_metadata_can_be_given_by_a_test():
    assert metadata(lambda run, x: (run, x))(1, mock_metadata="m") == ("m", 1)


@pytest.fixture
def omop(run_environment, monkeypatch):
    """An OMOP database as first, and a stand-in for the optional library."""
    run_environment(
        {
            "FIRST_DATABASE_URI": "jdbc:postgresql://host/db",
            "FIRST_DB_PARAM_DBMS": "postgresql",
            "FIRST_DB_PARAM_USER": "u",
            "FIRST_DB_PARAM_PASSWORD": "p=w",
            "FIRST_DB_PARAM_CDM_DATABASE": "cdm",
            "FIRST_DB_PARAM_CDM_SCHEMA": "cdm_schema",
            "FIRST_DB_PARAM_RESULTS_SCHEMA": "results",
        }
    )
    connector = ModuleType("ohdsi.database_connector")
    connector.connect = lambda **given: given
    monkeypatch.setitem(sys.modules, "ohdsi", ModuleType("ohdsi"))
    monkeypatch.setitem(sys.modules, "ohdsi.database_connector", connector)
    monkeypatch.setattr("vantage6.algorithm.tools.metadata.OHDSI_AVAILABLE", True)
    return run_environment


def test_an_omop_connection_comes_with_its_metadata(omop):
    @metadata
    @database_connection(types=["OMOP"], include_metadata=True)
    def function(connection, meta_omop, meta_run, argument):
        return connection, meta_omop, meta_run, argument

    connection, meta_omop, meta_run, argument = function("x")
    assert connection == {
        "dbms": "postgresql",
        "connection_string": "jdbc:postgresql://host/db",
        "user": "u",
        "password": "p=w",
    }
    assert (meta_omop.database, meta_omop.cdm_schema) == ("cdm", "cdm_schema")
    assert (meta_omop.results_schema, meta_omop.dbms) == ("results", "postgresql")
    assert str(meta_omop.export_folder) == "/mnt/tmp/export"
    assert str(meta_omop.incremental_folder) == "/mnt/tmp/incremental"
    assert str(meta_omop.cohort_statistics_folder) == "/mnt/tmp/cohort_statistics"
    assert (meta_run.task_id, argument) == (5, "x")


def test_a_connection_may_come_alone_and_other_types_hand_over_nothing(omop):
    function = database_connection(["other", "omop"], include_metadata=False)
    omop({"USER_REQUESTED_DATABASE_LABELS": "second,first"})
    assert len(function(lambda *given: given)()) == 1


def test_the_password_is_not_written_to_the_log(omop, capsys):
    database_connection(["omop"])(lambda *given: given)()
    log = capsys.readouterr().out
    assert "jdbc:postgresql://host/db" in log
    assert "p=w" not in log


def test_a_missing_parameter_of_an_omop_database_ends_the_run(omop, monkeypatch, capsys):
    monkeypatch.delenv("FIRST_DB_PARAM_DBMS")
    with pytest.raises(SystemExit):
        database_connection(["omop"])(lambda *given: given)()
    assert "FIRST_DB_PARAM_DBMS is missing" in capsys.readouterr().out


def test_without_the_optional_library_the_run_ends(run_environment, capsys):
    assert decorators.OHDSI_AVAILABLE is False
    with pytest.raises(SystemExit):
        database_connection(["OMOP"])(lambda *given: given)()
    assert "error > OMOP databases need the package" in capsys.readouterr().out


def test_names_of_the_contract_can_be_imported_from_here():
    assert all(getattr(decorators, name) is not None for name in decorators.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = decorators.nonsense
