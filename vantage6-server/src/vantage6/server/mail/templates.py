"""The texts of mails, as plain text and as HTML."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from vantage6.server.mail.base import Mail

__all__ = ["ACCOUNT_BLOCKED", "PASSWORD_RESET", "SECOND_FACTOR_RESET", "Letter", "compose"]


@dataclass(frozen=True)
class Letter:
    """A kind of mail; its texts are the files of this name in the folder ``templates``."""

    name: str
    subject: str


ACCOUNT_BLOCKED = Letter("account_blocked", "Your vantage6 account is blocked for a while")
PASSWORD_RESET = Letter("password_reset", "Set a new password for vantage6")
SECOND_FACTOR_RESET = Letter("second_factor_reset", "Set up a new second factor for vantage6")

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)


def compose(letter: Letter, recipient: str, **facts: object) -> Mail:
    """Return a mail with these facts filled in."""
    return Mail(
        recipient=recipient,
        subject=letter.subject,
        text=_ENVIRONMENT.get_template(f"{letter.name}.txt").render(facts),
        html=_ENVIRONMENT.get_template(f"{letter.name}.html").render(facts),
    )
