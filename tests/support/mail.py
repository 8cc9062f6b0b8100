"""A mail server on this machine, and a server of ours that hands its mails to it."""

from __future__ import annotations

import email
import email.policy
import queue
import re
import socket
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from vantage6.common.cli.child import ChildProcess
from vantage6.common.http.retry import RetryPolicy
from vantage6.common.http.transport import Transport

ROOT_PASSWORD = "Root-Passw0rd"
TIMEOUT = 30.0


class MailServer(Controller):
    """Takes mails for the tests."""

    def __init__(self) -> None:
        self.mails: queue.Queue[Any] = queue.Queue()
        super().__init__(self, hostname="127.0.0.1", port=free_port())

    def factory(self) -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            server: SMTP = super().factory()
        return server

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.mails.put(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"

    def token(self) -> str:
        text = self.mails.get(timeout=TIMEOUT).get_body(("plain",)).get_content()
        found = re.search(r"^[\w-]+\.[\w-]+\.[\w-]+$", text.replace("\r", ""), re.MULTILINE)
        assert found is not None, text
        return found[0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def mailing_server(folder: Path, smtp_port: int, **settings: Any) -> Iterator[Transport]:
    """Run a server that hands its mails to this port."""
    port = free_port()
    given = {
        "ip": "127.0.0.1",
        "port": port,
        "directories": {"data": str(folder / "data"), "log": str(folder / "log")},
        "logging": {"level": "DEBUG", "use_console": True},
        "smtp": {"server": "127.0.0.1", "port": smtp_port, "MAIL_USE_TLS": False},
    }
    config = folder / "mailing.yaml"
    config.write_text(yaml.safe_dump(given | settings), encoding="utf-8")
    child = ChildProcess(
        "the server",
        [
            *(sys.executable, "-m", "vantage6.common.cli.root", "server", "start"),
            *("--user", "--config", str(config), "--attach"),
        ],
        folder / "output.log",
        ready=" ready at http",
        environment={"V6_INIT_SUPER_PASS": ROOT_PASSWORD},
    )
    child.start(TIMEOUT)
    try:
        with Transport(f"http://127.0.0.1:{port}/api", retry=RetryPolicy(attempts=1)) as transport:
            yield transport
    finally:
        child.stop()
