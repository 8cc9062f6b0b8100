"""The part that each organization computes on its own records."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from vantage6.algorithm.tools.decorators import data
from vantage6.algorithm.tools.exceptions import PrivacyThresholdViolation, UserInputError
from vantage6.algorithm.tools.util import check_envvar_value_positive, get_env_var

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["partial_average"]

_MINIMUM_COUNT_VARIABLE = "AVERAGE_MINIMUM_COUNT"
_DEFAULT_MINIMUM_COUNT = 10


@data(1)
def partial_average(df: pd.DataFrame, column_name: str) -> dict[str, float | int]:
    """Return the sum and the number of the values in a column of this organization.

    Parameters
    ----------
    df : pandas.DataFrame
        Given by the platform.
    column_name : str
        Name of a numeric column.

    Returns
    -------
    dict
        ``sum`` in the column's unit, ``count`` of the records with a value, ``missing`` of those
        without.

    Raises
    ------
    UserInputError
        If there is no such column, or it holds something other than finite numbers.
    PrivacyThresholdViolation
        If there are fewer values than the organization's administrator allows
        (``AVERAGE_MINIMUM_COUNT``, by default 10), whose sum would tell too much about each.
    """
    values = _numbers(df, column_name)
    _require_minimum(len(values), column_name)
    return {
        "sum": math.fsum(values),
        "count": len(values),
        "missing": len(df) - len(values),
    }


def _numbers(df: pd.DataFrame, column_name: str) -> list[float]:
    """Return the values that are not missing."""
    if column_name not in df.columns:
        raise UserInputError(
            f"There is no column {column_name!r} in the data; choose one of those it has."
        )
    column: Any = df[column_name].dropna()
    try:
        values = [float(value) for value in column]
    except (TypeError, ValueError, OverflowError):
        # The cause stays behind: its text would quote a value of the data.
        values = [math.nan]
    if not all(map(math.isfinite, values)):
        raise UserInputError(
            f"The column {column_name!r} does not hold finite numbers only; choose a numeric one."
        )
    return values


def _require_minimum(count: int, column_name: str) -> None:
    minimum = get_env_var(_MINIMUM_COUNT_VARIABLE, default=_DEFAULT_MINIMUM_COUNT, as_type="int")
    check_envvar_value_positive(_MINIMUM_COUNT_VARIABLE, minimum)
    if count < max(minimum, 1):
        raise PrivacyThresholdViolation(
            f"The column {column_name!r} has fewer values than the {minimum} that this "
            "organization requires, so their sum is not disclosed."
        )
