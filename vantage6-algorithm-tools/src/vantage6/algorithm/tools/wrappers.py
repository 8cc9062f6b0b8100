"""Reading the node's databases into DataFrames.

Each kind has a module of its own in `vantage6.algorithm.tools.loaders`, which imports the library
it needs when it is used.
"""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from vantage6.algorithm.tools.environment import MissingVariableError, database_setting
from vantage6.algorithm.tools.util import error, fail, info
from vantage6.common.wire.container import database_variable

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "DatabaseType",
    "get_column_names",
    "load_csv_data",
    "load_data",
    "load_excel_data",
    "load_parquet_data",
    "load_requested",
    "load_sparql_data",
    "load_sql_data",
]


class DatabaseType(str, Enum):
    """Kinds of databases that can be read into a DataFrame."""

    CSV = "csv"
    SQL = "sql"
    EXCEL = "excel"
    SPARQL = "sparql"
    PARQUET = "parquet"


def load_data(
    database_uri: str | Path,
    db_type: str | None = None,
    query: str | None = None,
    sheet_name: str | None = None,
) -> pd.DataFrame:
    """Read a database into a DataFrame.

    Ends the run as failed if the kind is unknown or a query is missing.

    Parameters
    ----------
    database_uri : str or Path
        File name, connection string or address of the endpoint.
    db_type : str
        One of the values of `DatabaseType`.
    query : str, optional
        Query in SQL or SPARQL, which those kinds need.
    sheet_name : str, optional
        Sheet of an Excel file; the first by default.

    Returns
    -------
    pandas.DataFrame
        The data.
    """
    if db_type == DatabaseType.CSV:
        return load_csv_data(database_uri)
    if db_type == DatabaseType.PARQUET:
        return load_parquet_data(database_uri)
    if db_type == DatabaseType.EXCEL:
        return load_excel_data(database_uri, sheet_name)
    if db_type == DatabaseType.SQL:
        return load_sql_data(database_uri, _required_query(query, "SQL"))
    if db_type == DatabaseType.SPARQL:
        return load_sparql_data(database_uri, _required_query(query, "SPARQL"))
    return _refuse_type(db_type)


def get_column_names(
    database_uri: str | Path,
    db_type: str | None = None,
    query: str | None = None,
    sheet_name: str | None = None,
) -> list[str]:
    """Return the names of the columns that `load_data` gives for the same arguments."""
    if db_type == DatabaseType.CSV:
        from vantage6.algorithm.tools.loaders import csv

        return csv.column_names(database_uri)
    return list(load_data(database_uri, db_type, query, sheet_name).columns)


def load_csv_data(database_uri: str | Path) -> pd.DataFrame:
    """Read a file of comma-separated values."""
    from vantage6.algorithm.tools.loaders import csv

    return csv.load(database_uri)


def load_excel_data(database_uri: str | Path, sheet_name: str | None = None) -> pd.DataFrame:
    """Read a sheet of an Excel file, by default the first."""
    from vantage6.algorithm.tools.loaders import excel

    return excel.load(database_uri, sheet_name)


def load_parquet_data(database_uri: str | Path) -> pd.DataFrame:
    """Read a Parquet file."""
    from vantage6.algorithm.tools.loaders import parquet

    return parquet.load(database_uri)


def load_sql_data(database_uri: str | Path, query: str) -> pd.DataFrame:
    """Read the answer of an SQL database to a query."""
    from vantage6.algorithm.tools.loaders import sql

    return sql.load(database_uri, query)


def load_sparql_data(database_uri: str | Path, query: str) -> pd.DataFrame:
    """Read the answer of a SPARQL endpoint to a query."""
    from vantage6.algorithm.tools.loaders import sparql

    return sparql.load(database_uri, query)


def load_requested(label: str) -> pd.DataFrame:
    """Read a database that the task asks for, and apply the preprocessing the task names.

    Raises
    ------
    MissingVariableError
        If the node has no database with this label.
    """
    uri = database_setting(label, "DATABASE_URI")
    if uri is None:
        raise MissingVariableError(
            f"The node has no database {label!r} (no {database_variable(label, 'DATABASE_URI')} "
            "in the environment); choose one of the labels that it offers."
        )
    db_type = (database_setting(label, "DATABASE_TYPE") or DatabaseType.CSV.value).lower()
    info(f"Reading the database {label} of type {db_type}")
    frame = load_data(
        uri, db_type, database_setting(label, "QUERY"), database_setting(label, "SHEET_NAME")
    )
    steps = database_setting(label, "PREPROCESSING")
    return frame if steps is None else _preprocessed(frame, json.loads(steps))


def _preprocessed(frame: pd.DataFrame, steps: list[dict[str, Any]]) -> pd.DataFrame:
    from vantage6.algorithm.tools.preprocessing import preprocess_data

    return preprocess_data(frame, steps)


def _required_query(query: str | None, language: str) -> str:
    if not query:
        fail(
            f"A database of type {language.lower()} needs a query in {language}; "
            "give one with the database's label when the task is created."
        )
    return query


def _refuse_type(db_type: str | None) -> NoReturn:
    error(f"The database type {db_type!r} cannot be read into a DataFrame.")
    info(f"Types that can: {', '.join(kind.value for kind in DatabaseType)}")
    raise SystemExit(1)
