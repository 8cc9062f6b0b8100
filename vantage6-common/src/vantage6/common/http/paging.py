"""All items of a list that the server gives in pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from vantage6.common.errors import NotAnApiError
from vantage6.common.http.transport import Transport

__all__ = ["all_items", "iterate_pages"]

_OK = 200


def iterate_pages(
    transport: Transport,
    path: str,
    params: Mapping[str, Any] | None = None,
    per_page: int = 250,
) -> Iterator[dict[str, Any]]:
    """Give every item over all pages, asking for a page when it is reached.

    Only the query of the server's ``links.next`` is used: its path is the server's own, which
    differs from ours behind a proxy.

    Parameters
    ----------
    transport : Transport
        Connection to the server.
    path : str
        The list's path.
    params : Mapping, optional
        Filters.
    per_page : int
        Items per request.

    Raises
    ------
    NotAnApiError
        If the answer is not a list.
    """
    query: dict[str, Any] = {"per_page": per_page, **(params or {})}
    seen: set[str] = set()
    while True:
        body = transport.get(path, params=query)
        yield from _items(body, path)
        following = _next_link(body)
        if following is None or following in seen:
            return
        seen.add(following)
        query.update(parse_qs(urlsplit(following).query))


def all_items(
    transport: Transport,
    path: str,
    params: Mapping[str, Any] | None = None,
    per_page: int = 250,
) -> list[dict[str, Any]]:
    """Return every item over all pages; arguments and errors are those of `iterate_pages`."""
    return list(iterate_pages(transport, path, params, per_page))


def _items(body: Any, path: str) -> list[dict[str, Any]]:
    items = body.get("data") if isinstance(body, dict) else body
    if not isinstance(items, list):
        raise NotAnApiError(f"GET {path} was not answered with a list.", _OK)
    return items


def _next_link(body: Any) -> str | None:
    links = body.get("links") if isinstance(body, dict) else None
    return links.get("next") if isinstance(links, dict) else None
