"""Stand-ins for the network: scripted answers, injected faults, an application in process."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

import httpx

__all__ = [
    "FaultyHandler",
    "InProcessHandler",
    "ScriptedHandler",
    "html_reply",
    "json_reply",
    "no_connection",
    "no_reply",
]

Reply = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


def json_reply(body: Any, status: int = 200, **headers: str) -> httpx.Response:
    """Return an answer with a JSON body."""
    content = json.dumps(body).encode()
    return httpx.Response(
        status, content=content, headers={"content-type": "application/json", **headers}
    )


def html_reply(status: int = 200, text: str = "<html>Welcome</html>") -> httpx.Response:
    """Return the kind of page that proxies show."""
    return httpx.Response(status, text=text, headers={"content-type": "text/html"})


def no_connection() -> httpx.ConnectError:
    """Return what happens when nobody listens."""
    return httpx.ConnectError("Connection refused")


def no_reply() -> httpx.ReadTimeout:
    """Return what happens when the server takes the request and then keeps silent."""
    return httpx.ReadTimeout("timed out")


class ScriptedHandler(httpx.BaseTransport):
    """Gives prepared answers one after the other, and remembers the requests.

    Parameters
    ----------
    replies : iterable
        Answers, exceptions to raise, or functions of the request. The last one is not repeated:
        a request too many fails the test.

    Attributes
    ----------
    requests : list of httpx.Request
        All requests so far, with their bodies read.
    """

    def __init__(self, replies: Iterable[Reply] = ()) -> None:
        self._replies = list(replies)
        self._lock = threading.Lock()
        self.requests: list[httpx.Request] = []

    def add(self, *replies: Reply) -> None:
        """Prepare further answers."""
        self._replies.extend(replies)

    @property
    def left(self) -> int:
        """How many prepared answers were not asked for yet."""
        return len(self._replies)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as the script says."""
        request.read()
        with self._lock:
            self.requests.append(request)
            if not self._replies:
                raise AssertionError(f"Nothing is prepared for {request.method} {request.url}.")
            reply = self._replies.pop(0)
        return _given(reply, request)


class FaultyHandler(httpx.BaseTransport):
    """Passes requests on, but lets single ones go wrong.

    Parameters
    ----------
    inner : httpx.BaseTransport
        Who answers otherwise.
    """

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self._faults: list[tuple[Callable[[httpx.Request], bool], str]] = []

    def drop_request(self, method: str, path_part: str) -> None:
        """Lose the next matching request before it arrives."""
        self._plan(method, path_part, "request")

    def drop_reply(self, method: str, path_part: str) -> None:
        """Let the next matching request arrive and take effect, but lose the answer."""
        self._plan(method, path_part, "reply")

    def duplicate(self, method: str, path_part: str) -> None:
        """Let the next matching request arrive twice; the second answer is given."""
        self._plan(method, path_part, "twice")

    def be_away(self, method: str, path_part: str) -> None:
        """Answer the next matching request with a proxy's page and status 503."""
        self._plan(method, path_part, "away")

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on unless a fault is planned for it."""
        fault = self._take(request)
        if fault == "request":
            raise no_connection()
        if fault == "away":
            return html_reply(503)
        if fault == "twice":
            request.read()
            self._inner.handle_request(request).close()
        response = self._inner.handle_request(request)
        if fault == "reply":
            response.close()
            raise no_reply()
        return response

    def close(self) -> None:
        """Close the handler behind this one."""
        self._inner.close()

    def _plan(self, method: str, path_part: str, fault: str) -> None:
        def matches(request: httpx.Request) -> bool:
            return request.method == method and path_part in request.url.path

        with self._lock:
            self._faults.append((matches, fault))

    def _take(self, request: httpx.Request) -> str | None:
        with self._lock:
            for index, (matches, fault) in enumerate(self._faults):
                if matches(request):
                    del self._faults[index]
                    return fault
        return None


class InProcessHandler(httpx.BaseTransport):
    """Gives requests to a WSGI application in this process.

    Like ``httpx.WSGITransport``, and uploads of unknown length arrive, too.

    Parameters
    ----------
    application : callable
        The WSGI application.
    """

    def __init__(self, application: Callable[..., Any]) -> None:
        def terminated(environ: dict[str, Any], start_response: Any) -> Any:
            # The body is complete, which servers say for chunked requests with this key.
            environ["wsgi.input_terminated"] = True
            return application(environ, start_response)

        self._inner = httpx.WSGITransport(app=terminated, raise_app_exceptions=True)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Let the application answer."""
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Do nothing: there is no connection."""
        self._inner.close()


def _given(reply: Reply, request: httpx.Request) -> httpx.Response:
    if isinstance(reply, Exception):
        raise reply
    return reply if isinstance(reply, httpx.Response) else reply(request)
