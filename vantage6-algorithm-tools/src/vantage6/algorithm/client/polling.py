"""How often to look whether something has ended."""

from __future__ import annotations

from collections.abc import Iterator

from vantage6.common.clock import Clock

__all__ = ["pauses"]

_SHORTEST = 0.05
_LONGEST = 300.0
_FRACTION = 0.1
_GROWTH = 1.5


def pauses(clock: Clock, limit: float) -> Iterator[float]:
    """Give the pauses to make between looks, without end.

    Each is a tenth of the time that has passed since the first was asked for, so that waiting
    adds at most about a tenth, and at least 0.05 s.

    Parameters
    ----------
    clock : Clock
        The time.
    limit : float
        Longest first pause in seconds; each further one may be longer by half, up to 300 s
        (contract, client-api section 3).
    """
    start = clock.monotonic()
    while True:
        elapsed = clock.monotonic() - start
        yield max(_SHORTEST, min(elapsed * _FRACTION, limit))
        limit = min(limit * _GROWTH, _LONGEST)
