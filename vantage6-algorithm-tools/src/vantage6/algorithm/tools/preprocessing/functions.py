"""The functions that a task may name as preprocessing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["dummy_preprocess", "filter_range"]


def filter_range(
    df: pd.DataFrame,
    column: str | None,
    min_: float | None = None,
    max_: float | None = None,
    include_min: bool = False,  # noqa: FBT001, FBT002 - the contract's
    include_max: bool = False,  # noqa: FBT001, FBT002 - the contract's
) -> pd.DataFrame:
    """Keep the rows whose value lies in a range.

    Parameters
    ----------
    df : pandas.DataFrame
        The data.
    column : str or None
        The column with the values, or the name of the index; None means the index.
    min_, max_ : float, optional
        Limits; None means no limit.
    include_min, include_max : bool
        Whether a value that equals the limit is kept.

    Returns
    -------
    pandas.DataFrame
        The rows in the range; a missing value is in no range that has a limit.
    """
    is_index = column is None or (column not in df.columns and column == df.index.name)
    values = df.index.to_series(index=df.index) if is_index else df[column]
    if min_ is not None:
        kept = values >= min_ if include_min else values > min_
        df, values = df[kept], values[kept]
    if max_ is not None:
        kept = values <= max_ if include_max else values < max_
        df = df[kept]
    return df


def dummy_preprocess(df: pd.DataFrame) -> pd.DataFrame:
    """Return the data as they are, for trying out the mechanism."""
    return df
