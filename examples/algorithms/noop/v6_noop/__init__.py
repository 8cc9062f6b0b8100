"""An algorithm that does nothing, or exactly one thing that goes wrong.

It measures what a run costs beside its computation, and shows what becomes of runs that fail,
write no result, write rubbish, or talk without end.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any, NoReturn

from vantage6.algorithm.tools.util import get_env_var, info

__all__ = [
    "big",
    "exit_with",
    "flood",
    "garbage_output",
    "no_output",
    "noop",
    "raise_error",
    "sleep",
]

_MEBIBYTE = 1024 * 1024


def noop() -> dict[str, bool]:
    """Return at once."""
    return {"ok": True}


def sleep(seconds: float = 10.0, tag: str = "") -> dict[str, Any]:
    """Return after `seconds`, with the `tag` that tells runs apart."""
    info(f"sleeping {seconds} s")
    time.sleep(seconds)
    return {"slept": seconds, "tag": tag}


def big(mb: float = 1.0) -> dict[str, str]:
    """Return a text of `mb` MiB that does not compress well."""
    length = int(mb * _MEBIBYTE)
    block = os.urandom(_MEBIBYTE // 2).hex()
    return {"blob": (block * (length // _MEBIBYTE + 1))[:length]}


def raise_error(message: str = "a failure on purpose") -> NoReturn:
    """Fail with an exception."""
    raise RuntimeError(message)


def exit_with(code: int = 3) -> NoReturn:
    """End with an exit code of one's own."""
    sys.exit(code)


def no_output() -> NoReturn:
    """End well without writing a result."""
    sys.exit(0)


def garbage_output(size: int = 64) -> NoReturn:
    """End well with a result of `size` bytes that are neither JSON nor UTF-8."""
    with open(get_env_var("OUTPUT_FILE"), "wb") as file:  # noqa: PTH123 - pathlib costs start-up time
        file.write(b"\xff\x00" * (size // 2) + b"\xff" * (size % 2))
    sys.exit(0)


def flood(mb: float = 1.0) -> dict[str, float]:
    """Write `mb` MiB without a line break to the log."""
    for _ in range(int(mb * 16)):
        sys.stdout.write("x" * (_MEBIBYTE // 16))
    sys.stdout.flush()
    return {"mb": mb}
