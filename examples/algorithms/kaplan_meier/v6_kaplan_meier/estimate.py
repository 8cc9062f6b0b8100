"""The estimate itself, from counts per time; independent of where the counts come from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import NormalDist

__all__ = ["INTERVALS", "EventTable", "SurvivalCurve", "kaplan_meier", "merge"]

INTERVALS = ("log", "log-log", "plain")
_HALF = 0.5
# A product of fractions that should be one half can miss it by rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class EventTable:
    """Counts per distinct time.

    Attributes
    ----------
    events : Mapping of float to int
        Number of events at each time.
    leaving : Mapping of float to int
        Number of records with each time, whether with an event or censored.
    """

    events: Mapping[float, int]
    leaving: Mapping[float, int]


@dataclass(frozen=True)
class SurvivalCurve:
    """A Kaplan-Meier estimate, with one entry per time at which an event happened.

    Attributes
    ----------
    times : list of float
        Distinct event times, ascending, in the unit of the data.
    at_risk, events : list of int
        Records under observation just before each time, and events at it.
    survival : list of float
        Estimated probability to have no event until after each time.
    standard_error, lower, upper : list of float or None
        Greenwood's standard error and confidence limits of the survival; None where the
        survival is zero, since the variance is not defined there.
    median, median_lower, median_upper : float or None
        First time at which the survival, or its limit, is at most one half; None if it never is.
    """

    times: list[float]
    at_risk: list[int]
    events: list[int]
    survival: list[float]
    standard_error: list[float | None]
    lower: list[float | None]
    upper: list[float | None]
    median: float | None
    median_lower: float | None
    median_upper: float | None


def merge(tables: Iterable[EventTable]) -> EventTable:
    """Return the counts of disjoint groups of records together: their sums per time."""
    events: dict[float, int] = {}
    leaving: dict[float, int] = {}
    for table in tables:
        for total, part in ((events, table.events), (leaving, table.leaving)):
            for time, count in part.items():
                total[time] = total.get(time, 0) + count
    return EventTable(events, leaving)


def kaplan_meier(
    table: EventTable, *, confidence_level: float = 0.95, interval: str = "log"
) -> SurvivalCurve:
    """Return the product-limit estimate of the survival function.

    Parameters
    ----------
    table : EventTable
        Counts per time.
    confidence_level : float
        Coverage of the pointwise limits, between 0 and 1.
    interval : str
        Scale on which the limits are symmetric: ``"log"`` (of the survival), ``"log-log"``
        (of the cumulative hazard) or ``"plain"``. Limits are kept between 0 and 1.

    Notes
    -----
    Survival is the product of ``1 - d/n`` over the event times, with `d` events among `n` at risk
    (Kaplan and Meier, JASA 53, 1958). Records censored at an event time count as at risk at it.
    Its variance is the squared survival times the sum of ``d / (n (n - d))`` (Greenwood, Reports
    on Public Health 33, 1926). Limits after Kalbfleisch and Prentice, The Statistical Analysis of
    Failure Time Data (2002), section 1.4; limits of the median after Brookmeyer and Crowley,
    Biometrics 38 (1982).
    """
    z = NormalDist().inv_cdf(0.5 + confidence_level / 2)
    times: list[float] = []
    at_risk: list[int] = []
    events: list[int] = []
    survival: list[float] = []
    errors: list[float | None] = []
    lower: list[float | None] = []
    upper: list[float | None] = []
    remaining = sum(table.leaving.values())
    surviving, hazard_variance = 1.0, 0.0
    for time in sorted(table.leaving):
        died = table.events.get(time, 0)
        if died:
            surviving *= 1 - died / remaining
            if died < remaining:
                hazard_variance += died / (remaining * (remaining - died))
            spread = math.sqrt(hazard_variance)
            low, high = _limits(surviving, z * spread, interval)
            times.append(time)
            at_risk.append(remaining)
            events.append(died)
            survival.append(surviving)
            errors.append(surviving * spread if surviving else None)
            lower.append(low)
            upper.append(high)
        remaining -= table.leaving[time]
    return SurvivalCurve(
        times=times,
        at_risk=at_risk,
        events=events,
        survival=survival,
        standard_error=errors,
        lower=lower,
        upper=upper,
        median=_first_at_half(times, survival),
        median_lower=_first_at_half(times, lower),
        median_upper=_first_at_half(times, upper),
    )


def _limits(
    survival: float, relative: float, interval: str
) -> tuple[float, float] | tuple[None, None]:
    """Return the limits; `relative` is the half width relative to the survival."""
    if survival == 0:
        return None, None
    if interval == "plain":
        half = survival * relative
        return max(0.0, survival - half), min(1.0, survival + half)
    if interval == "log":
        return survival * math.exp(-relative), min(1.0, survival * math.exp(relative))
    hazard = -math.log(survival)
    return (
        math.exp(-hazard * math.exp(relative / hazard)),
        math.exp(-hazard * math.exp(-relative / hazard)),
    )


def _first_at_half(times: list[float], curve: Iterable[float | None]) -> float | None:
    """Return the first time at which a curve is at most one half; None counts as not known."""
    return next(
        (
            time
            for time, value in zip(times, curve, strict=True)
            if value is not None and value <= _HALF + _ROUNDING
        ),
        None,
    )
