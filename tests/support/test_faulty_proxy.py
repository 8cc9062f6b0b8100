"""The proxy misbehaves exactly as it is told to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from tests.support.faulty_proxy import Fault, FaultyProxy, first_frame


class _Echo(BaseHTTPRequestHandler):
    """Answers with the body of the request and remembers it."""

    protocol_version = "HTTP/1.1"
    bodies: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.bodies.append(body)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class
        """Be silent."""


@pytest.fixture
def received() -> list[bytes]:
    return []


@pytest.fixture
def proxy(received: list[bytes]) -> Iterator[FaultyProxy]:
    handler = type("Echo", (_Echo,), {"bodies": received})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    with FaultyProxy(lambda: server.server_port, is_recording=True) as proxy:
        yield proxy
    server.shutdown()
    server.server_close()
    thread.join()


def _post(proxy: FaultyProxy, path: str = "/x", body: bytes = b"hello") -> httpx.Response:
    return httpx.post(f"http://127.0.0.1:{proxy.port}{path}", content=body, trust_env=False)


def test_without_a_fault_it_passes_on_and_records(
    proxy: FaultyProxy, received: list[bytes]
) -> None:
    assert _post(proxy).content == b"hello"
    assert received == [b"hello"]
    request, answer = proxy.recorded
    assert request.data.startswith(b"POST /x HTTP/1.1")
    assert request.data.endswith(b"hello")
    assert answer.data.endswith(b"hello")


def test_a_bad_gateway_answers_itself_with_a_page(
    proxy: FaultyProxy, received: list[bytes]
) -> None:
    proxy.become(Fault.BAD_GATEWAY)

    answer = _post(proxy)

    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")
    assert received == []
    assert proxy.hits_of(Fault.BAD_GATEWAY, "POST /x") == 1


def test_a_refusing_proxy_takes_no_connections_until_it_changes(proxy: FaultyProxy) -> None:
    proxy.become(Fault.REFUSED)
    with pytest.raises(httpx.ConnectError):
        _post(proxy)

    proxy.become(Fault.NONE)
    assert _post(proxy).content == b"hello"


def test_the_first_answer_to_each_change_is_lost(proxy: FaultyProxy, received: list[bytes]) -> None:
    proxy.become(Fault.LOST_ANSWER)

    with pytest.raises(httpx.RemoteProtocolError):
        _post(proxy)

    assert _post(proxy).content == b"hello"
    assert received == [b"hello", b"hello"]


def test_everything_is_delivered_twice_but_answered_once(
    proxy: FaultyProxy, received: list[bytes]
) -> None:
    proxy.become(Fault.TWICE)

    assert _post(proxy).content == b"hello"
    assert received == [b"hello", b"hello"]


@pytest.mark.parametrize("fault", [Fault.NO_SOCKET, Fault.NO_UPGRADE])
def test_only_sockets_are_refused(proxy: FaultyProxy, fault: Fault) -> None:
    proxy.become(fault)
    url = f"http://127.0.0.1:{proxy.port}/socket.io/?transport=websocket"

    socket = httpx.get(url, headers={"Upgrade": "websocket"}, trust_env=False)

    assert socket.status_code == 403
    assert _post(proxy).status_code == 200


@pytest.mark.parametrize("size", [5, 200, 70_000])
def test_a_frame_is_found_whatever_its_length_and_mask(size: int) -> None:
    payload = bytes(number % 251 for number in range(size))
    for frame in (_frame(payload), _frame(payload, b"\x01\x02\x03\x04")):
        assert first_frame(frame[:-1]) is None
        assert first_frame(frame + b"next") == (frame, payload)


def _frame(payload: bytes, key: bytes = b"") -> bytes:
    """Build a frame by the rules of RFC 6455, byte by byte."""
    flag, size = (0x80 if key else 0), len(payload)
    if size < 126:
        length = bytes([flag | size])
    elif size < 1 << 16:
        length = bytes([flag | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([flag | 127]) + size.to_bytes(8, "big")
    masked = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload)) if key else payload
    return b"\x81" + length + key + masked
