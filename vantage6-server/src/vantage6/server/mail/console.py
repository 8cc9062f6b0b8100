"""Mails of a server without mail server."""

from __future__ import annotations

import logging
import sys

from vantage6.server.mail.base import Mail

__all__ = ["ConsoleMailer"]

_log = logging.getLogger(__name__)


class ConsoleMailer:
    """Takes the place of a mail server where none is configured.

    Mails hold tokens that open accounts. They are therefore shown on the terminal only where the
    configuration says that this is a set-up for development (section ``dev``), and never logged.

    Parameters
    ----------
    show : bool
        Whether to write mails to standard output.
    """

    def __init__(self, *, show: bool) -> None:
        self._show = show

    @property
    def reaches_users(self) -> bool:
        """Whether somebody at the terminal can read them."""
        return self._show

    def send(self, mail: Mail) -> None:
        """Show the mail, or log that there was one."""
        if not self._show:
            _log.info("the mail '%s' was not sent, because there is no section smtp", mail.subject)
            return
        sys.stdout.write(f"To: {mail.recipient}\nSubject: {mail.subject}\n\n{mail.text}\n")
        sys.stdout.flush()
