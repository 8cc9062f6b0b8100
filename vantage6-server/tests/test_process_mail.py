"""Recovery with everything real: a server process, a mail server, and what a user types."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.mail import ROOT_PASSWORD, MailServer, mailing_server
from vantage6.common.errors import AuthenticationError
from vantage6.common.http.auth import UserAuth
from vantage6.common.http.transport import Transport

pytestmark = pytest.mark.slow

NEW = "Root-Passw0rd2"


@pytest.fixture(scope="module")
def mail_server() -> Iterator[MailServer]:
    server = MailServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, mail_server: MailServer) -> Iterator[Transport]:
    with mailing_server(tmp_path_factory.mktemp("mailing"), mail_server.port) as transport:
        yield transport


def _log_in(api: Transport, password: str) -> None:
    UserAuth().login(api, "root", password)


def test_a_lost_password_is_replaced_by_mail(api: Transport, mail_server: MailServer) -> None:
    api.post("/recover/lost", {"username": "root"})
    token = mail_server.token()
    api.post("/recover/reset", {"reset_token": token, "password": NEW})
    _log_in(api, NEW)
    with pytest.raises(AuthenticationError):
        _log_in(api, ROOT_PASSWORD)


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
        with mailing_server(tmp_path, silent.getsockname()[1]) as api:
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
