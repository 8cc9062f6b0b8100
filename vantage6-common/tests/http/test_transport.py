"""Sending requests: what is repeated, what is raised, what travels."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from vantage6.common._version import __version__
from vantage6.common.clock import ManualClock
from vantage6.common.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    NotAnApiError,
    NotFoundError,
    PayloadError,
    RequestError,
    ResponseError,
    ServerFaultError,
    TransportError,
)
from vantage6.common.http.auth import StaticTokenAuth
from vantage6.common.http.retry import RetryPolicy
from vantage6.common.http.transport import Transport
from vantage6.common.testing.http import (
    FaultyHandler,
    InProcessHandler,
    ScriptedHandler,
    html_reply,
    json_reply,
    no_connection,
    no_reply,
)

_BASE = "http://server.test:7601/api"


def _transport(handler: httpx.BaseTransport, clock: ManualClock | None = None) -> Transport:
    return Transport(
        _BASE,
        handler=handler,
        clock=clock or ManualClock(),
        retry=RetryPolicy(attempts=3, jitter=0),
        auth=StaticTokenAuth("abc"),
    )


def test_a_request_carries_address_query_token_and_body() -> None:
    handler = ScriptedHandler([json_reply({"id": 1}, 201)])

    answer = _transport(handler).send(
        "post",
        "/task",
        json={"name": "é"},
        params={"a": 1, "flag": False, "none": None, "empty": [], "many": [1, 2]},
        headers={"X-Extra": "1"},
    )

    [request] = handler.requests
    assert request.method == "POST"
    assert str(request.url) == f"{_BASE}/task?a=1&flag=False&many=1&many=2"
    assert request.headers["authorization"] == "Bearer abc"
    assert request.headers["x-extra"] == "1"
    assert request.headers["user-agent"] == f"vantage6/{__version__}"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.content) == {"name": "é"}
    assert (answer.status, answer.body) == (201, {"id": 1})
    assert answer.headers["CONTENT-TYPE"] == "application/json"


def test_every_request_has_timeouts() -> None:
    handler = ScriptedHandler([json_reply({})])

    Transport(_BASE, handler=handler, connect_timeout=3, read_timeout=7).get("/version")

    timeouts = handler.requests[0].extensions["timeout"]
    assert timeouts == {"connect": 3, "read": 7, "write": 7, "pool": 7}


@pytest.mark.parametrize("path", ["version", "/version", f"{_BASE}/version"])
def test_paths_are_below_the_base_address(path: str) -> None:
    handler = ScriptedHandler([json_reply({})])

    _transport(handler).get(path)

    assert str(handler.requests[0].url) == f"{_BASE}/version"


@pytest.mark.parametrize(
    "address",
    [
        "http://evil.test/api",
        "http://server.test:7601.evil.test/api",
        "http://server.test:7601@evil.test/api",
        "https://server.test:7601/api",
    ],
)
def test_credentials_go_to_no_other_host(address: str) -> None:
    handler = ScriptedHandler()

    with pytest.raises(ConfigurationError, match=address):
        _transport(handler).get(address)
    assert handler.requests == []


@pytest.mark.parametrize(
    "address", ["server.test", "ftp://server.test", "http://", "", "http://x:port"]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError):
        Transport(address)


@pytest.mark.parametrize(
    "failure",
    [no_connection, no_reply, lambda: html_reply(502), lambda: json_reply({"msg": "x"}, 503)],
)
def test_reading_is_repeated_when_the_server_is_away(failure: Callable[[], httpx.Response]) -> None:
    clock = ManualClock()
    handler = ScriptedHandler([failure(), failure(), json_reply({"ok": True})])

    assert _transport(handler, clock).get("/version") == {"ok": True}
    assert clock.monotonic() == pytest.approx(0.2 + 0.4)


def test_a_page_in_place_of_json_is_repeated_when_reading() -> None:
    handler = ScriptedHandler([html_reply(200), json_reply([1])])

    assert _transport(handler).get("/version") == [1]


@pytest.mark.parametrize(
    "failure", [no_reply, lambda: html_reply(502), lambda: json_reply({"msg": "x"}, 503)]
)
def test_writing_is_not_repeated_when_it_may_have_happened(
    failure: Callable[[], httpx.Response],
) -> None:
    handler = ScriptedHandler([failure()])

    with pytest.raises(TransportError):
        _transport(handler).post("/task", json={})
    assert len(handler.requests) == 1


def test_writing_is_repeated_when_no_connection_was_made() -> None:
    handler = ScriptedHandler([no_connection(), json_reply({"id": 1}, 201)])

    assert _transport(handler).post("/task", json={}) == {"id": 1}


def test_writing_is_repeated_when_the_caller_vouches_for_it() -> None:
    handler = ScriptedHandler([no_reply(), html_reply(504), json_reply({"id": 1}, 201)])

    assert _transport(handler).patch("/run/1", json={}, retry=True) == {"id": 1}


@pytest.mark.parametrize("failure", [no_connection, no_reply])
def test_nothing_is_repeated_when_the_caller_forbids_it(
    failure: Callable[[], httpx.Response],
) -> None:
    handler = ScriptedHandler([failure()])

    with pytest.raises(ConnectionFailedError):
        _transport(handler).get("/version", retry=False)
    assert len(handler.requests) == 1


def test_attempts_end() -> None:
    handler = ScriptedHandler([no_connection() for _ in range(3)])

    with pytest.raises(ConnectionFailedError, match="found no server"):
        _transport(handler).get("/version")
    assert handler.left == 0


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_refusal_is_not_repeated(status: int) -> None:
    handler = ScriptedHandler([json_reply({"msg": "No"}, status)])

    with pytest.raises(ResponseError):
        _transport(handler).get("/task")
    assert len(handler.requests) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestError),
        (401, AuthenticationError),
        (403, RequestError),
        (404, NotFoundError),
        (500, ServerFaultError),
        (501, ServerFaultError),
    ],
)
def test_the_status_chooses_the_error(status: int, kind: type[ResponseError]) -> None:
    handler = ScriptedHandler([json_reply({"msg": "Because"}, status)])

    with pytest.raises(ResponseError) as caught:
        _transport(handler).post("/task", json={})
    assert type(caught.value) is kind
    assert str(caught.value) == "Because"
    assert caught.value.status == status
    assert caught.value.body == {"msg": "Because"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"message": "Not allowed"}, "Not allowed"),
        (
            {"msg": "Wrong input.", "errors": {"name": ["Too short.", "Numeric."]}},
            "Wrong input: name: Too short., Numeric.",
        ),
        ({"msg": "x", "errors": {"roles": {"0": ["Bad."]}}}, "x: roles: 0: Bad."),
        ({"msg": "x", "errors": {"_schema": ["Bad."]}}, "x: Bad."),
        ({"msg": {"rules": ["Missing."]}}, "rules: Missing."),
        ({}, "POST http://server.test:7601/api/task was answered with status 400 (Bad Request)."),
        ([], "POST http://server.test:7601/api/task was answered with status 400 (Bad Request)."),
    ],
)
def test_the_message_is_the_servers_with_field_errors(body: object, message: str) -> None:
    handler = ScriptedHandler([json_reply(body, 400)])

    with pytest.raises(RequestError) as caught:
        _transport(handler).post("/task", json={})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (html_reply(404), "check the host, the port and the API path"),
        (httpx.Response(400, content=b""), "an empty or unnamed body"),
        (json_reply({}, 200), None),
        (
            httpx.Response(200, content=b"{broken", headers={"content-type": "application/json"}),
            "a broken body",
        ),
        (html_reply(413), "too large"),
        (html_reply(500), "a proxy does"),
        (httpx.Response(308, headers={"location": "https://x.test/api"}), "to https://x.test/api"),
    ],
)
def test_an_answer_that_is_not_json_is_no_api(reply: httpx.Response, words: str | None) -> None:
    handler = ScriptedHandler([reply])
    transport = _transport(handler)

    if words is None:
        assert transport.post("/task") == {}
        return
    with pytest.raises(NotAnApiError, match=words) as caught:
        transport.post("/task")
    assert caught.value.status == reply.status_code
    assert str(caught.value).startswith(f"POST {_BASE}/task")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_that_has_no_body_is_none(method: str) -> None:
    status = 204 if method == "GET" else 200
    handler = ScriptedHandler([httpx.Response(status)])

    assert _transport(handler).send(method, "/task").body is None


def test_a_body_that_has_no_json_form_is_refused_before_sending() -> None:
    handler = ScriptedHandler()

    with pytest.raises(PayloadError):
        _transport(handler).post("/task", json={"x": {1, 2}})
    assert handler.requests == []


def test_downloads_come_in_pieces() -> None:
    content = bytes(range(256)) * 5000
    handler = ScriptedHandler([httpx.Response(200, content=content)])

    with _transport(handler).stream_download("/blobstream/1", params={"a": 1}) as chunks:
        pieces = list(chunks)

    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= 1024 * 1024
    assert handler.requests[0].headers["authorization"] == "Bearer abc"
    assert handler.requests[0].url.query == b"a=1"


def test_opening_a_download_is_repeated_when_the_server_is_away() -> None:
    handler = ScriptedHandler([no_connection(), html_reply(503), httpx.Response(200, content=b"x")])

    with _transport(handler).stream_download("/blobstream/1") as chunks:
        assert b"".join(chunks) == b"x"


def test_a_refused_download_raises_the_servers_message() -> None:
    handler = ScriptedHandler([json_reply({"msg": "Gone"}, 404)])

    with (
        pytest.raises(NotFoundError, match="Gone"),
        _transport(handler).stream_download("/blobstream/1"),
    ):
        pass


def test_a_connection_that_breaks_during_a_download_is_told() -> None:
    class Broken(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield b"x" * 2_000_000
            raise httpx.ReadError("reset")

    handler = ScriptedHandler([httpx.Response(200, stream=Broken())])

    with (
        _transport(handler).stream_download("/blobstream/1") as chunks,
        pytest.raises(ConnectionFailedError, match="connection broke"),
    ):
        list(chunks)


def test_uploads_are_sent_in_pieces() -> None:
    handler = ScriptedHandler([json_reply({"uuid": "u"}, 201)])

    answer = _transport(handler).upload("/blobstream", iter([b"a", b"b"]), headers={"X-Key": "k"})

    [request] = handler.requests
    assert answer == {"uuid": "u"}
    assert request.content == b"ab"
    assert request.headers["transfer-encoding"] == "chunked"
    assert request.headers["content-type"] == "application/octet-stream"
    assert request.headers["x-key"] == "k"


def test_an_upload_is_repeated_if_its_source_can_be_read_again() -> None:
    handler = ScriptedHandler([no_connection(), json_reply({"uuid": "u"}, 201)])

    assert _transport(handler).upload("/blobstream", [b"a"]) == {"uuid": "u"}
    assert [request.content for request in handler.requests] == [b"a", b"a"]


def test_an_upload_is_not_repeated_if_its_source_is_used_up() -> None:
    handler = ScriptedHandler([no_connection()])

    with pytest.raises(ConnectionFailedError):
        _transport(handler).upload("/blobstream", iter([b"a"]))
    assert len(handler.requests) == 1


def test_an_upload_that_may_have_arrived_is_not_repeated() -> None:
    handler = ScriptedHandler([no_reply()])

    with pytest.raises(ConnectionFailedError):
        _transport(handler).upload("/blobstream", [b"a"])


def test_a_missing_certificate_bundle_is_told() -> None:
    with pytest.raises(ConfigurationError, match="/nowhere/ca"):
        Transport("https://server.test/api", verify="/nowhere/ca.pem")


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR"])
def test_the_environment_may_name_a_certificate_bundle(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    used: list[dict[str, str]] = []
    make = ssl.create_default_context

    def remember(**places: str) -> ssl.SSLContext:
        used.append(places)
        return make()

    monkeypatch.setattr(ssl, "create_default_context", remember)
    monkeypatch.setenv(variable, str(tmp_path))

    Transport("https://server.test/api").close()

    assert {"capath": str(tmp_path)} in used


def test_a_lost_answer_leaves_the_effect() -> None:
    inner = ScriptedHandler([json_reply({}), json_reply({"again": True})])
    handler = FaultyHandler(inner)
    handler.drop_reply("PATCH", "/run")

    assert _transport(handler).patch("/run/1", json={}, retry=True) == {"again": True}
    assert len(inner.requests) == 2


def test_an_application_in_process_gets_uploads() -> None:
    received: list[bytes] = []

    def application(environ, start_response):  # type: ignore[no-untyped-def]
        received.append(environ["wsgi.input"].read())
        assert environ["wsgi.input_terminated"]
        start_response("201 Created", [("Content-Type", "application/json")])
        return [b'{"uuid": "u"}']

    assert _transport(InProcessHandler(application)).upload("/b", iter([b"a", b"b"])) == {
        "uuid": "u"
    }
    assert received == [b"ab"]


def test_closing_ends_the_use() -> None:
    with _transport(ScriptedHandler()) as transport:
        pass

    with pytest.raises(RuntimeError):
        transport.get("/version")
