"""Making a client, and the requests it sends."""

from __future__ import annotations

import logging
from collections.abc import Callable

import httpx
import pytest

from vantage6.client import LogLevel, UserClient
from vantage6.client.exceptions import NotLoggedInError
from vantage6.common.clock import ManualClock
from vantage6.common.errors import (
    ConfigurationError,
    ConnectionFailedError,
    NotAnApiError,
    RequestError,
)
from vantage6.common.testing.http import html_reply, no_connection
from vantage6.common.testing.server import ScriptedServer, Seen
from vantage6.common.testing.tokens import make_token

NewClient = Callable[..., UserClient]


@pytest.mark.parametrize(
    ("host", "port", "path", "address"),
    [
        ("http://localhost", 7601, "/api", "http://localhost:7601/api"),
        ("https://example.org", None, "/api", "https://example.org/api"),
        ("https://example.org/", 0, "api/", "https://example.org/api"),
        ("https://example.org", 443, "", "https://example.org:443"),
    ],
)
def test_address_is_put_together_from_host_port_and_path(
    host: str, port: int | None, path: str, address: str
) -> None:
    with UserClient(host, port, path) as client:
        assert client.base_path == address
        assert (client.port, client.path) == (port, path)


def test_address_without_scheme_is_refused_with_an_example() -> None:
    with pytest.raises(ConfigurationError, match="http://host:port/api"):
        UserClient("localhost", 7601)


def test_nothing_is_known_before_the_login(new_client: NewClient) -> None:
    client = new_client()
    known = (client.token, client.whoami, client.cryptor, client.collaboration_id)
    assert known == (None, None, None, None)
    assert client.headers == {}
    with pytest.raises(NotLoggedInError, match=r"client\.authenticate"):
        _ = client.name


def test_making_a_client_leaves_the_root_logger_alone(new_client: NewClient) -> None:
    root = logging.getLogger()
    handlers, level = [*root.handlers], root.level
    new_client(log_level="debug")
    assert (root.handlers, root.level) == (handlers, level)


@pytest.mark.parametrize(
    ("level", "number"),
    [("info", logging.INFO), ("WARN", logging.WARNING), (LogLevel.ERROR, logging.ERROR)],
)
def test_log_level_is_that_of_the_library_logger(
    level: str, number: int, new_client: NewClient
) -> None:
    client = new_client(log_level=level)
    assert client.log.name == "vantage6.client"
    assert client.log.level == number


def test_unknown_log_level_shows_everything_and_says_so(
    new_client: NewClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = new_client(log_level="loud")
    assert client.log.level == logging.DEBUG
    assert "'loud' is unknown" in caplog.text


def test_construction_logs_one_line(
    new_client: NewClient, caplog: pytest.LogCaptureFixture
) -> None:
    new_client()
    assert len(caplog.records) == 1


def test_messages_reach_standard_output_once_unless_the_application_logs(
    new_client: NewClient, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, root = new_client(), logging.getLogger()
    new_client()
    capsys.readouterr()
    client.log.info("seen by the application")
    monkeypatch.setattr(root, "handlers", [])
    client.log.info("seen in the notebook")
    assert capsys.readouterr().out == "seen in the notebook\n"


def test_request_sends_what_it_is_given(client: UserClient, server: ScriptedServer) -> None:
    server.on("POST", "/thing", {"id": 1})
    answer = client.request(
        "thing",
        json={"a": None},
        method="POST",
        params={"x": 1, "flag": True, "none": None, "empty": []},
        headers={"X-Extra": "1", "Authorization": "mine"},
    )
    seen = server.last()
    assert answer == {"id": 1}
    assert seen.body == {"a": None}
    assert seen.query == {"x": "1", "flag": "True"}
    assert seen.headers["x-extra"] == "1"
    assert seen.headers["authorization"] == f"Bearer {client.token}"


def test_unknown_method_means_get(client: UserClient, server: ScriptedServer) -> None:
    server.on("GET", "/thing", {})
    client.request("/thing", method="fetch")
    assert server.last().method == "GET"


def test_refusal_is_returned_and_logged_in_a_sentence(
    client: UserClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    body = {"msg": "Request body is incorrect", "errors": {"name": ["too long"]}}
    server.on("POST", "/thing", body, status=400)
    assert client.request("thing", json={}, method="post") == body
    assert "status 400" in caplog.text
    assert "name: too long" in caplog.text
    assert len(server.seen) == 1


def test_refusal_without_msg_gets_one(client: UserClient, server: ScriptedServer) -> None:
    server.on("GET", "/thing", {"message": "Method not allowed"}, status=405)
    assert client.request("thing")["msg"] == "Method not allowed"


def test_refusal_is_raised_if_wanted(server: ScriptedServer, new_client: NewClient) -> None:
    server.on("GET", "/thing", {"msg": "No."}, status=400)
    with pytest.raises(RequestError, match="No"):
        new_client(raise_on_error=True).request("thing")


def test_expired_token_is_renewed_once_and_the_request_repeated(
    client: UserClient, server: ScriptedServer
) -> None:
    server.on("POST", "/thing", {"msg": "Token has expired"}, status=401)
    server.on("POST", "/thing", {"id": 5}, status=201)
    renewed = make_token(21_600, sub=8, jti="second")
    server.on("POST", "/token/refresh", {"access_token": renewed})
    assert client.request("thing", json={}, method="post") == {"id": 5}
    assert client.token == renewed
    assert server.last().headers["authorization"] == f"Bearer {renewed}"


def test_request_that_must_not_be_repeated_is_sent_once(
    client: UserClient, server: ScriptedServer
) -> None:
    server.on("PATCH", "/thing", {"msg": "Wrong."}, status=401)
    assert client.request("thing", json={}, method="patch", retry=False) == {"msg": "Wrong."}
    assert len(server.seen) == 1


def test_request_without_login_asks_for_it(server: ScriptedServer, new_client: NewClient) -> None:
    server.on("GET", "/organization", {"msg": "Missing Authorization Header"}, status=401)
    with pytest.raises(NotLoggedInError, match=r"client\.authenticate"):
        new_client().organization.list()


def test_reading_is_repeated_until_the_server_is_back(
    client: UserClient, server: ScriptedServer, clock: ManualClock
) -> None:
    server.lose_answer("GET", "/thing")
    server.reply("GET", "/thing", lambda _: html_reply(503))
    server.on("GET", "/thing", {"id": 1})
    assert client.request("thing") == {"id": 1}
    assert len(server.seen) == 3
    assert clock.monotonic() > 0


def test_writing_is_not_repeated_when_the_answer_is_lost(
    client: UserClient, server: ScriptedServer
) -> None:
    server.lose_answer("POST", "/thing")
    with pytest.raises(ConnectionFailedError, match="POST"):
        client.request("thing", json={}, method="post")
    assert len(server.seen) == 1


def test_silence_raises_one_sentence(new_client: NewClient) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise no_connection()

    client = new_client(handler=httpx.MockTransport(refuse))
    with pytest.raises(ConnectionFailedError, match="found no server") as caught:
        client.util.get_server_version()
    assert str(caught.value).count("\n") == 0


def test_attempts_on_timeout_end_with_an_answer(new_client: NewClient, clock: ManualClock) -> None:
    asked = []

    def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        raise no_connection()

    client = new_client(handler=httpx.MockTransport(refuse))
    answer = client.util.get_server_version(attempts_on_timeout=2)
    assert answer == {"msg": "Connection error"}
    assert len(asked) == 3
    assert clock.monotonic() == 2


def test_page_instead_of_json_is_no_answer(client: UserClient, server: ScriptedServer) -> None:
    server.reply("GET", "/thing", lambda _: html_reply(404))
    with pytest.raises(NotAnApiError, match="check the host"):
        client.request("thing")


def test_every_request_has_a_time_out(new_client: NewClient) -> None:
    found = {}

    def remember(request: httpx.Request) -> httpx.Response:
        found.update(request.extensions["timeout"])
        return httpx.Response(200, json={})

    new_client(handler=httpx.MockTransport(remember), timeout=7).util.get_server_version()
    assert found["read"] == found["write"] == 7
    assert 0 < found["connect"] <= 60


def test_two_clients_keep_their_logins_apart(server: ScriptedServer, new_client: NewClient) -> None:
    server.accept_user(8, 2)
    first = new_client()
    first.authenticate("ada", "Passw0rd!")
    other = ScriptedServer()
    other.accept_user(9, 3)
    second = new_client(handler=other.handler)
    second.authenticate("bob", "Passw0rd!")
    assert first.token != second.token
    assert first.whoami != second.whoami
    assert first.cryptor is not second.cryptor


def test_answers_from_one_thread_do_not_disturb_another_route(
    client: UserClient, server: ScriptedServer
) -> None:
    def echo(seen: Seen) -> httpx.Response:
        return httpx.Response(200, json={"x": seen.query["x"]})

    server.reply("GET", "/echo", echo)
    assert [client.request("echo", params={"x": i})["x"] for i in range(3)] == ["0", "1", "2"]
