"""Parquet files; needs the extra ``parquet``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vantage6.algorithm.tools.loaders.extra import require

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["load"]


def load(database_uri: str | Path) -> pd.DataFrame:
    """Read a file.

    Raises
    ------
    ImportError
        If neither the extra nor another library that pandas can use is installed.
    """
    require("parquet", "pyarrow", "fastparquet")
    import pandas as pd

    return pd.read_parquet(database_uri)
