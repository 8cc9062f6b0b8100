"""Inputs of waiting runs, in memory as far as they are not too large together."""

from __future__ import annotations

import threading

__all__ = ["InputShelf"]

_LIMIT = 192 * 1024 * 1024


class InputShelf:
    """Saves a second download of most inputs; one that does not fit is fetched again.

    Parameters
    ----------
    limit : int, optional
        How many characters are kept together.
    """

    def __init__(self, limit: int = _LIMIT) -> None:
        self._limit = limit
        self._size = 0
        self._texts: dict[int, str] = {}
        self._lock = threading.Lock()

    def put(self, run_id: int, text: str | None) -> None:
        """Keep an input, if there is room."""
        with self._lock:
            if text and run_id not in self._texts and self._size + len(text) <= self._limit:
                self._texts[run_id] = text
                self._size += len(text)

    def get(self, run_id: int) -> str | None:
        """Return an input, or None if it is not here."""
        with self._lock:
            return self._texts.get(run_id)

    def drop(self, run_id: int) -> None:
        """Make room."""
        with self._lock:
            self._size -= len(self._texts.pop(run_id, ""))
