"""What a connection needs to know besides the request: address, query, whom to trust."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from vantage6.common.errors import ConfigurationError

__all__ = ["checked_url", "origin", "query", "verification"]

_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR")


def checked_url(base_url: str) -> str:
    """Return an address without a slash at its end.

    Raises
    ------
    ConfigurationError
        If it is not the address of a server.
    """
    url = _parsed(base_url.strip())
    if url.scheme not in {"http", "https"} or not url.host:
        raise ConfigurationError(
            f"{base_url!r} is not the address of a server; "
            "give it as http://host:port/api or https://host/api."
        )
    return base_url.strip().rstrip("/")


def origin(address: str) -> str:
    """Return scheme, host and port of an address.

    Raises
    ------
    ConfigurationError
        If it is none.
    """
    url = _parsed(address)
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def verification(base_url: str, verify: bool | str) -> bool | ssl.SSLContext:  # noqa: FBT001 - as httpx
    """Return whom to trust: the authorities given, those of the environment, or the usual ones.

    Raises
    ------
    ConfigurationError
        If the file with the authorities cannot be used.
    """
    if verify is False or not base_url.startswith("https:"):
        return verify is not False
    bundle = verify if isinstance(verify, str) else _bundle_from_environment()
    if bundle is None:
        return True
    path = Path(bundle).expanduser()
    try:
        if path.is_dir():
            return ssl.create_default_context(capath=str(path))
        return ssl.create_default_context(cafile=str(path))
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"The certificate bundle {path} cannot be used ({error}); "
            "give a PEM file with the certificates of the authorities to trust."
        ) from error


def _parsed(address: str) -> httpx.URL:
    try:
        return httpx.URL(address)
    except (httpx.InvalidURL, ValueError) as error:
        raise ConfigurationError(
            f"{address!r} is not an address ({error}); give one like https://host/api."
        ) from error


def _bundle_from_environment() -> str | None:
    values = (os.environ.get(name) for name in _CA_VARIABLES)
    return next((value for value in values if value), None)


def query(params: Mapping[str, Any] | None) -> httpx.QueryParams | None:
    """Write a query as the released clients do: booleans as ``True`` and ``False``."""
    pairs: list[tuple[str, str | int | float | bool | None]] = []
    for key, value in (params or {}).items():
        values = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
        pairs.extend((key, str(item)) for item in values if item is not None)
    return httpx.QueryParams(pairs) if pairs else None
