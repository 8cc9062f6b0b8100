"""Logging: where lines go, and which task, run and request each of them is about.

Identities are bound to the running context and end up in every line written there, also in
those of libraries::

    with bind(task_id=3, run_id=7):
        log.info("Started")            # 2026-11-25 ... - [task 3, run 7] Started
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from vantage6.common.errors import ConfigurationError

__all__ = [
    "DEFAULT_DATE_FORMAT",
    "DEFAULT_FORMAT",
    "DETACHED_VARIABLE",
    "IdentityFormatter",
    "OwnerKeepingFileHandler",
    "bind",
    "bound_identities",
    "configure_logging",
]

DEFAULT_FORMAT = "%(asctime)s - %(name)-14s - %(levelname)-8s - %(message)s"
DEFAULT_DATE_FORMAT = "%Y-%m-%d %H:%M:%S"
DETACHED_VARIABLE = "VANTAGE6_DETACHED"
"""Environment variable that a process in the background has."""
_KILOBYTE = 1024
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_MARK = "_vantage6_configured"
# These tell more than anybody wants to read, and in detail even tokens; a setting of their own
# makes them speak.
_CHATTY = ("docker", "engineio", "httpcore", "httpx", "socketio", "sqlalchemy.engine", "urllib3")
_COLOURS = {
    logging.DEBUG: "\033[36m",
    logging.INFO: "\033[32m",
    logging.WARNING: "\033[33m",
    logging.ERROR: "\033[31m",
    logging.CRITICAL: "\033[1;31m",
}
_NO_COLOUR = "\033[0m"

_identities: ContextVar[tuple[tuple[str, object], ...]] = ContextVar("identities", default=())


@contextmanager
def bind(**identities: object) -> Iterator[None]:
    """Add identities to every line logged inside the block, in this thread or task.

    Parameters
    ----------
    **identities : object
        For example ``task_id=3``; the ending ``_id`` is left out in the lines, and None removes
        an identity bound further out.
    """
    merged = {**dict(_identities.get()), **identities}
    kept = tuple((name, value) for name, value in merged.items() if value is not None)
    token = _identities.set(kept)
    try:
        yield
    finally:
        _identities.reset(token)


def bound_identities() -> dict[str, object]:
    """Return the identities bound here, for handing them to another thread's `bind`."""
    return dict(_identities.get())


def configure_logging(
    settings: Mapping[str, Any],
    log_file: str | Path | None = None,
    console: bool | None = None,  # noqa: FBT001 - the flag is the argument's whole meaning
) -> None:
    """Send log lines to a rotating file, to standard output, or to both.

    May be called again; what an earlier call set up is replaced, handlers of others stay.
    Libraries that tell every request are quiet below warnings, unless ``loggers`` names them.

    Parameters
    ----------
    settings : Mapping
        The section ``logging`` of a configuration: ``level``, ``format``, ``datefmt``,
        ``max_size`` in kilobytes, ``backup_count``, ``use_console``, ``loggers``.
    log_file : str or Path, optional
        The file; missing folders are made.
    console : bool, optional
        Whether to write to standard output; by default as ``use_console`` says, but not in the
        background, where it is a file that grows for as long as the process lives.

    Raises
    ------
    ConfigurationError
        If a level is unknown or the file cannot be written.
    """
    level = _level(settings.get("level", "INFO"), "logging.level")
    levels = [_logger_level(entry) for entry in settings.get("loggers") or ()]
    handlers: list[logging.Handler] = []
    if log_file is not None:
        handlers.append(_file_handler(Path(log_file), settings))
    if _uses_console(settings) if console is None else console:
        handlers.append(_console_handler(settings))
    _replace_handlers(handlers)
    logging.getLogger().setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name, single_level in levels:
        logging.getLogger(name).setLevel(single_level)
    logging.captureWarnings(capture=True)


class IdentityFormatter(logging.Formatter):
    """Puts the bound identities in front of the message, and colours the level if asked to.

    Parameters
    ----------
    line_format, date_format : str
        As for `logging.Formatter`.
    coloured : bool
        Whether the level is coloured.
    """

    def __init__(self, line_format: str, date_format: str, *, coloured: bool = False) -> None:
        super().__init__(line_format, date_format)
        self._coloured = coloured

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - name of the base class
        """Return the line without exception text."""
        shown = logging.makeLogRecord(record.__dict__)
        shown.message = _with_identities(record.getMessage())
        if self._coloured:
            # Padding first, so that colour codes do not count as width.
            colour = _COLOURS.get(record.levelno, "")
            shown.levelname = f"{colour}{record.levelname:<8}{_NO_COLOUR}"
        return super().formatMessage(shown)


class OwnerKeepingFileHandler(logging.handlers.RotatingFileHandler):
    """A rotating file whose new files belong to the same owner, with the same permissions.

    A service that is started once as root and then as its own user would otherwise lock itself
    out at the first rotation.
    """

    def doRollover(self) -> None:  # noqa: N802 - name of the base class
        """Start a new file."""
        path = Path(self.baseFilename)
        status = path.stat() if path.exists() else None
        super().doRollover()
        if status is not None:
            self._restore(path, status)

    def _restore(self, path: Path, status: os.stat_result) -> None:
        # Only root may give a file away; the permissions follow in any case.
        with suppress(OSError):
            path.chmod(status.st_mode & 0o7777)
        if hasattr(os, "chown"):
            with suppress(OSError):
                os.chown(path, status.st_uid, status.st_gid)


def _with_identities(message: str) -> str:
    # Text from outside must not be able to look like a line of its own.
    message = message.replace("\r", "").replace("\n", "\n    | ")
    identities = _identities.get()
    if not identities:
        return message
    shown = ", ".join(f"{name.removesuffix('_id')} {value}" for name, value in identities)
    return f"[{shown}] {message}"


def _uses_console(settings: Mapping[str, Any]) -> bool:
    return bool(settings.get("use_console", True)) and DETACHED_VARIABLE not in os.environ


def _formatter(settings: Mapping[str, Any], *, coloured: bool) -> logging.Formatter:
    try:
        return IdentityFormatter(
            settings.get("format") or DEFAULT_FORMAT,
            settings.get("datefmt") or DEFAULT_DATE_FORMAT,
            coloured=coloured,
        )
    except ValueError as error:
        raise ConfigurationError(
            f"The setting logging.format cannot be used ({error}); "
            f"write it like {DEFAULT_FORMAT!r}."
        ) from error


def _file_handler(path: Path, settings: Mapping[str, Any]) -> logging.Handler:
    formatter = _formatter(settings, coloured=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = OwnerKeepingFileHandler(
            path,
            maxBytes=int(settings.get("max_size", 1024)) * _KILOBYTE,
            backupCount=int(settings.get("backup_count", 5)),
            encoding="utf-8",
        )
    except OSError as error:
        raise ConfigurationError(
            f"The log file {path} cannot be written ({error.strerror}); "
            "set directories.log to a folder you may write to."
        ) from error
    handler.setFormatter(formatter)
    return handler


def _console_handler(settings: Mapping[str, Any]) -> logging.Handler:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_formatter(settings, coloured=sys.stdout.isatty()))
    return handler


def _replace_handlers(handlers: list[logging.Handler]) -> None:
    root = logging.getLogger()
    for earlier in [handler for handler in root.handlers if hasattr(handler, _MARK)]:
        root.removeHandler(earlier)
        earlier.close()
    for handler in handlers:
        setattr(handler, _MARK, True)
        root.addHandler(handler)


def _level(value: Any, setting: str) -> str:
    level = str(value).upper()
    if level not in _LEVELS:
        raise ConfigurationError(
            f"The setting {setting} is {value!r}; it has to be one of {', '.join(_LEVELS)}."
        )
    return level


def _logger_level(entry: Any) -> tuple[str, str]:
    if not isinstance(entry, Mapping) or not entry.get("name"):
        raise ConfigurationError(
            f"The setting logging.loggers holds {entry!r}; "
            "each entry has to be a mapping with name and level."
        )
    return str(entry["name"]), _level(entry.get("level"), f"logging.loggers, {entry['name']}")
