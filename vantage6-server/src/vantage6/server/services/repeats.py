"""Recognizing a wrong password that is sent a second time right after the first."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading

from vantage6.common.clock import Clock

__all__ = ["Repeats"]

_WINDOW = 10.0


class Repeats:
    """Remembers for seconds which password was sent last for an account.

    Released clients send every refused request twice (contract, rest-api section 5), which would
    count one mistake as two. Somebody who guesses gains nothing: only the *same* guess is free.

    Parameters
    ----------
    window : float
        Seconds for which a password is remembered, as a digest with a key of this process.
    """

    def __init__(self, clock: Clock, window: float = _WINDOW) -> None:
        self._clock = clock
        self._window = window
        self._key = secrets.token_bytes(32)
        self._last: dict[int, tuple[float, bytes]] = {}
        self._lock = threading.Lock()

    def is_repeat(self, user_id: int, password: str) -> bool:
        """Tell whether the same was sent just before; a third time is no repeat any more."""
        digest = hmac.new(self._key, password.encode(), hashlib.sha256).digest()
        with self._lock:
            now = self._clock.monotonic()
            self._forget(now)
            known = self._last.pop(user_id, None)
            if known is not None and hmac.compare_digest(known[1], digest):
                return True
            self._last[user_id] = (now, digest)
            return False

    def _forget(self, now: float) -> None:
        old = [user for user, (then, _) in self._last.items() if now - then > self._window]
        for user in old:
            del self._last[user]
