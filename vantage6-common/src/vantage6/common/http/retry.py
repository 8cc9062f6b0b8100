"""How often and how soon something that failed is tried again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Backoff", "RetryPolicy"]


@dataclass(frozen=True)
class RetryPolicy:
    """A bounded number of attempts with growing pauses between them.

    Parameters
    ----------
    attempts : int
        How often to try altogether; 1 means never again.
    first_delay, max_delay : float
        Shortest and longest pause, in seconds.
    factor : float
        By how much each pause is longer than the one before.
    jitter : float
        Each pause is made longer or shorter by up to this fraction, so that many clients that
        lost the same server do not come back in step.
    """

    attempts: int = 5
    first_delay: float = 0.2
    factor: float = 2.0
    max_delay: float = 10.0
    jitter: float = 0.1

    def delays(self) -> Iterator[float]:
        """Give the pauses in seconds, one fewer than there are attempts."""
        delay = self.first_delay
        for _ in range(self.attempts - 1):
            yield _spread(min(delay, self.max_delay), self.jitter)
            delay *= self.factor


class Backoff:
    """Growing pauses for a loop that never gives up.

    Parameters
    ----------
    first, maximum : float
        Shortest and longest pause, in seconds.
    factor : float
        By how much each pause is longer than the one before.
    jitter : float
        Each pause is made longer or shorter by up to this fraction.
    """

    def __init__(
        self,
        first: float = 0.5,
        maximum: float = 30.0,
        factor: float = 2.0,
        jitter: float = 0.1,
    ) -> None:
        self._first = first
        self._maximum = maximum
        self._factor = factor
        self._jitter = jitter
        self._delay = first

    def next(self) -> float:
        """Return the pause to make now, in seconds; the following one is longer."""
        delay = self._delay
        self._delay = min(delay * self._factor, self._maximum)
        return _spread(delay, self._jitter)

    def reset(self) -> None:
        """Start over with the shortest pause, because something worked."""
        self._delay = self._first


def _spread(delay: float, jitter: float) -> float:
    return delay * random.uniform(1 - jitter, 1 + jitter)  # noqa: S311 - spreads load, no secret
