"""The texts of mails, and mails without mail server."""

from __future__ import annotations

import logging

import jinja2
import pytest

from vantage6.server.mail.base import Mail
from vantage6.server.mail.console import ConsoleMailer
from vantage6.server.mail.templates import (
    ACCOUNT_BLOCKED,
    PASSWORD_RESET,
    SECOND_FACTOR_RESET,
    Letter,
    compose,
)

BLOCKED = {
    "name": "Jo",
    "attempts": 5,
    "source": "192.0.2.7",
    "moment": "2026-01-01 00:00 UTC",
    "minutes": 15,
    "support": "help@x.org",
}
TOKEN = {"name": "Jo", "token": "tok.en", "minutes": 60, "support": "help@x.org"}


@pytest.mark.parametrize(
    ("letter", "facts"),
    [(ACCOUNT_BLOCKED, BLOCKED), (PASSWORD_RESET, TOKEN), (SECOND_FACTOR_RESET, TOKEN)],
    ids=lambda value: value.name if isinstance(value, Letter) else "",
)
def test_both_forms_hold_every_fact(letter: Letter, facts: dict[str, object]) -> None:
    mail = compose(letter, "jo@x.org", **facts)
    assert (mail.recipient, mail.subject) == ("jo@x.org", letter.subject)
    for fact in facts.values():
        assert str(fact) in mail.text
        assert str(fact) in mail.html


def test_a_second_factor_letter_warns_of_the_known_password() -> None:
    mail = compose(SECOND_FACTOR_RESET, "jo@x.org", **TOKEN)
    assert "knows your password" in mail.text.lower()
    assert "knows your password" in mail.html.lower()


def test_names_are_escaped_in_html_only() -> None:
    mail = compose(PASSWORD_RESET, "jo@x.org", **(TOKEN | {"name": "<b>Jo</b>"}))
    assert "<b>Jo</b>" in mail.text
    assert "&lt;b&gt;Jo&lt;/b&gt;" in mail.html
    assert "<b>Jo" not in mail.html


def test_a_single_minute_is_singular() -> None:
    text = compose(PASSWORD_RESET, "jo@x.org", **(TOKEN | {"minutes": 1})).text
    assert "within 1 minute," in text


def test_a_forgotten_fact_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        compose(PASSWORD_RESET, "jo@x.org", name="Jo")


def test_without_mail_server_a_token_is_neither_shown_nor_logged(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    mailer = ConsoleMailer(show=False)
    assert not mailer.reaches_users
    mailer.send(Mail("jo@x.org", "subject", "tok.en", "tok.en"))
    assert capsys.readouterr().out == ""
    assert "subject" in caplog.text
    assert "tok.en" not in caplog.text
    assert "jo@x.org" not in caplog.text


def test_for_development_the_terminal_shows_mails(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    mailer = ConsoleMailer(show=True)
    assert mailer.reaches_users
    mailer.send(Mail("jo@x.org", "subject", "tok.en", "html"))
    shown = capsys.readouterr().out
    assert "To: jo@x.org" in shown
    assert "tok.en" in shown
    assert "tok.en" not in caplog.text
