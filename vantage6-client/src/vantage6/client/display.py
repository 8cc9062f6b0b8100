"""What the client shows on the terminal; the library's logic only calls it at its edges."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["WaitingLine", "show_second_factor"]

_SPINNER = "|/-\\"


class WaitingLine:
    r"""One line that is rewritten while a task runs, on a terminal only.

    Parameters
    ----------
    task_id : int
        The task that is waited for.
    """

    def __init__(self, task_id: int) -> None:
        self._task_id = task_id
        self._spinner = itertools.cycle(_SPINNER)
        self._width = 0

    @property
    def visible(self) -> bool:
        """Whether anybody can see a line that is rewritten."""
        return sys.stdout is not None and sys.stdout.isatty()

    def waiting(self, seconds: float) -> None:
        """Show that the task still runs after `seconds`."""
        self._show(
            f"{next(self._spinner)} Waiting for task {self._task_id}... ({int(seconds)}s)", end=""
        )

    def done(self, seconds: float, outcome: str) -> None:
        """Show how the task ended, and leave the line."""
        self._show(f"Task {self._task_id} {outcome} in {int(seconds)} seconds.", end="\n")

    def interrupted(self) -> None:
        """Leave the line as it is."""
        if self.visible and self._width:
            sys.stdout.write("\n")
            sys.stdout.flush()

    def _show(self, text: str, end: str) -> None:
        if not self.visible:
            return
        sys.stdout.write(f"\r{text.ljust(self._width)}{end}")
        sys.stdout.flush()
        self._width = len(text)


def show_second_factor(answer: Mapping[str, Any]) -> None:
    """Print the QR code with which an authenticator app learns the second factor.

    Parameters
    ----------
    answer : Mapping
        The server's answer, with ``qr_uri`` and ``otp_secret``.
    """
    from vantage6.common.client.utils import print_qr_code

    print_qr_code(dict(answer))
