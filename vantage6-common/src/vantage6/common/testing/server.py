"""A server made of prepared answers, one list per route, for tests of clients."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from vantage6.common.testing.http import json_reply, no_reply
from vantage6.common.testing.tokens import make_token

__all__ = ["ScriptedServer", "Seen", "link", "page"]

API_PATH = "/api"


@dataclass(frozen=True)
class Seen:
    """A request as the server saw it.

    Parameters
    ----------
    method, path : str
        What was asked; the path is given without the API path.
    query : dict
        Query parameters; of a repeated one the last.
    body : Any
        The parsed JSON, None without.
    headers : httpx.Headers
        Headers; look-ups ignore case.
    content : bytes
        The body as it came.
    url : httpx.URL
        The whole address.
    """

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: httpx.Headers
    content: bytes
    url: httpx.URL


class ScriptedServer:
    """Answers each route as told, and remembers what it was asked.

    A route is a method and a path without the API path. Its answers are given one after the
    other, and the last one for ever.

    Attributes
    ----------
    seen : list of Seen
        All requests so far.
    """

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._routes: dict[tuple[str, str], list[Callable[[Seen], httpx.Response]]] = defaultdict(
            list
        )

    @property
    def handler(self) -> httpx.MockTransport:
        """What takes the place of the network."""
        return httpx.MockTransport(self._answer)

    def on(self, method: str, path: str, body: Any = None, status: int = 200) -> None:
        """Answer with JSON."""
        self.reply(method, path, lambda _: json_reply(body, status))

    def reply(self, method: str, path: str, reply: Callable[[Seen], httpx.Response]) -> None:
        """Answer with what a function of the request returns or raises."""
        self._routes[method, path].append(reply)

    def lose_answer(self, method: str, path: str) -> None:
        """Take the request and let the answer get lost."""

        def lose(_: Seen) -> httpx.Response:
            raise no_reply()

        self.reply(method, path, lose)

    def forget(self, method: str, path: str) -> None:
        """Drop what was prepared for a route."""
        self._routes.pop((method, path), None)

    def asked(self, method: str, path: str) -> list[Seen]:
        """Return the requests of one route."""
        return [seen for seen in self.seen if (seen.method, seen.path) == (method, path)]

    def last(self) -> Seen:
        """Return the latest request."""
        return self.seen[-1]

    def accept_user(self, user_id: int, organization_id: int, public_key: str = "") -> None:
        """Let a user of an organization log in, whatever the password."""
        tokens = {
            "access_token": make_token(21_600, sub=user_id),
            "refresh_token": make_token(172_800, sub=user_id, type="refresh"),
            "refresh_url": f"{API_PATH}/token/refresh",
            "user_url": f"{API_PATH}/user/{user_id}",
        }
        organization = {
            "id": organization_id,
            "name": f"organization {organization_id}",
            "public_key": public_key,
        }
        user = {
            "id": user_id,
            "username": f"user-{user_id}",
            "firstname": "Ada",
            "organization": link("organization", organization_id),
        }
        self.on("POST", "/token/user", tokens)
        self.on("GET", f"/user/{user_id}", user)
        self.on("GET", f"/organization/{organization_id}", organization)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        content = request.read()
        is_json = "json" in request.headers.get("content-type", "")
        seen = Seen(
            method=request.method,
            path=request.url.path.removeprefix(API_PATH),
            query=dict(request.url.params),
            body=json.loads(content) if is_json and content else None,
            headers=request.headers,
            content=content,
            url=request.url,
        )
        self.seen.append(seen)
        replies = self._routes.get((seen.method, seen.path))
        if not replies:
            raise AssertionError(f"Nothing is prepared for {seen.method} {seen.path}.")
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        return reply(seen)


def link(noun: str, id_: int) -> dict[str, Any]:
    """Return a link to an object, as answers hold it."""
    return {"id": id_, "link": f"{API_PATH}/{noun}/{id_}", "methods": ["GET"]}


def page(*items: dict[str, Any], following: str | None = None) -> dict[str, Any]:
    """Return a page of a list; `following` is the address of the next one."""
    here = f"{API_PATH}/list?page=1"
    links = {"first": here, "self": here, "last": following or here}
    return {"data": [*items], "links": links | ({"next": following} if following else {})}
