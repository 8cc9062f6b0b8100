"""Files of comma-separated values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["column_names", "load"]


def load(database_uri: str | Path) -> pd.DataFrame:
    """Read a file with the defaults of ``pandas.read_csv``."""
    import pandas as pd

    return pd.read_csv(database_uri)


def column_names(database_uri: str | Path) -> list[str]:
    """Return the names in the file's first line, without reading the rest."""
    import pandas as pd

    return list(pd.read_csv(database_uri, nrows=0).columns)
