"""Mails through an SMTP server."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from vantage6.server.mail.base import Mail, MailError

__all__ = ["SmtpMailer", "SmtpServer"]

_TIMEOUT = 30.0


@dataclass(frozen=True)
class SmtpServer:
    """Where mails are handed over, and as whom.

    Attributes
    ----------
    starttls, tls : bool
        Whether to encrypt the connection after it was opened, or from the start; certificates are
        checked in both cases.
    username, password : str
        For logging in; without both that is left out.
    sender : str
        Address of origin.
    """

    host: str
    port: int
    sender: str
    username: str = ""
    password: str = field(default="", repr=False)
    starttls: bool = True
    tls: bool = False


class SmtpMailer:
    """Hands every mail over in a connection of its own."""

    reaches_users = True

    def __init__(self, server: SmtpServer, *, timeout: float = _TIMEOUT) -> None:
        self.server = server
        self._timeout = timeout

    def send(self, mail: Mail) -> None:
        """Hand over one mail.

        Raises
        ------
        MailError
            Naming the server and what to check, but not the recipient.
        """
        try:
            message = self._message(mail)
            with self._connect() as connection:
                self._log_in(connection)
                # Exactly one recipient, whatever the text of the address might be read as.
                connection.send_message(message, to_addrs=[mail.recipient])
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise MailError(
                f"The mail server {self.server.host}:{self.server.port} did not take a mail "
                f"({_cause(error)}); check the section smtp of the configuration."
            ) from error

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self.server.sender
        message["To"] = mail.recipient
        message["Subject"] = mail.subject
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=self.server.sender.rpartition("@")[2] or None)
        # Keeps out-of-office answers away.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        return message

    def _connect(self) -> smtplib.SMTP:
        server = self.server
        if server.tls:
            return smtplib.SMTP_SSL(
                server.host,
                server.port,
                timeout=self._timeout,
                context=ssl.create_default_context(),
            )
        connection = smtplib.SMTP(server.host, server.port, timeout=self._timeout)
        if server.starttls:
            try:
                connection.starttls(context=ssl.create_default_context())
            except BaseException:
                connection.close()
                raise
        return connection

    def _log_in(self, connection: smtplib.SMTP) -> None:
        if self.server.username and self.server.password:
            connection.login(self.server.username, self.server.password)


def _cause(error: Exception) -> str:
    """Say what went wrong without the answers of the server, which hold addresses."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__}, code {error.smtp_code}"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return f"it offers less than MAIL_USE_TLS, username or an address needs: {error}"
    is_network = isinstance(error, OSError) and not isinstance(error, smtplib.SMTPException)
    return (is_network and str(error)) or type(error).__name__
