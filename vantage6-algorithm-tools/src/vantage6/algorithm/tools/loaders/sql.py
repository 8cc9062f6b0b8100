"""SQL databases; needs the extra ``sql``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vantage6.algorithm.tools.loaders.extra import require

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["load"]


def load(database_uri: str | Path, query: str) -> pd.DataFrame:
    """Read the answer to a query.

    Parameters
    ----------
    database_uri : str or Path
        Connection string, or the absolute name of a file that ends in ``.sqlite``.
    query : str
        The query, sent as it is: per cent signs and colons have no special meaning.

    Raises
    ------
    ImportError
        If the extra is not installed.
    """
    require("sql", "sqlalchemy")
    import pandas as pd
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    engine = create_engine(_connection_string(str(database_uri)), poolclass=NullPool)
    with engine.connect().execution_options(no_parameters=True) as connection:
        return pd.read_sql_query(query, connection)


def _connection_string(uri: str) -> str:
    is_file = uri.startswith("/") and uri.endswith(".sqlite")
    return f"sqlite:///{uri}" if is_file else uri
