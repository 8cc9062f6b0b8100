"""Names for how much the client tells."""

from __future__ import annotations

from enum import Enum

__all__ = ["LogLevel"]


class LogLevel(Enum):
    """Levels of the client's log, from most to least."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"
