"""Passwords, second factors and recovery: the released client with our server and a mail server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.mail import ROOT_PASSWORD, MailServer, mailing_server
from vantage6.common.http.transport import Transport

pytestmark = pytest.mark.interop


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    server = MailServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def api(tmp_path: Path, mail_server: MailServer) -> Iterator[Transport]:
    # Two wrong passwords block: one that the client sends twice must not.
    settings = {"two_factor_auth": True, "password_policy": {"max_failed_attempts": 2}}
    with mailing_server(tmp_path, mail_server.port, **settings) as transport:
        yield transport


def test_a_user_gets_along_with_passwords_and_second_factors(
    api: Transport, mail_server: MailServer, run_script: Callable[..., Any]
) -> None:
    place = urlsplit(api.base_url)
    given = {"host": f"http://{place.hostname}", "port": place.port, "path": place.path}
    login = {"username": "root", "password": ROOT_PASSWORD}
    secret = api.post("/token/user", login)["otp_secret"]

    passwords = {"old": ROOT_PASSWORD, "new": "Second-Passw0rd"}
    found = run_script("accounts", **given, **passwords, step="change", secret=secret)
    assert "wrong" in found["wrong"]["msg"]
    assert "changed" in found["right"]["msg"]
    assert "on its way" in found["forgotten"]["msg"]

    third = {"new": "Third-Passw0rd", "token": mail_server.token()}
    found = run_script("accounts", **given, **third, step="replace")
    assert "changed" in found["set"]["msg"]
    assert "on its way" in found["lost"]["msg"]

    third["token"] = mail_server.token()
    found = run_script("accounts", **given, **third, step="renew")
    assert found["renewed"]["qr_uri"].startswith("otpauth://totp/")
    assert found["user"] == "root"
