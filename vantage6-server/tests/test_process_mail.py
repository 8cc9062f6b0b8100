"""Recovery with everything real: a server process, a mail server, and what a user types."""

from __future__ import annotations

import email
import email.policy
import queue
import re
import socket
import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from vantage6.common.cli.child import ChildProcess
from vantage6.common.errors import AuthenticationError
from vantage6.common.http.auth import UserAuth
from vantage6.common.http.retry import RetryPolicy
from vantage6.common.http.transport import Transport

pytestmark = pytest.mark.slow

OLD, NEW = "Root-Passw0rd", "Root-Passw0rd2"
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


@pytest.fixture(scope="module")
def mail_server() -> Iterator[MailServer]:
    server = MailServer()
    server.start()
    yield server
    server.stop()


@contextmanager
def serving(folder: Path, smtp_port: int) -> Iterator[Transport]:
    """Run a server that hands its mails to this port."""
    port = free_port()
    settings = {
        "ip": "127.0.0.1",
        "port": port,
        "directories": {"data": str(folder / "data"), "log": str(folder / "log")},
        "logging": {"level": "DEBUG", "use_console": True},
        "smtp": {"server": "127.0.0.1", "port": smtp_port, "MAIL_USE_TLS": False},
    }
    config = folder / "mailing.yaml"
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    child = ChildProcess(
        "the server",
        [
            *(sys.executable, "-m", "vantage6.common.cli.root", "server", "start"),
            *("--user", "--config", str(config), "--attach"),
        ],
        folder / "output.log",
        ready=" ready at http",
        environment={"V6_INIT_SUPER_PASS": OLD},
    )
    child.start(TIMEOUT)
    try:
        with Transport(f"http://127.0.0.1:{port}/api", retry=RetryPolicy(attempts=1)) as transport:
            yield transport
    finally:
        child.stop()


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, mail_server: MailServer) -> Iterator[Transport]:
    with serving(tmp_path_factory.mktemp("mailing"), mail_server.port) as transport:
        yield transport


def _log_in(api: Transport, password: str) -> None:
    UserAuth().login(api, "root", password)


def test_a_lost_password_is_replaced_by_mail(api: Transport, mail_server: MailServer) -> None:
    api.post("/recover/lost", {"username": "root"})
    token = mail_server.token()
    api.post("/recover/reset", {"reset_token": token, "password": NEW})
    _log_in(api, NEW)
    with pytest.raises(AuthenticationError):
        _log_in(api, OLD)


def test_refusals_take_the_same_time_and_hold_up_nobody(api: Transport) -> None:
    def refused(name: str) -> float:
        begin = time.monotonic()
        with pytest.raises(AuthenticationError):
            UserAuth().login(api, name, "wrong")
        return time.monotonic() - begin

    assert refused("root") >= 0.5
    assert refused("ghost") >= 0.5
    begin = time.monotonic()
    with ThreadPoolExecutor(12) as several:
        list(several.map(refused, [f"ghost{number}" for number in range(12)]))
    assert time.monotonic() - begin < 12 * 0.5


def test_a_mail_server_that_is_silent_holds_up_nobody(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with serving(tmp_path, silent.getsockname()[1]) as api:
            api.post("/recover/lost", {"username": "root"})
            connection, _ = silent.accept()
            begin = time.monotonic()
            for _ in range(5):
                api.get("/version")
            assert time.monotonic() - begin < 5
            begin = time.monotonic()
        # The mail is given up, so that the server ends in time.
        assert time.monotonic() - begin < 10
        connection.close()
