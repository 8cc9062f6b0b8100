"""All items over all pages."""

from __future__ import annotations

import itertools

import httpx
import pytest

from vantage6.common.errors import NotAnApiError
from vantage6.common.http.paging import all_items, iterate_pages
from vantage6.common.http.transport import Transport
from vantage6.common.testing.http import ScriptedHandler, json_reply


def _page(items: list[int], following: str | None = None) -> httpx.Response:
    links = {"first": "/api/task?page=1", "self": "/api/task?page=1"}
    if following:
        links["next"] = following
    return json_reply({"data": [{"id": item} for item in items], "links": links})


def _transport(handler: httpx.BaseTransport) -> Transport:
    return Transport("https://host.test/v6/api", handler=handler)


def test_links_are_followed_below_our_own_address() -> None:
    handler = ScriptedHandler(
        [
            _page([1, 2], "/api/task?name=x&per_page=2&page=2"),
            _page([3, 4], "/api/task?name=x&per_page=2&page=3"),
            _page([5]),
        ]
    )

    items = all_items(_transport(handler), "/task", {"name": "x"}, per_page=2)

    assert [item["id"] for item in items] == [1, 2, 3, 4, 5]
    assert [str(request.url) for request in handler.requests] == [
        "https://host.test/v6/api/task?per_page=2&name=x",
        "https://host.test/v6/api/task?per_page=2&name=x&page=2",
        "https://host.test/v6/api/task?per_page=2&name=x&page=3",
    ]


def test_filters_that_the_link_forgets_are_kept() -> None:
    handler = ScriptedHandler([_page([1], "/api/run?page=2"), _page([2])])

    all_items(_transport(handler), "/run", {"include": ["task", "results"]})

    assert handler.requests[1].url.params.get_list("include") == ["task", "results"]
    assert handler.requests[1].url.params["per_page"] == "250"


def test_pages_are_fetched_when_they_are_reached() -> None:
    handler = ScriptedHandler([_page([1, 2], "/api/task?page=2"), _page([3])])

    first = list(itertools.islice(iterate_pages(_transport(handler), "/task"), 2))

    assert [item["id"] for item in first] == [1, 2]
    assert handler.left == 1


def test_a_link_to_the_same_page_ends_the_walk() -> None:
    handler = ScriptedHandler([_page([1], "/api/task?page=2"), _page([2], "/api/task?page=2")])

    assert len(all_items(_transport(handler), "/task")) == 2


def test_a_plain_list_is_one_page() -> None:
    handler = ScriptedHandler([json_reply([{"id": 1}])])

    assert all_items(_transport(handler), "/role/1/rule") == [{"id": 1}]


@pytest.mark.parametrize("body", [{"msg": "x"}, "text", None, {"data": {}}])
def test_an_answer_that_is_no_list_is_told(body: object) -> None:
    with pytest.raises(NotAnApiError, match="not answered with a list"):
        all_items(_transport(ScriptedHandler([json_reply(body)])), "/task")
