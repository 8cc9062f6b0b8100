"""A reverse proxy on loopback that misbehaves in chosen ways, and can keep all that it passes on.

It speaks just enough HTTP/1.1 to tell requests apart: one request per connection, web sockets as
two streams of frames.
"""

from __future__ import annotations

import hashlib
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from types import TracebackType

_HOST = "127.0.0.1"
_END_OF_HEAD = b"\r\n\r\n"
_PIECE = 64 * 1024
_TIMEOUT = 120.0
_SOCKET_PATH = "/socket.io/"
_EVENT = b"42"  # an event of Socket.IO in a message of Engine.IO
_CHANGES = ("POST", "PATCH", "PUT", "DELETE")
_COMPRESSION = frozenset({b"accept-encoding", b"sec-websocket-extensions"})
_PERSISTENCE = frozenset({b"connection", b"keep-alive"})
_MASKED = 0x80
_TEXT_AT_ONCE = 0x81
_HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>"


class Fault(Enum):
    """What goes wrong between a peer and the server.

    ``BAD_GATEWAY`` answers everything with 502 and a page, ``REFUSED`` takes no connections,
    ``NO_UPGRADE`` refuses web sockets, ``NO_SOCKET`` everything under ``/socket.io``,
    ``LOST_ANSWER`` passes each change on but keeps the first answer to it, and ``TWICE`` delivers
    each request and each socket event twice.
    """

    NONE = "none"
    BAD_GATEWAY = "bad gateway"
    REFUSED = "refused"
    NO_UPGRADE = "no upgrade"
    NO_SOCKET = "no socket"
    LOST_ANSWER = "lost answer"
    TWICE = "twice"


@dataclass(frozen=True)
class Message:
    """A request, an answer or a socket frame; `data` is what it says, without its transport."""

    kind: str
    data: bytes


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    head: bytes
    body: bytes

    @property
    def is_upgrade(self) -> bool:
        return re.search(rb"(?im)^upgrade:\s*websocket\s*$", self.head) is not None

    @property
    def is_socket(self) -> bool:
        return self.path.startswith(_SOCKET_PATH)

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"{self.method} {self.path} ".encode() + self.body).hexdigest()


class FaultyProxy:
    """Passes requests on to a server, as far as the present fault lets it.

    Parameters
    ----------
    upstream : callable
        Returns the port of the server; asked for each connection.
    fault : Fault, optional
        What goes wrong from the beginning.
    is_recording : bool, optional
        Whether `recorded` is filled.

    Attributes
    ----------
    port : int
        Where it listens.
    recorded : list of Message
        Everything that was passed on.
    hits : Counter
        How often each fault came upon which request: ``(fault, "PATCH /api/run/3")``, or upon
        which socket event: ``(fault, 'EVENT 42/tasks,["new_task",…]')``.
    """

    def __init__(
        self,
        upstream: Callable[[], int],
        fault: Fault = Fault.NONE,
        *,
        is_recording: bool = False,
    ) -> None:
        self._upstream = upstream
        self._fault = fault
        self._is_recording = is_recording
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._seen: set[str] = set()
        self._listener: socket.socket | None = None
        self.recorded: list[Message] = []
        self.hits: Counter[tuple[Fault, str]] = Counter()
        self.port = 0

    def __enter__(self) -> FaultyProxy:
        self._listen()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop_listening()
        self._cut()

    def become(self, fault: Fault) -> None:
        """Change what goes wrong; connections that are open break."""
        with self._lock:
            self._fault = fault
        if fault is Fault.REFUSED:
            self._stop_listening()
        elif self._listener is None:
            self._listen()
        self._cut()

    def hits_of(self, fault: Fault, pattern: str = "") -> int:
        """Return how many requests whose method and path match a pattern met a fault."""
        with self._lock:
            return sum(
                number
                for (met, what), number in self.hits.items()
                if met is fault and re.search(pattern, what)
            )

    # -- connections --------------------------------------------------------------------------

    def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_HOST, self.port))
        listener.listen(256)
        self.port = listener.getsockname()[1]
        self._listener = listener
        _in_thread(self._accept, listener)

    def _stop_listening(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            _in_thread(self._serve, connection)

    def _cut(self) -> None:
        with self._lock:
            cut = list(self._open)
        for each in cut:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def _tracked(self, connection: socket.socket) -> Iterator[socket.socket]:
        connection.settimeout(_TIMEOUT)
        with self._lock:
            self._open.add(connection)
        try:
            yield connection
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _serve(self, connection: socket.socket) -> None:
        # Peers that vanish, and cuts, are what this is for.
        with suppress(OSError, ValueError), self._tracked(connection) as client:
            request = _read_request(client)
            if request is not None:
                self._handle(request, client)

    def _handle(self, request: _Request, client: socket.socket) -> None:
        fault = self._present_fault(request)
        if fault is Fault.BAD_GATEWAY:
            client.sendall(_page(502, "Bad Gateway"))
        elif fault in {Fault.NO_UPGRADE, Fault.NO_SOCKET}:
            client.sendall(_page(403, "Forbidden"))
        elif request.is_upgrade:
            self._tunnel(request, client)
        elif fault is Fault.LOST_ANSWER:
            self._ask(request)
        else:
            answers = [self._ask(request) for _ in range(2 if fault is Fault.TWICE else 1)]
            client.sendall(answers[-1])

    def _present_fault(self, request: _Request) -> Fault:
        """Return what goes wrong with this request, and count it."""
        with self._lock:
            fault = self._fault if self._concerns(request) else Fault.NONE
            self.hits[fault, f"{request.method} {request.path}"] += 1
            return fault

    def _concerns(self, request: _Request) -> bool:
        fault = self._fault
        if fault is Fault.NO_UPGRADE:
            return request.is_upgrade
        if fault is Fault.NO_SOCKET:
            return request.is_socket
        if fault is Fault.TWICE:
            return request.is_upgrade or not request.is_socket
        if fault is Fault.LOST_ANSWER:
            is_news = request.digest not in self._seen
            self._seen.add(request.digest)
            return is_news and request.method in _CHANGES and not request.is_socket
        return True

    # -- requests -----------------------------------------------------------------------------

    def _ask(self, request: _Request) -> bytes:
        """Send a request to the server and return its whole answer."""
        with self._server() as server:
            server.sendall(request.head + request.body)
            answer = _read_all(server)
        head, end, body = answer.partition(_END_OF_HEAD)
        if not end:
            raise ValueError("The server ended within its answer.")
        is_chunked = _has(head, b"transfer-encoding", b"chunked")
        self._record("request", request.head + _plain_body(request))
        self._record("answer", head + b"\r\n" + (_without_chunks(body) if is_chunked else body))
        return _closing(head) + _END_OF_HEAD + body

    @contextmanager
    def _server(self) -> Iterator[socket.socket]:
        with self._tracked(socket.create_connection((_HOST, self._upstream()), 10.0)) as server:
            yield server

    def _record(self, kind: str, data: bytes) -> None:
        if self._is_recording:
            self.recorded.append(Message(kind, data))

    # -- web sockets --------------------------------------------------------------------------

    def _tunnel(self, request: _Request, client: socket.socket) -> None:
        with self._server() as server:
            server.sendall(request.head)
            head, rest = _read_head(server)
            client.sendall(head + _END_OF_HEAD)
            self._record("request", request.head)
            self._record("answer", head)
            other = _in_thread(self._pass_frames, client, server, b"")
            self._pass_frames(server, client, rest)
            other.join()

    def _pass_frames(self, source: socket.socket, target: socket.socket, rest: bytes) -> None:
        try:
            for frame, payload in _frames(source, rest):
                self._record("frame", payload)
                is_event = frame[0] == _TEXT_AT_ONCE and payload.startswith(_EVENT)
                is_doubled = is_event and self._fault is Fault.TWICE
                if is_doubled:
                    with self._lock:
                        self.hits[Fault.TWICE, f"EVENT {payload.decode()}"] += 1
                target.sendall(frame * 2 if is_doubled else frame)
        except (OSError, ValueError):
            pass  # the other end is told below
        finally:
            for end in (source, target):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)


# -- bytes ------------------------------------------------------------------------------------


def _in_thread(work: Callable[..., None], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread


def _page(status: int, reason: str) -> bytes:
    return (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/html\r\nConnection: close\r\n"
        f"Content-Length: {len(_HTML)}\r\n\r\n"
    ).encode() + _HTML


def _read_all(source: socket.socket) -> bytes:
    pieces = []
    while piece := source.recv(_PIECE):
        pieces.append(piece)
    return b"".join(pieces)


def _read_head(source: socket.socket) -> tuple[bytes, bytes]:
    """Read up to the end of a head; returns it and what came after it."""
    data = b""
    while _END_OF_HEAD not in data:
        piece = source.recv(_PIECE)
        if not piece:
            raise ValueError("The connection ended within a head.")
        data += piece
    head, _, rest = data.partition(_END_OF_HEAD)
    return head, rest


def _has(head: bytes, name: bytes, value: bytes) -> bool:
    return re.search(rb"(?im)^" + name + rb":.*" + value, head) is not None


def _read_request(client: socket.socket) -> _Request | None:
    try:
        head, body = _read_head(client)
    except ValueError:
        return None  # a connection that was opened and not used
    method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
    length = re.search(rb"(?im)^content-length:\s*(\d+)", head)
    while len(body) < int(length.group(1) if length else 0):
        body += _some(client)
    if _has(head, b"transfer-encoding", b"chunked"):
        while not (body == b"0\r\n\r\n" or body.endswith(b"\r\n0\r\n\r\n")):
            body += _some(client)
    return _Request(method, path, _adapted(head) + _END_OF_HEAD, body)


def _some(source: socket.socket) -> bytes:
    piece = source.recv(_PIECE)
    if not piece:
        raise ValueError("The connection ended too early.")
    return piece


def _adapted(head: bytes) -> bytes:
    """Return a request's head without compression, for a connection of its own."""
    is_upgrade = _has(head, b"upgrade", b"websocket")
    head = _without(head, _COMPRESSION)
    return head if is_upgrade else _closing(head)


def _closing(head: bytes) -> bytes:
    """Return a head that says that its connection carries nothing else."""
    return _without(head, _PERSISTENCE) + b"\r\nConnection: close"


def _without(head: bytes, names: frozenset[bytes]) -> bytes:
    first, *others = head.split(b"\r\n")
    kept = [line for line in others if line.partition(b":")[0].lower() not in names]
    return b"\r\n".join([first, *kept])


def _plain_body(request: _Request) -> bytes:
    is_chunked = _has(request.head, b"transfer-encoding", b"chunked")
    return _without_chunks(request.body) if is_chunked else request.body


def _without_chunks(body: bytes) -> bytes:
    pieces = []
    while body:
        size, _, body = body.partition(b"\r\n")
        number = int(size.split(b";")[0], 16)
        pieces.append(body[:number])
        body = body[number + 2 :] if number else b""
    return b"".join(pieces)


def _frames(source: socket.socket, data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give web socket frames as they come: the frame as it is, and its payload unmasked."""
    while True:
        found = first_frame(data)
        while found is None:
            data += _some(source)
            found = first_frame(data)
        frame, payload = found
        data = data[len(frame) :]
        yield frame, payload


def first_frame(data: bytes) -> tuple[bytes, bytes] | None:
    """Return the first frame and its payload, or None if there is no whole one (RFC 6455)."""
    if len(data) < 2:
        return None
    is_masked, length, start = bool(data[1] & _MASKED), data[1] & 0x7F, 2
    if length >= 126:
        code = ">H" if length == 126 else ">Q"
        start += struct.calcsize(code)
        if len(data) < start:
            return None
        (length,) = struct.unpack(code, data[2:start])
    key = data[start : start + 4] if is_masked else b""
    end = start + len(key) + length
    if len(data) < end or (is_masked and len(key) < 4):
        return None
    payload = data[end - length : end]
    if is_masked:
        mask = (key * (length // 4 + 1))[:length]
        payload = (int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")).to_bytes(
            length, "big"
        )
    return data[:end], payload
