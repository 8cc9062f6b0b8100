"""Which container token belongs to which active run."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass

__all__ = ["ActiveRun", "TokenRegistry"]


@dataclass(frozen=True)
class ActiveRun:
    """A run that may speak through the proxy.

    Attributes
    ----------
    run_id, task_id, job_id : int
        Identities on the server.
    image : str
        Image reference exactly as in the task.
    """

    run_id: int
    task_id: int
    job_id: int
    image: str


class TokenRegistry:
    """Tells the proxy which run a token belongs to, while that run is active.

    Tokens never expire on the server; here one counts only between the start and the end of its
    run. Only digests are kept.
    """

    def __init__(self) -> None:
        self._runs: dict[bytes, ActiveRun] = {}
        self._lock = threading.Lock()

    def register(self, token: str, run: ActiveRun) -> None:
        """Let `token` speak for `run` from now on."""
        with self._lock:
            self._runs[_digest(token)] = run

    def forget(self, run_id: int) -> None:
        """Refuse all tokens of a run from now on."""
        with self._lock:
            self._runs = {key: run for key, run in self._runs.items() if run.run_id != run_id}

    def find(self, token: str) -> ActiveRun | None:
        """Return the active run a token speaks for, or None."""
        with self._lock:
            return self._runs.get(_digest(token))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
