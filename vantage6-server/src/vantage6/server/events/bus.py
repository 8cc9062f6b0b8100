"""The way from who records an event to who tells it on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

__all__ = ["EventBus", "Listener"]

Listener = Callable[[object], None]


class EventBus(Protocol):
    """Carries events to all listeners, on whichever instance they are.

    Delivery is not guaranteed: an event is a hint, and whoever needs certainty asks the database.
    """

    def publish(self, event: object) -> None:
        """Hand an event on; never raises because of a listener."""
        ...

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` with every event from now on."""
        ...
