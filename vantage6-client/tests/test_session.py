"""Logging in, second factor, tokens, and choosing a collaboration."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from vantage6.client import UserClient
from vantage6.common.encryption import DummyCryptor
from vantage6.common.errors import NotAnApiError, ServerFaultError
from vantage6.common.exceptions import AuthenticationException
from vantage6.common.testing.http import html_reply
from vantage6.common.testing.server import ScriptedServer
from vantage6.common.testing.tokens import make_token

NewClient = Callable[..., UserClient]


def test_login_fills_in_who_it_is(server: ScriptedServer, new_client: NewClient) -> None:
    server.accept_user(8, 2)
    client = new_client()
    client.authenticate("ada", "Passw0rd!")
    assert server.seen[0].body == {"username": "ada", "password": "Passw0rd!"}
    assert client.whoami == ("user", 8, "Ada", "organization 2", 2)
    assert client.name == "Ada"
    assert client.headers == {"Authorization": f"Bearer {client.token}"}
    assert isinstance(client.cryptor, DummyCryptor)


@pytest.mark.parametrize(("code", "sent"), [("012345", "012345"), (12345, "012345")])
def test_code_of_the_second_factor_is_sent_as_text(
    code: int | str, sent: str, server: ScriptedServer, new_client: NewClient
) -> None:
    server.accept_user(8, 2)
    new_client().authenticate("ada", "Passw0rd!", code)
    assert server.seen[0].body["mfa_code"] == sent


def test_missing_second_factor_is_raised_with_the_words_of_the_server(
    server: ScriptedServer, new_client: NewClient
) -> None:
    server.on("POST", "/token/user", {"msg": "Please include your two-factor code"})
    with pytest.raises(AuthenticationException, match="two-factor code"):
        new_client().authenticate("ada", "Passw0rd!")


def test_second_factor_to_be_set_up_is_shown(
    server: ScriptedServer, new_client: NewClient, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = "otpauth://totp/vantage6:ada?secret=ABCDEFGH"
    server.on("POST", "/token/user", {"qr_uri": uri, "otp_secret": "ABCDEFGH", "msg": "Scan."})
    client = new_client(log_level="critical")
    client.authenticate("ada", "Passw0rd!")
    assert "ABCDEFGH" in capsys.readouterr().out
    assert (client.whoami, client.token, client.cryptor) == (None, None, None)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_refused_login_is_an_authentication_exception(
    status: int, server: ScriptedServer, new_client: NewClient
) -> None:
    server.on("POST", "/token/user", {"msg": "Failed to login"}, status=status)
    with pytest.raises(AuthenticationException, match="Failed to authenticate: Failed to login"):
        new_client().authenticate("ada", "wrong")
    assert len(server.seen) == 1


def test_fault_of_the_server_is_told_apart_from_a_wrong_password(
    server: ScriptedServer, new_client: NewClient
) -> None:
    server.on("POST", "/token/user", {"msg": "The database does not answer."}, status=503)
    with pytest.raises(ServerFaultError, match="database"):
        new_client().authenticate("ada", "Passw0rd!")


def test_wrong_address_is_told_apart_from_a_wrong_password(
    server: ScriptedServer, new_client: NewClient
) -> None:
    server.on("POST", "/token/user", {"msg": "not found"}, status=404)
    with pytest.raises(NotAnApiError, match=r"no vantage6 server at http://server\.test:7601/api"):
        new_client().authenticate("ada", "Passw0rd!")


def test_page_instead_of_an_answer_is_told_apart_from_a_wrong_password(
    server: ScriptedServer, new_client: NewClient
) -> None:
    server.reply("POST", "/token/user", lambda _: html_reply(200))
    with pytest.raises(NotAnApiError, match="check the host, the port and the API path"):
        new_client().authenticate("ada", "Passw0rd!")


def test_answer_without_token_and_message_is_no_login(
    server: ScriptedServer, new_client: NewClient
) -> None:
    server.on("POST", "/token/user", {})
    with pytest.raises(AuthenticationException, match="gave no token"):
        new_client().authenticate("ada", "Passw0rd!")


def test_user_who_may_not_see_the_own_organization_can_log_in(
    server: ScriptedServer, new_client: NewClient
) -> None:
    tokens = {"access_token": make_token(sub=8), "refresh_token": make_token(sub=8)}
    server.on("POST", "/token/user", tokens)
    server.on("GET", "/user/8", {"firstname": "Ada", "organization": {"id": 2}})
    server.on("GET", "/organization/2", {"msg": "You lack the permission"}, status=401)
    server.on("POST", "/token/refresh", tokens)
    client = new_client()
    client.authenticate("ada", "Passw0rd!")
    assert client.whoami is not None
    assert (client.whoami.organization_id, client.whoami.organization_name) == (2, "")


def test_refused_refresh_asks_for_a_new_login(client: UserClient, server: ScriptedServer) -> None:
    server.on("POST", "/token/refresh", {"msg": "Token has expired"}, status=401)
    with pytest.raises(AuthenticationException, match=r"client\.authenticate\(\) again"):
        client.refresh_token()


def test_refresh_uses_the_refresh_token(client: UserClient, server: ScriptedServer) -> None:
    renewed = make_token(21_600, sub=8, jti="second")
    server.on("POST", "/token/refresh", {"access_token": renewed, "refresh_token": renewed})
    before = client.token
    client.refresh_token()
    assert client.token == renewed != before
    assert server.last().headers["authorization"] != f"Bearer {before}"


def test_chosen_collaboration_is_the_default_of_later_calls(
    client: UserClient, server: ScriptedServer
) -> None:
    server.on("GET", "/collaboration/3", {"id": 3, "name": "plain"})
    server.on("GET", "/node", {"data": [], "links": {}})
    client.setup_collaboration(3)
    client.node.list()
    assert server.last().query["collaboration_id"] == "3"
    client.node.list(collaboration=4)
    assert server.last().query["collaboration_id"] == "4"


def test_collaboration_that_cannot_be_seen_is_chosen_all_the_same(
    client: UserClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.on("GET", "/collaboration/3", {"msg": "no such collaboration"}, status=404)
    client.setup_collaboration(3)
    assert client.collaboration_id == 3
    assert "no such collaboration" in caplog.text
