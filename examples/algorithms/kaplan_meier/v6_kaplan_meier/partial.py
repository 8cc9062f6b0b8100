"""The part that each organization computes on its own records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vantage6.algorithm.tools.decorators import data
from vantage6.algorithm.tools.exceptions import PrivacyThresholdViolation, UserInputError
from vantage6.algorithm.tools.util import check_envvar_value_positive, get_env_var

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["partial_event_table"]

_MINIMUM_COUNT_VARIABLE = "KAPLAN_MEIER_MINIMUM_COUNT"
_DEFAULT_MINIMUM_COUNT = 10


@data(1)
def partial_event_table(df: pd.DataFrame, time_column: str, event_column: str) -> dict[str, Any]:
    """Return how many records of this organization leave observation at each time.

    Parameters
    ----------
    df : pandas.DataFrame
        Given by the platform.
    time_column : str
        Column with the time under observation; numbers, not negative.
    event_column : str
        Column that is 1 (or true) if the event happened at that time and 0 if the record was
        censored.

    Returns
    -------
    dict
        Lists of equal length: distinct ``times`` ascending, ``events`` at each, and ``leaving``,
        the number of records with that time. ``missing`` counts records that lack the time or
        the event; they are left out.

    Raises
    ------
    UserInputError
        If a column is missing or holds other values than described.
    PrivacyThresholdViolation
        If there are fewer complete records than the organization's administrator allows
        (``KAPLAN_MEIER_MINIMUM_COUNT``, by default 10).
    """
    complete = _complete_records(df, time_column, event_column)
    _require_minimum(len(complete))
    per_time = complete.groupby("time", sort=True)["event"].agg(["sum", "count"])
    return {
        "times": [float(time) for time in per_time.index],
        "events": [int(number) for number in per_time["sum"]],
        "leaving": [int(number) for number in per_time["count"]],
        "missing": len(df) - len(complete),
    }


def _complete_records(df: pd.DataFrame, time_column: str, event_column: str) -> pd.DataFrame:
    """Return times and events as numbers, without the records that lack one of them."""
    import pandas as pd

    for column in (time_column, event_column):
        if column not in df.columns:
            raise UserInputError(
                f"There is no column {column!r} in the data; choose one of those it has."
            )
    complete = pd.DataFrame({"time": df[time_column], "event": df[event_column]}).dropna()
    # What is no number becomes a missing value, so that no message quotes the data.
    numbers = complete.apply(pd.to_numeric, errors="coerce").astype(float)
    if not numbers["time"].between(0, float("inf"), inclusive="left").all():
        raise UserInputError(
            f"The column {time_column!r} does not hold finite numbers of 0 or more only; "
            "choose the column with the time under observation."
        )
    if not numbers["event"].isin([0, 1]).all():
        raise UserInputError(
            f"The column {event_column!r} holds other values than 0 and 1; "
            "choose one that is 1 for an event and 0 for a censored record."
        )
    return numbers


def _require_minimum(count: int) -> None:
    minimum = get_env_var(_MINIMUM_COUNT_VARIABLE, default=_DEFAULT_MINIMUM_COUNT, as_type="int")
    check_envvar_value_positive(_MINIMUM_COUNT_VARIABLE, minimum)
    if count < max(minimum, 1):
        raise PrivacyThresholdViolation(
            f"There are fewer complete records than the {minimum} that this organization "
            "requires, so their times are not disclosed."
        )
