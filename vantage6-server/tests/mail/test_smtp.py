"""Handing mails to a real SMTP server on this machine."""

from __future__ import annotations

import email
import email.policy
import ipaddress
import socket
import ssl
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from vantage6.server.mail.base import Mail, MailError
from vantage6.server.mail.smtp import SmtpMailer, SmtpServer

MAIL = Mail("jo@x.org", "Grüße", "plain text, with ü\n", "<p>with ü</p>")
SENDER = "noreply@v6.example"


@dataclass
class Inbox:
    """What the server was given, and the answer it gives to recipients."""

    refuse: str = ""
    envelopes: list[Any] = field(default_factory=list)

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.envelopes.append(envelope)
        return "250 OK"


class _Quiet(Controller):
    """Without the advice about log-ins that the library gives as warnings."""

    def factory(self) -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            server: SMTP = super().factory()
        return server


@contextmanager
def serving(inbox: Inbox, **options: Any) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = _Quiet(inbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def mailer(port: int, **options: Any) -> SmtpMailer:
    server = SmtpServer(
        **({"host": "127.0.0.1", "port": port, "sender": SENDER, "starttls": False} | options)
    )
    return SmtpMailer(server, timeout=10.0)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a certificate for this machine and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail of the tests")])
    now = datetime.now(timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "server.pem"
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8
    path.write_bytes(
        made.public_bytes(pem) + key.private_bytes(pem, plain, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusting(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the certificate as an administrator would, by the environment."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


def test_a_mail_arrives_with_both_forms_of_its_text() -> None:
    inbox = Inbox()
    with serving(inbox) as port:
        mailer(port).send(MAIL)
    (envelope,) = inbox.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == (SENDER, ["jo@x.org"])
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert (message["From"], message["To"], message["Subject"]) == (SENDER, "jo@x.org", "Grüße")
    assert message["Date"]
    assert message["Message-ID"].endswith("@v6.example>")
    assert message["Auto-Submitted"] == "auto-generated"
    parts = {part.get_content_type(): part.get_content() for part in message.iter_parts()}
    assert parts["text/plain"].replace("\r\n", "\n") == MAIL.text
    assert parts["text/html"].strip() == MAIL.html


def test_a_long_token_arrives_in_one_piece() -> None:
    token = "a1-_." * 80
    inbox = Inbox()
    with serving(inbox) as port:
        mailer(port).send(Mail("jo@x.org", "s", f"x\n{token}\n", f"<code>{token}</code>"))
    message = email.message_from_bytes(inbox.envelopes[0].content, policy=email.policy.default)
    assert all(token in part.get_content() for part in message.iter_parts())


@pytest.mark.usefixtures("trusting")
def test_starttls_encrypts_before_anything_is_said(server_context: ssl.SSLContext) -> None:
    inbox = Inbox()
    with serving(inbox, tls_context=server_context, require_starttls=True) as port:
        mailer(port, starttls=True).send(MAIL)
    assert len(inbox.envelopes) == 1


def test_tls_from_the_start_works_too(server_context: ssl.SSLContext, certificate: Path) -> None:
    inbox = Inbox()
    with pytest.MonkeyPatch.context() as patch:
        # The library's own readiness check connects without trusting us, so it is told before.
        patch.setenv("SSL_CERT_FILE", str(certificate))
        with serving(inbox, ssl_context=server_context) as port:
            mailer(port, tls=True).send(MAIL)
    assert len(inbox.envelopes) == 1


def test_a_server_with_an_unknown_certificate_gets_nothing(
    server_context: ssl.SSLContext,
) -> None:
    inbox = Inbox()
    with (
        serving(inbox, tls_context=server_context) as port,
        pytest.raises(MailError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        mailer(port, starttls=True).send(MAIL)
    assert inbox.envelopes == []


def test_a_server_that_cannot_encrypt_gets_nothing_if_that_is_asked_for() -> None:
    inbox = Inbox()
    with serving(inbox) as port, pytest.raises(MailError, match="MAIL_USE_TLS"):
        mailer(port, starttls=True).send(MAIL)
    assert inbox.envelopes == []


def _only(password: str) -> Callable[..., AuthResult]:
    def check(_server: Any, _session: Any, _envelope: Any, _how: str, given: Any) -> AuthResult:
        right = (given.login, given.password) == (b"v6", password.encode())
        return AuthResult(success=right, handled=False)

    return check


@pytest.mark.parametrize(("password", "arrives"), [("right", True), ("wrong", False)])
def test_username_and_password_are_used_if_both_are_given(password: str, arrives: bool) -> None:
    inbox = Inbox()
    options = {"authenticator": _only("right"), "auth_required": True, "auth_require_tls": False}
    with serving(inbox, **options) as port:
        sending = mailer(port, username="v6", password=password)
        if arrives:
            sending.send(MAIL)
        else:
            with pytest.raises(MailError, match="code 535") as caught:
                sending.send(MAIL)
            assert "wrong" not in str(caught.value)
    assert len(inbox.envelopes) == arrives


def test_a_username_without_password_is_no_login() -> None:
    inbox = Inbox()
    with serving(inbox) as port:
        mailer(port, username="v6").send(MAIL)
    assert len(inbox.envelopes) == 1


def test_a_refused_recipient_is_not_named() -> None:
    with (
        serving(Inbox(refuse="550 no jo@x.org here")) as port,
        pytest.raises(MailError, match="SMTPRecipientsRefused") as caught,
    ):
        mailer(port).send(MAIL)
    assert "jo@x.org" not in str(caught.value)


def test_a_server_that_is_away_is_named() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(MailError, match=f"127.0.0.1:{port}"):
        mailer(port).send(MAIL)


@pytest.mark.parametrize("address", ["jo@x.org\nBcc: all@x.org", "jo\r\n@x.org"])
def test_an_address_cannot_add_lines(address: str) -> None:
    inbox = Inbox()
    with serving(inbox) as port, pytest.raises(MailError):
        mailer(port).send(Mail(address, "s", "t", "h"))
    assert inbox.envelopes == []


def test_an_address_that_reads_like_two_is_still_one() -> None:
    inbox = Inbox()
    with serving(inbox) as port:
        mailer(port).send(Mail("jo@x.org, all@x.org", "s", "t", "h"))
    (recipient,) = inbox.envelopes[0].rcpt_tos
    assert recipient != "all@x.org"


def test_the_password_is_not_shown() -> None:
    server = SmtpServer("h", 25, SENDER, "u", "hush")
    assert "hush" not in repr(server)
