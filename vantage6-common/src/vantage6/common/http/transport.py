"""The one way to send a request.

Every request has time-outs, carries the credentials, and is repeated only where that is safe:
for reading, for a connection that was never made, or where the caller vouches for it.
"""

from __future__ import annotations

import json as json_module
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from vantage6.common._version import __version__
from vantage6.common.clock import Clock, SystemClock
from vantage6.common.errors import (
    ConfigurationError,
    ConnectionFailedError,
    NotAnApiError,
    PayloadError,
    ResponseError,
    TransportError,
)
from vantage6.common.http.address import checked_url, origin, query, verification
from vantage6.common.http.auth import AuthFlow, ExpiringAuth
from vantage6.common.http.errors import not_an_api, response_error
from vantage6.common.http.retry import RetryPolicy

__all__ = ["Answer", "Transport"]

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_AWAY = frozenset({502, 503, 504})
# 422 is what the reference server answers to a token that it did not sign, as after a restart
# without a fixed secret (contract, rest-api section 1.4).
_TOKEN_REFUSED = frozenset({401, 422})
_BODYLESS = frozenset({204, 205})
_CERTIFICATE_PROBLEM = "CERTIFICATE_VERIFY_FAILED"
_CHUNK_SIZE = 1024 * 1024
_FIRST_ERROR = 400
_FIRST_REDIRECT = 300

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What the server answered to a request it accepted.

    Parameters
    ----------
    status : int
        HTTP status, below 400.
    headers : Mapping
        Response headers; look-ups ignore case.
    body : Any
        The parsed JSON, or None where the status says that there is none.
    """

    status: int
    headers: Mapping[str, str]
    body: Any


class Transport:
    """A connection to one REST interface.

    Proxy settings of the environment (``HTTPS_PROXY``, ``NO_PROXY``, …) are honoured, and so is
    a certificate bundle named by ``SSL_CERT_FILE``, ``REQUESTS_CA_BUNDLE`` or ``SSL_CERT_DIR``.
    Threads may share one object.

    Parameters
    ----------
    base_url : str
        Address with the API path, for example ``https://example.org/api``.
    auth : AuthFlow, optional
        Credentials sent with each request.
    connect_timeout, read_timeout : float
        Seconds to wait for a connection, and for the next bytes.
    retry : RetryPolicy, optional
        How often and how soon to repeat.
    verify : bool or str
        Whether to check certificates, or the file or folder with the authorities to trust.
    handler : httpx.BaseTransport, optional
        Takes the place of the network, for example ``httpx.WSGITransport``.
    clock : Clock, optional
        The time.
    headers : Mapping, optional
        Sent with each request.

    Raises
    ------
    ConfigurationError
        If the address or the certificate bundle cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        *,
        auth: AuthFlow | None = None,
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        retry: RetryPolicy | None = None,
        verify: bool | str = True,
        handler: httpx.BaseTransport | None = None,
        clock: Clock | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.base_url = checked_url(base_url)
        self.auth = auth
        self._retry = retry or RetryPolicy()
        self._clock: Clock = clock or SystemClock()
        self._client = httpx.Client(
            timeout=httpx.Timeout(
                connect=connect_timeout, read=read_timeout, write=read_timeout, pool=read_timeout
            ),
            verify=verification(self.base_url, verify),
            transport=handler,
            headers={
                "Accept": "application/json",
                "User-Agent": f"vantage6/{__version__}",
                **(headers or {}),
            },
        )

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def origin(self) -> str:
        """Scheme, host and port, without the API path."""
        return origin(self.base_url)

    def server_path(self, given: str, known: str) -> str:
        """Return where to send a request whose address the server named.

        A server behind a proxy may not know the prefix under which the world sees it, so an
        address that ends in the well-known path is reached below the base address, as all else
        is. Other addresses are taken as given, on the same host.
        """
        if given.endswith(known):
            return known
        return f"{self.origin}/{given.lstrip('/')}"

    def authorization(self) -> str | None:
        """Return the present ``Authorization`` value, renewed first if it expires soon."""
        if self.auth is None:
            return None
        header = self.auth.header()
        if isinstance(self.auth, ExpiringAuth) and self.auth.expires_soon():
            self.auth.renew(self)
            header = self.auth.header()
        return header

    def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | Iterable[bytes] | None = None,
        retry: bool | None = None,
        authorized: bool = True,
    ) -> Answer:
        """Send a request and return the answer.

        Parameters
        ----------
        method : str
            HTTP method.
        path : str
            Path below the base address, or a full address on the same host.
        json : Any, optional
            Body, sent as JSON.
        params : Mapping, optional
            Query; values that are None or empty lists are left out.
        headers : Mapping, optional
            Further headers.
        content : bytes or Iterable of bytes, optional
            Body, sent as it is; not together with `json`. Pieces must come anew each time they
            are gone through, because the request may have to be repeated.
        retry : bool, optional
            True if the request may be repeated whatever became of it. False if it must go out at
            most once, even after a refused token. By default requests that only read are repeated,
            others only if no connection was made.
        authorized : bool
            Whether to send the credentials.

        Raises
        ------
        ConnectionFailedError
            If nobody answered in time.
        NotAnApiError
            If the answer is not JSON.
        ResponseError
            If the server refused; the kind tells the status apart.
        """
        method = method.upper()
        send_headers = dict(headers or {})
        if json is not None:
            content = _encode(json)
            send_headers.setdefault("Content-Type", "application/json")
        request = _Request(method, self._url(path), query(params), send_headers, content)
        may_repeat = method in _SAFE_METHODS if retry is None else retry
        delays = self._retry.delays() if retry is not False else iter(())
        while True:
            try:
                return self._send_once(
                    request, authorized=authorized, repeatable=retry is not False
                )
            except TransportError as error:
                if not (may_repeat and _may_pass(error)) and not _never_connected(error):
                    raise
                delay = next(delays, None)
                if delay is None:
                    raise
                _log.info("%s %s failed (%s); again in %.1f s", method, path, error, delay)
                self._clock.sleep(delay)

    def get(self, path: str, params: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Read something; returns the parsed JSON. Options and errors are those of `send`."""
        return self.send("GET", path, params=params, **options).body

    def post(self, path: str, json: Any = None, **options: Any) -> Any:
        """Create something; returns the parsed JSON. Options and errors are those of `send`."""
        return self.send("POST", path, json=json, **options).body

    def patch(self, path: str, json: Any = None, **options: Any) -> Any:
        """Change something; returns the parsed JSON. Options and errors are those of `send`."""
        return self.send("PATCH", path, json=json, **options).body

    def delete(self, path: str, **options: Any) -> Any:
        """Remove something; returns the parsed JSON. Options and errors are those of `send`."""
        return self.send("DELETE", path, **options).body

    @contextmanager
    def stream_download(
        self, path: str, params: Mapping[str, Any] | None = None
    ) -> Iterator[Iterator[bytes]]:
        """Open a download and give its chunks, of at most 1 MiB, as they arrive.

        Raises
        ------
        ConnectionFailedError
            If nobody answered, or the connection broke on the way.
        ResponseError
            If the server refused.
        """
        response = self._open_download(path, params)
        try:
            yield _chunks(response)
        finally:
            response.close()

    def upload(
        self, path: str, chunks: Iterable[bytes], headers: Mapping[str, str] | None = None
    ) -> Any:
        """Post bytes as they come, without holding them all, and return the parsed JSON.

        The upload is repeated after a refused token or a connection that was never made if
        `chunks` can be gone through again (a list, or an object whose ``__iter__`` starts over).

        Raises
        ------
        TransportError
            As `send` does.
        """
        send_headers = {"Content-Type": "application/octet-stream", **(headers or {})}
        once_only = iter(chunks) is chunks
        delays = iter(()) if once_only else self._retry.delays()
        while True:
            request = _Request("POST", self._url(path), None, send_headers, _body(chunks))
            try:
                return self._send_once(request, authorized=True, repeatable=not once_only).body
            except ConnectionFailedError as error:
                delay = next(delays, None)
                if delay is None or not _never_connected(error):
                    raise
                self._clock.sleep(delay)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _url(self, path: str) -> str:
        if not path.startswith(("http://", "https://")):
            return f"{self.base_url}/{path.lstrip('/')}"
        if origin(path) != origin(self.base_url):
            # The credentials belong to one server and go to no other.
            raise ConfigurationError(
                f"{path} is not on {self.origin}; use a connection of its own for it."
            )
        return path

    def _send_once(self, request: _Request, *, authorized: bool, repeatable: bool = True) -> Answer:
        """Send, and once more with new credentials if the server refuses the present ones."""
        response = self._exchange(request, authorized=authorized)
        if repeatable and self._renewed(response, authorized=authorized):
            response = self._exchange(request, authorized=authorized)
        return _answer(response, request.name)

    def _renewed(self, response: httpx.Response, *, authorized: bool) -> bool:
        if response.status_code not in _TOKEN_REFUSED or not authorized or self.auth is None:
            return False
        return self.auth.renew(self)

    def _exchange(
        self, request: _Request, *, authorized: bool, stream: bool = False
    ) -> httpx.Response:
        headers = dict(request.headers)
        authorization = self.authorization() if authorized else None
        if authorization:
            headers["Authorization"] = authorization
        with _connection_errors(request.name):
            prepared = self._client.build_request(
                request.method,
                request.url,
                params=request.params,
                headers=headers,
                content=request.content,
            )
            return self._client.send(prepared, stream=stream)

    def _open_download(self, path: str, params: Mapping[str, Any] | None) -> httpx.Response:
        accept = {"Accept": "application/octet-stream, application/json"}
        request = _Request("GET", self._url(path), query(params), accept, None)
        delays = self._retry.delays()
        while True:
            try:
                return self._open_download_once(request)
            except TransportError as error:
                delay = next(delays, None) if _may_pass(error) else None
                if delay is None:
                    raise
                self._clock.sleep(delay)

    def _open_download_once(self, request: _Request) -> httpx.Response:
        response = self._exchange(request, authorized=True, stream=True)
        if self._renewed(response, authorized=True):
            response.close()
            response = self._exchange(request, authorized=True, stream=True)
        if response.status_code < _FIRST_REDIRECT:
            return response
        try:
            with _connection_errors(request.name):
                response.read()
            _answer(response, request.name)
        finally:
            response.close()
        raise not_an_api(response.status_code, _content_type(response), request.name)


@dataclass(frozen=True)
class _Request:
    method: str
    url: str
    params: httpx.QueryParams | None
    headers: Mapping[str, str]
    content: bytes | Iterable[bytes] | None

    @property
    def name(self) -> str:
        return f"{self.method} {self.url}"


def _answer(response: httpx.Response, name: str) -> Answer:
    """Turn a complete response into an answer, or raise what it means."""
    status = response.status_code
    is_redirect = _FIRST_REDIRECT <= status < _FIRST_ERROR
    if is_redirect:
        raise not_an_api(
            status, _content_type(response), name, response.headers.get("location", "")
        )
    has_no_body = status in _BODYLESS or response.request.method == "HEAD"
    body = None if has_no_body else _parsed(response, name)
    if status >= _FIRST_ERROR:
        raise response_error(status, body, name)
    return Answer(status, response.headers, body)


def _parsed(response: httpx.Response, name: str) -> Any:
    try:
        return json_module.loads(response.content)
    except ValueError as error:
        raise not_an_api(response.status_code, _content_type(response), name) from error


def _content_type(response: httpx.Response) -> str:
    return str(response.headers.get("content-type", ""))


def _chunks(response: httpx.Response) -> Iterator[bytes]:
    with _connection_errors(f"GET {response.request.url}"):
        yield from response.iter_bytes(_CHUNK_SIZE)


def _body(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Give the chunks to httpx as an iterator, which makes it send them one by one."""
    yield from chunks


class _NeverConnectedError(ConnectionFailedError):
    """No connection was made, so the server cannot have seen the request."""


class _UntrustedError(ConnectionFailedError):
    """The server's certificate is not accepted; trying again does not change that."""


@contextmanager
def _connection_errors(name: str) -> Iterator[None]:
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        if _CERTIFICATE_PROBLEM in str(error):
            raise _UntrustedError(
                f"{name} was not sent because the server's certificate is not trusted "
                f"({error}); name the file with your authority's certificate in SSL_CERT_FILE."
            ) from error
        raise _NeverConnectedError(
            f"{name} found no server ({_reason(error)}); "
            "check the address, and whether the server is running."
        ) from error
    except httpx.TimeoutException as error:
        raise ConnectionFailedError(
            f"{name} was not answered in time ({type(error).__name__}); try again later."
        ) from error
    except httpx.TransportError as error:
        raise ConnectionFailedError(
            f"{name} failed because the connection broke ({_reason(error)}); try again later."
        ) from error
    except (httpx.InvalidURL, httpx.DecodingError) as error:
        raise ConnectionFailedError(
            f"{name} cannot be carried out ({_reason(error)}); check the address."
        ) from error


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _never_connected(error: Exception) -> bool:
    return isinstance(error, _NeverConnectedError)


def _may_pass(error: TransportError) -> bool:
    """Tell whether an error may go away by itself.

    A page where JSON was expected is what a proxy shows while the server behind it is away; a
    redirect or a 4xx page means a wrong address, and repeating does not help.
    """
    if isinstance(error, ConnectionFailedError):
        return not isinstance(error, _UntrustedError)
    if isinstance(error, NotAnApiError):
        return error.status in _AWAY or error.status < _FIRST_REDIRECT
    return isinstance(error, ResponseError) and error.status in _AWAY


def _encode(value: Any) -> bytes:
    try:
        return json_module.dumps(value).encode()
    except (TypeError, ValueError) as error:
        raise PayloadError(
            f"The body of the request cannot be written as JSON: {error}."
        ) from error
