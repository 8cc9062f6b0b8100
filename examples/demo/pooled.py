"""What one would compute with all records in one place; shares no code with the algorithms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

__all__ = ["Curve", "largest_difference", "pooled_average", "pooled_survival"]

_HALF = 0.5


@dataclass(frozen=True)
class Curve:
    """A survival function that steps down at each event time.

    Attributes
    ----------
    times : sequence of float
        Event times in days, ascending.
    survival : sequence of float
        Share alive just after each of them.
    """

    times: Sequence[float]
    survival: Sequence[float]

    @classmethod
    def of(cls, result: Mapping[str, Any]) -> Curve:
        """Return the curve in the answer of the algorithm."""
        return cls(result["times"], result["survival"])

    @property
    def median(self) -> float:
        """First time at which at most half are alive; nan if that never happens."""
        pairs = zip(self.times, self.survival, strict=True)
        return next((time for time, alive in pairs if alive <= _HALF), float("nan"))

    @property
    def last(self) -> float:
        """Share alive after the last event."""
        return self.survival[-1]


def pooled_average(records: Path, column: str) -> float:
    """Return the average of a column over all records."""
    return float(pd.read_csv(records)[column].mean())


def pooled_survival(records: Path, *, time: str, event: str) -> Curve:
    """Return the product-limit estimate over all records.

    Notes
    -----
    Kaplan and Meier, Journal of the American Statistical Association 53 (1958).
    """
    frame = pd.read_csv(records)[[time, event]].dropna().sort_values(time)
    times = frame[time]
    died = frame.loc[frame[event] == 1].groupby(time).size()
    at_risk = pd.Series({moment: int((times >= moment).sum()) for moment in died.index})
    survival = (1 - died / at_risk).cumprod()
    return Curve([float(moment) for moment in survival.index], [float(s) for s in survival])


def largest_difference(one: Curve, other: Curve) -> float:
    """Return the largest vertical distance of two curves; infinite if their times differ."""
    if list(one.times) != list(other.times):
        return float("inf")
    return max(abs(a - b) for a, b in zip(one.survival, other.survival, strict=True))
