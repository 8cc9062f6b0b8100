"""Excel files; needs the extra ``excel``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vantage6.algorithm.tools.loaders.extra import require

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["load"]


def load(database_uri: str | Path, sheet_name: str | None = None) -> pd.DataFrame:
    """Read a sheet, by default the first.

    Raises
    ------
    ImportError
        If the extra is not installed.
    ValueError
        If there is no such sheet.
    """
    require("excel", "openpyxl")
    import pandas as pd

    return pd.read_excel(database_uri, sheet_name=sheet_name or 0)
