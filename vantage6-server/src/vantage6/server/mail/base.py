"""What a mail is, and what delivers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from vantage6.common.errors import V6Error

__all__ = ["Mail", "MailError", "Mailer"]


@dataclass(frozen=True)
class Mail:
    """A message to one person, in two forms of the same content.

    Attributes
    ----------
    recipient : str
        Address.
    """

    recipient: str
    subject: str
    text: str
    html: str


class MailError(V6Error):
    """A mail could not be handed over; the text tells the administrator why."""


class Mailer(Protocol):
    """Delivers mails. May take seconds, so it is never called inside a request."""

    @property
    def reaches_users(self) -> bool:
        """Whether mails arrive anywhere at all."""
        ...

    def send(self, mail: Mail) -> None:
        """Hand over one mail.

        Raises
        ------
        MailError
            If nobody takes it.
        """
        ...
