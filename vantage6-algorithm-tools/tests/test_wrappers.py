"""Reading databases of every kind."""

from __future__ import annotations

import sqlite3
from urllib.parse import parse_qs

import httpx
import pandas as pd
import pytest

from vantage6.algorithm.tools.exceptions import DataReadError
from vantage6.algorithm.tools.loaders import extra, sparql
from vantage6.algorithm.tools.wrappers import (
    DatabaseType,
    get_column_names,
    load_csv_data,
    load_data,
)

EXPECTED = pd.DataFrame({"age": [10, 20], "name": ["ann", "bob"]})


@pytest.fixture
def csv_file(tmp_path):
    EXPECTED.to_csv(tmp_path / "data.csv", index=False)
    return tmp_path / "data.csv"


@pytest.fixture
def sqlite_file(tmp_path):
    file = tmp_path / "data.sqlite"
    connection = sqlite3.connect(file)
    EXPECTED.to_sql("people", connection, index=False)
    connection.close()
    return file


@pytest.mark.parametrize("kind", ["csv", DatabaseType.CSV])
def test_comma_separated_values_are_read(csv_file, kind):
    pd.testing.assert_frame_equal(load_data(str(csv_file), kind), EXPECTED)
    pd.testing.assert_frame_equal(load_csv_data(csv_file), EXPECTED)
    assert get_column_names(csv_file, "csv") == ["age", "name"]


def test_the_answer_of_an_sql_database_is_read(sqlite_file):
    frame = load_data(str(sqlite_file), "sql", "SELECT * FROM people")
    pd.testing.assert_frame_equal(frame, EXPECTED)
    assert get_column_names(f"sqlite:///{sqlite_file}", "sql", "SELECT age FROM people") == ["age"]


def test_per_cent_signs_and_colons_have_no_special_meaning_in_a_query(sqlite_file):
    query = "SELECT name, ' :x %s' AS odd FROM people WHERE name LIKE 'a%'"
    assert load_data(str(sqlite_file), "sql", query).to_dict("list") == {
        "name": ["ann"],
        "odd": [" :x %s"],
    }


def test_a_sheet_is_read_by_name_or_the_first(tmp_path):
    file = tmp_path / "data.xlsx"
    with pd.ExcelWriter(file) as writer:
        EXPECTED.to_excel(writer, sheet_name="first", index=False)
        EXPECTED[["age"]].to_excel(writer, sheet_name="second", index=False)
    pd.testing.assert_frame_equal(load_data(str(file), "excel"), EXPECTED)
    assert get_column_names(str(file), "excel", sheet_name="second") == ["age"]
    with pytest.raises(ValueError, match="third"):
        load_data(str(file), "excel", sheet_name="third")


def test_a_parquet_file_is_left_to_pandas(monkeypatch):
    monkeypatch.setattr(extra, "find_spec", lambda name: name == "pyarrow")
    monkeypatch.setattr(pd, "read_parquet", lambda uri: EXPECTED if uri == "/x.parquet" else None)
    assert load_data("/x.parquet", "parquet") is EXPECTED


@pytest.mark.parametrize(
    ("kind", "query"), [("excel", None), ("parquet", None), ("sql", "SELECT 1")]
)
def test_a_missing_extra_is_named(monkeypatch, kind, query):
    monkeypatch.setattr(extra, "find_spec", lambda _: None)
    with pytest.raises(ImportError, match=rf"install vantage6-algorithm-tools\[{kind}\]"):
        load_data("/x", kind, query)


def test_the_answer_of_a_sparql_endpoint_is_read():
    def endpoint(request):
        assert request.headers["accept"] == "text/csv"
        assert parse_qs(request.content.decode()) == {"query": ["SELECT ?age ?name {}"]}
        return httpx.Response(200, text="age,name\r\n10,ann\r\n20,bob\r\n")

    frame = sparql.load(
        "http://endpoint/sparql", "SELECT ?age ?name {}", handler=httpx.MockTransport(endpoint)
    )
    pd.testing.assert_frame_equal(frame, EXPECTED)


def test_a_sparql_endpoint_that_refuses_or_is_away_is_an_error_in_words():
    def away(_):
        raise httpx.ConnectError("refused")

    refusing = httpx.MockTransport(lambda _: httpx.Response(400, text="bad"))
    with pytest.raises(DataReadError, match="refused the query with status 400"):
        sparql.load("http://endpoint", "SELECT", handler=refusing)
    with pytest.raises(DataReadError, match=r"cannot be reached \(ConnectError\)"):
        sparql.load("http://endpoint", "SELECT", handler=httpx.MockTransport(away))


@pytest.mark.parametrize("kind", ["other", "omop", None, "CSV"])
def test_types_without_a_reader_end_the_run(kind, capsys):
    with pytest.raises(SystemExit) as end:
        load_data("/x", kind)
    assert end.value.code == 1
    log = capsys.readouterr().out
    assert log.startswith("error > ")
    assert "info > Types that can: csv, sql, excel, sparql, parquet\n" in log


@pytest.mark.parametrize("kind", ["sql", "sparql"])
def test_a_missing_query_ends_the_run(kind, capsys):
    with pytest.raises(SystemExit):
        load_data("/x", kind)
    assert capsys.readouterr().out.startswith(f"error > A database of type {kind} needs a query")
