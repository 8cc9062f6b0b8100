"""The client's own logger; the root logger belongs to the application.

Messages are shown on standard output, as bare text, as long as the application has not set up
logging of its own.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, TextIO

from vantage6.client.utils import LogLevel

__all__ = ["logger", "set_level", "show_messages"]

logger = logging.getLogger("vantage6.client")

if TYPE_CHECKING:
    _TextHandler = logging.StreamHandler[TextIO]
else:  # not generic at run time before Python 3.11
    _TextHandler = logging.StreamHandler


class _NotebookHandler(_TextHandler):
    """Writes to whatever standard output is at the moment, unless the application logs itself."""

    def __init__(self) -> None:
        super().__init__(sys.stdout)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the message; a root logger with handlers shows it already."""
        if logging.getLogger().handlers:
            return
        self.stream = sys.stdout
        super().emit(record)


def show_messages() -> None:
    """Make sure that messages are seen, once per process."""
    if not any(isinstance(handler, _NotebookHandler) for handler in logger.handlers):
        logger.addHandler(_NotebookHandler())


def set_level(level: LogLevel | str) -> None:
    """Set the level of the client's logger; an unknown one becomes DEBUG, with a warning."""
    name = level.value if isinstance(level, LogLevel) else str(level).upper()
    known = [known.value for known in LogLevel]
    if name in {*known, "WARNING"}:
        logger.setLevel("WARNING" if name == "WARN" else name)
        return
    logger.setLevel(logging.DEBUG)
    logger.warning(
        "Log level %r is unknown, so all messages are shown; use one of %s.",
        level,
        ", ".join(known),
    )
