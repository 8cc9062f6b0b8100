"""The event bus of a single process."""

from __future__ import annotations

import logging

from vantage6.server.events.bus import Listener

__all__ = ["LocalBus"]

_log = logging.getLogger(__name__)


class LocalBus:
    """Calls the listeners at once, in the order they came."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def publish(self, event: object) -> None:
        """Hand an event to every listener; one that fails does not disturb the others."""
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:  # noqa: BLE001 - it is stored; a lost hint must not fail the request
                _log.exception("could not deliver %s", type(event).__name__)

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` with every event from now on."""
        self._listeners.append(listener)
