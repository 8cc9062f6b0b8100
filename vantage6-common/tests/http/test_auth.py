"""Logging in, renewing tokens, and doing so only once at a time."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from vantage6.common.clock import ManualClock
from vantage6.common.errors import AuthenticationError, ConnectionFailedError, NotAnApiError
from vantage6.common.http.auth import AuthFlow, NodeAuth, StaticTokenAuth, TokenAuth, UserAuth
from vantage6.common.http.retry import RetryPolicy
from vantage6.common.http.transport import Transport
from vantage6.common.testing.http import ScriptedHandler, html_reply, json_reply, no_connection
from vantage6.common.testing.tokens import make_token, token_answer

_BASE = "http://server.test/api"
_EXPIRED = {"msg": "Token has expired"}


def _transport(
    auth: AuthFlow, handler: httpx.BaseTransport, clock: ManualClock | None = None
) -> Transport:
    policy = RetryPolicy(attempts=2, jitter=0)
    return Transport(_BASE, auth=auth, handler=handler, clock=clock or ManualClock(), retry=policy)


def _bearer(name: str, lifetime: float | None = 3600) -> str:
    return f"Bearer {token_answer(name, lifetime)['access_token']}"


def _logged_in(clock: ManualClock, name: str = "first", lifetime: float = 3600) -> TokenAuth:
    auth = TokenAuth(clock=clock)
    auth.adopt(token_answer(name, lifetime))
    return auth


def test_a_user_logs_in_and_is_known_from_then_on() -> None:
    handler = ScriptedHandler([json_reply(token_answer()), json_reply({})])
    auth = UserAuth()
    transport = _transport(auth, handler)

    answer = auth.login(transport, "ann", "secret")
    transport.get("/version")

    assert answer.logged_in
    login, version = handler.requests
    assert str(login.url) == f"{_BASE}/token/user"
    assert json.loads(login.content) == {"username": "ann", "password": "secret"}
    assert "authorization" not in login.headers
    assert version.headers["authorization"] == _bearer("first")
    assert auth.access_token == token_answer()["access_token"]
    assert auth.claims["sub"] == 1


@pytest.mark.parametrize(("given", "sent"), [("012345", "012345"), (12345, "012345")])
def test_the_code_of_a_second_factor_travels_as_text(given: str | int, sent: str) -> None:
    handler = ScriptedHandler([json_reply(token_answer())])
    auth = UserAuth()

    auth.login(_transport(auth, handler), "ann", "secret", given)

    assert json.loads(handler.requests[0].content)["mfa_code"] == sent


def test_a_login_that_needs_a_code_is_no_login() -> None:
    auth = UserAuth()

    answer = auth.login(
        _transport(auth, ScriptedHandler([json_reply({"msg": "Code?"})])), "ann", "secret"
    )

    assert (answer.logged_in, answer.message, answer.qr_uri) == (False, "Code?", None)
    assert auth.header() is None


def test_setting_up_a_second_factor_is_told() -> None:
    auth = UserAuth()
    body = {"qr_uri": "otpauth://x", "otp_secret": "S", "msg": "Scan"}

    answer = auth.login(_transport(auth, ScriptedHandler([json_reply(body)])), "ann", "secret")

    assert (answer.qr_uri, answer.otp_secret, answer.logged_in) == ("otpauth://x", "S", False)
    assert answer.body == body


def test_a_wrong_password_is_refused_without_renewal() -> None:
    handler = ScriptedHandler([json_reply({"msg": "Wrong"}, 401)])
    auth = UserAuth()

    with pytest.raises(AuthenticationError, match="Wrong"):
        auth.login(_transport(auth, handler), "ann", "wrong")


@pytest.mark.parametrize("status", [401, 422])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_a_refused_token_is_renewed_and_the_request_repeated(method: str, status: int) -> None:
    clock = ManualClock()
    handler = ScriptedHandler(
        [json_reply(_EXPIRED, status), json_reply(token_answer("second")), json_reply({"ok": 1})]
    )
    auth = _logged_in(clock)

    assert _transport(auth, handler, clock).send(method, "/task").body == {"ok": 1}

    refused, refresh, again = handler.requests
    assert refused.headers["authorization"] == _bearer("first")
    assert (refresh.method, str(refresh.url)) == ("POST", f"{_BASE}/token/refresh")
    assert refresh.headers["authorization"] == "Bearer refresh-first"
    assert again.headers["authorization"] == _bearer("second")
    assert auth.refresh_token == "refresh-second"


def test_a_second_refusal_is_final() -> None:
    clock = ManualClock()
    handler = ScriptedHandler(
        [
            json_reply({"msg": "No rights"}, 401),
            json_reply(token_answer("second")),
            json_reply({"msg": "No rights"}, 401),
        ]
    )

    with pytest.raises(AuthenticationError, match="No rights"):
        _transport(_logged_in(clock), handler, clock).get("/task")


def test_a_request_that_must_not_be_repeated_is_not_renewed() -> None:
    clock = ManualClock()
    handler = ScriptedHandler([json_reply({"msg": "Wrong password"}, 401)])

    with pytest.raises(AuthenticationError):
        _transport(_logged_in(clock), handler, clock).patch("/password/change", retry=False)


@pytest.mark.parametrize("refusal", [json_reply(_EXPIRED, 401), html_reply(404), json_reply({})])
def test_a_refused_refresh_leaves_the_first_refusal(refusal: httpx.Response) -> None:
    clock = ManualClock()
    handler = ScriptedHandler([json_reply(_EXPIRED, 401), refusal])

    with pytest.raises(AuthenticationError, match="Token has expired"):
        _transport(_logged_in(clock), handler, clock).post("/task")


def test_a_token_is_renewed_before_it_expires() -> None:
    clock = ManualClock()
    handler = ScriptedHandler(
        [json_reply({}), json_reply(token_answer("second")), json_reply({}), json_reply({})]
    )
    transport = _transport(_logged_in(clock, lifetime=3600), handler, clock)

    clock.advance(3539)
    transport.get("/version")
    clock.advance(2)
    transport.get("/version")
    transport.get("/version")

    tokens = [request.headers["authorization"] for request in handler.requests]
    assert tokens == [
        _bearer("first"),
        "Bearer refresh-first",
        _bearer("second"),
        _bearer("second"),
    ]


def test_a_clock_that_differs_from_the_servers_does_no_harm() -> None:
    """Tokens of the fake server were issued in 1970, and expired an hour later."""
    clock = ManualClock()

    assert not _logged_in(clock, lifetime=3600).expires_soon()


def test_short_tokens_are_renewed_late_in_their_life() -> None:
    clock = ManualClock()
    auth = _logged_in(clock, lifetime=40)

    clock.advance(29)
    assert not auth.expires_soon()
    clock.advance(2)
    assert auth.expires_soon()


@pytest.mark.parametrize("token", ["not-a-token", make_token(None)])
def test_a_token_without_end_is_never_renewed_beforehand(token: str) -> None:
    clock = ManualClock()
    auth = TokenAuth(token, "refresh", clock=clock)

    clock.advance(1e9)

    assert not auth.expires_soon()


def test_a_failing_renewal_beforehand_is_no_failure_while_the_token_works() -> None:
    clock = ManualClock()
    handler = ScriptedHandler([json_reply({}, 401), json_reply({"ok": 1})])
    transport = _transport(_logged_in(clock), handler, clock)

    clock.advance(3550)

    assert transport.get("/version") == {"ok": 1}


def test_an_address_with_a_prefix_is_reached_through_it() -> None:
    """The server behind the proxy does not know the prefix v6."""
    clock = ManualClock()
    handler = ScriptedHandler(
        [json_reply(_EXPIRED, 401), json_reply(token_answer("second")), json_reply({})]
    )
    auth = _logged_in(clock)
    transport = Transport("https://host.test/v6/api", auth=auth, handler=handler, clock=clock)

    transport.get("/version")

    assert str(handler.requests[1].url) == "https://host.test/v6/api/token/refresh"


def test_an_unusual_refresh_address_is_used_as_given() -> None:
    clock = ManualClock()
    handler = ScriptedHandler(
        [json_reply(_EXPIRED, 401), json_reply(token_answer("second")), json_reply({})]
    )
    auth = TokenAuth(make_token(), "r", "/other/renew", clock=clock)

    _transport(auth, handler, clock).get("/version")

    assert str(handler.requests[1].url) == "http://server.test/other/renew"


def test_many_threads_renew_once() -> None:
    """Every thread is refused at the same time; one refreshes, and all of them go on."""
    clock = ManualClock()
    server = _Server(parties=8)
    transport = _transport(_logged_in(clock), server, clock)
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda: answers.append(transport.get("/version"))) for _ in range(8)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)

    assert answers == [{"ok": True}] * 8
    assert server.refreshes == 1


class _Server(httpx.BaseTransport):
    """Refuses the first token, only once all parties have asked."""

    def __init__(self, parties: int) -> None:
        self._barrier = threading.Barrier(parties)
        self._lock = threading.Lock()
        self.refreshes = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/refresh"):
            with self._lock:
                self.refreshes += 1
            return json_reply(token_answer("second"))
        if request.headers["authorization"] == _bearer("second"):
            return json_reply({"ok": True})
        self._barrier.wait(timeout=10)
        return json_reply(_EXPIRED, 401)


def test_a_node_logs_in_with_its_key() -> None:
    handler = ScriptedHandler([json_reply({**token_answer(), "node_url": "/api/node/3"})])
    auth = NodeAuth("key")

    body = auth.login(_transport(auth, handler))

    assert body["node_url"] == "/api/node/3"
    assert json.loads(handler.requests[0].content) == {"api_key": "key"}
    assert auth.header() == _bearer("first")


def test_a_node_logs_in_again_when_its_refresh_token_is_refused() -> None:
    clock = ManualClock()
    auth = NodeAuth("key", clock=clock)
    auth.adopt(token_answer("first"))
    handler = ScriptedHandler(
        [
            json_reply({"msg": "Signature verification failed"}, 422),
            json_reply({"msg": "Signature verification failed"}, 422),
            json_reply(token_answer("second")),
            json_reply({"ok": 1}),
        ]
    )

    assert _transport(auth, handler, clock).get("/run") == {"ok": 1}
    paths = [request.url.path for request in handler.requests]
    assert paths == ["/api/run", "/api/token/refresh", "/api/token/node", "/api/run"]


def test_a_node_whose_key_is_withdrawn_gets_the_refusal() -> None:
    clock = ManualClock()
    auth = NodeAuth("key", clock=clock)
    auth.adopt(token_answer("first"))
    refusals = [json_reply({"msg": text}, 401) for text in ("Deleted", "Deleted", "Unknown key")]

    with pytest.raises(AuthenticationError, match="Deleted"):
        _transport(auth, ScriptedHandler(refusals), clock).get("/run")


def test_a_login_answer_without_tokens_is_no_server_of_ours() -> None:
    auth = NodeAuth("key")

    with pytest.raises(NotAnApiError, match="without tokens"):
        auth.login(_transport(auth, ScriptedHandler([json_reply({"msg": "Hello"})])))


@pytest.mark.parametrize(
    "act", [lambda auth, t: auth.login(t), lambda auth, t: auth.renew(t)], ids=["login", "renew"]
)
def test_a_server_that_is_away_is_told(act: Callable[[NodeAuth, Transport], object]) -> None:
    auth = NodeAuth("key")
    transport = _transport(auth, ScriptedHandler([no_connection(), no_connection()]))

    with pytest.raises(ConnectionFailedError):
        act(auth, transport)


def test_a_given_token_cannot_be_renewed() -> None:
    auth = StaticTokenAuth("abc")
    handler = ScriptedHandler([json_reply(_EXPIRED, 401)])

    with pytest.raises(AuthenticationError):
        _transport(auth, handler).get("/task")


def test_a_fresh_header_can_be_had_for_other_connections() -> None:
    clock = ManualClock()
    handler = ScriptedHandler([json_reply(token_answer("second"))])
    transport = _transport(_logged_in(clock), handler, clock)

    assert transport.authorization() == _bearer("first")
    clock.advance(3600)
    assert transport.authorization() == _bearer("second")
    assert Transport(_BASE, handler=handler).authorization() is None


def test_forgotten_tokens_are_not_sent() -> None:
    auth = _logged_in(ManualClock())

    auth.forget()

    assert (auth.header(), auth.access_token, auth.refresh_token, auth.claims) == (
        None,
        None,
        None,
        {},
    )
