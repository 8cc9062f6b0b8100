"""Lines for people at a terminal: ``[info ] - text`` (contract, cli section 1.1).

Unlike the released command line, errors go to standard error, so that scripts can tell them
from results; colours are written to terminals only.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec, TextIO, TypeVar

from vantage6.common.errors import V6Error

__all__ = ["debug", "echo", "error", "info", "plain", "run_command", "warning"]

P = ParamSpec("P")
R = TypeVar("R")

_LABELS = {"debug": "debug", "info": "info ", "warn": "warn ", "error": "error"}
_COLOURS = {"debug": "36", "info": "32", "warn": "33", "error": "31"}


def echo(text: str, level: str = "info") -> None:
    """Print a line with its level: ``debug``, ``info``, ``warn`` or ``error``."""
    stream = sys.stderr if level == "error" else sys.stdout
    label = _coloured(_LABELS.get(level, level), _COLOURS.get(level, ""), stream)
    _print(f"[{label}] - {text}", stream)


def info(text: str) -> None:
    """Print what happened."""
    echo(text, "info")


def warning(text: str) -> None:
    """Print what deserves attention."""
    echo(text, "warn")


def error(text: str) -> None:
    """Print, to standard error, what went wrong and what to do."""
    echo(text, "error")


def debug(text: str) -> None:
    """Print what only developers want to know."""
    echo(text, "debug")


def plain(text: str = "") -> None:
    """Print a line without a level, as tables have them."""
    _print(text, sys.stdout)


def run_command(command: Callable[P, R]) -> Callable[P, R]:
    """Wrap a command so that an error of ours ends it with one line and exit code 1."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except V6Error as problem:
            error(str(problem))
            raise SystemExit(1) from None

    return wrapped


def _coloured(text: str, code: str, stream: TextIO) -> str:
    wanted = stream.isatty() and "NO_COLOR" not in os.environ
    return f"\033[{code}m{text}\033[0m" if wanted and code else text


def _print(text: str, stream: TextIO) -> None:
    try:
        print(text, file=stream, flush=True)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        print(text.encode(encoding, "replace").decode(encoding), file=stream, flush=True)
