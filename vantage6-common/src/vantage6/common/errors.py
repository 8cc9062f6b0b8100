"""Exceptions that several packages share.

::

    V6Error
    ├── ConfigurationError        a configuration file or option cannot be used
    ├── CryptoError
    │   ├── KeyFileError          a key file cannot be read or written
    │   ├── PublicKeyError        a public key is missing or no key
    │   └── DecryptionError       a payload cannot be decrypted with this key
    │       └── UnexpectedContentError  it could, but holds something else than it should
    ├── PayloadError              a value cannot be serialized or read back
    └── TransportError            no usable answer from the other side
        ├── ConnectionFailedError nobody answered, or the connection broke
        ├── NotAnApiError         something answered, but not this API (HTML, empty body, …)
        └── ResponseError         the server refused: has a status
            ├── AuthenticationError   401
            ├── NotFoundError         404
            ├── RequestError          other 4xx
            └── ServerFaultError      5xx with a JSON body
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AuthenticationError",
    "ConfigurationError",
    "ConnectionFailedError",
    "CryptoError",
    "DecryptionError",
    "KeyFileError",
    "NotAnApiError",
    "NotFoundError",
    "PayloadError",
    "PublicKeyError",
    "RequestError",
    "ResponseError",
    "ServerFaultError",
    "TransportError",
    "UnexpectedContentError",
    "V6Error",
]


class V6Error(Exception):
    """Base of all errors of this project; the text is one sentence for the user."""


class ConfigurationError(V6Error):
    """A configuration file or option cannot be used; nothing was started."""


class CryptoError(V6Error):
    """Something about keys or encrypted payloads is wrong."""


class KeyFileError(CryptoError):
    """A key file cannot be read or written."""


class PublicKeyError(CryptoError, ValueError):
    """A public key is missing or is not a key; a `ValueError` too, as the contract has it."""


class DecryptionError(CryptoError, ValueError):
    """A payload cannot be decrypted with this key; a `ValueError` too, as the contract has it."""


class UnexpectedContentError(DecryptionError):
    """A payload was decrypted to something that this form does not carry.

    Parameters
    ----------
    message : str
        What it should have been.
    content : bytes
        What it is; noise if it was encrypted for another key than ours, which goes unnoticed
        until then once in some hundred times.
    """

    def __init__(self, message: str, content: bytes) -> None:
        super().__init__(message)
        self.content = content


class PayloadError(V6Error):
    """A value cannot be serialized, or bytes cannot be read back."""


class TransportError(V6Error):
    """The other side gave no usable answer."""


class ConnectionFailedError(TransportError):
    """Nobody answered in time, or the connection broke."""


class NotAnApiError(TransportError):
    """Something answered, but not with the JSON of this API."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class ResponseError(TransportError):
    """The server refused a request.

    Parameters
    ----------
    message : str
        The server's message, one sentence.
    status : int
        HTTP status.
    body : dict, optional
        The whole JSON body.
    """

    def __init__(self, message: str, status: int, body: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = body or {}


class AuthenticationError(ResponseError):
    """The server did not accept who is asking (401)."""


class NotFoundError(ResponseError):
    """What was asked for does not exist (404)."""


class RequestError(ResponseError):
    """The request cannot be carried out as it was put (other 4xx)."""


class ServerFaultError(ResponseError):
    """The server failed (5xx)."""
