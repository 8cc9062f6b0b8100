"""Pages, order and links of lists."""

from __future__ import annotations

from typing import Any

import pytest

from vantage6.server.models import (
    Collaboration,
    Node,
    NodeConfig,
    Organization,
    Role,
    Study,
    User,
)

LISTS = (
    "/organization",
    "/collaboration",
    "/study",
    "/node",
    "/user",
    "/role",
    "/rule",
    "/task",
    "/run",
    "/result",
)


def _names(answer: Any) -> list[str]:
    return [item["name"] for item in answer.json["data"]]


@pytest.mark.parametrize("path", LISTS)
def test_every_list_is_an_envelope_with_links_and_headers(world: Any, path: str) -> None:
    answer = world.get("root", path)
    assert answer.status_code == 200
    assert set(answer.json) == {"data", "links"}
    assert answer.headers["access-control-expose-headers"] == "total-count, Link"
    assert answer.headers["total-count"].isdigit()
    assert answer.json["links"]["self"] == f"/api{path}?page=1"
    assert answer.headers["Link"].startswith(f"</api{path}?page=1>; rel=first,")


BAD_NUMBERS = ("0", "-1", "x", "1.5", "", "9" * 30, "\u0661")
BAD_ORDERS = ("nothing", "id,nothing", "-", "metadata", "__class__", "roles")


@pytest.mark.parametrize("path", LISTS)
def test_a_bad_page_or_order_is_refused_by_its_name(world: Any, path: str) -> None:
    bad = [(name, value) for name in ("page", "per_page") for value in BAD_NUMBERS]
    bad += [("sort", value) for value in BAD_ORDERS]
    for name, value in bad:
        answer = world.get("root", path, **{name: value})
        assert (answer.status_code, answer.json["field"]) == (400, name), value
        assert name in answer.json["msg"]


@pytest.mark.parametrize("column", ["password", "otp_secret", "last_login_attempt"])
def test_users_cannot_be_sorted_by_what_is_hidden(world: Any, column: str) -> None:
    assert world.get("root", "/user", sort=column).status_code == 400


@pytest.mark.parametrize("column", ["api_key", "api_key_digest"])
def test_nodes_cannot_be_sorted_by_their_key(world: Any, column: str) -> None:
    assert world.get("root", "/node", sort=column).status_code == 400


def test_without_sort_the_order_is_by_id(world: Any) -> None:
    assert _names(world.get("root", "/organization")) == ["root", "alpha", "beta", "gamma"]


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("name", ["alpha", "beta", "gamma", "root"]),
        ("+name", ["alpha", "beta", "gamma", "root"]),
        ("-name", ["root", "gamma", "beta", "alpha"]),
        ("country,-name", ["root", "gamma", "beta", "alpha"]),
        ("-id", ["gamma", "beta", "alpha", "root"]),
    ],
)
def test_lists_can_be_sorted(world: Any, sort: str, names: list[str]) -> None:
    with world.session() as session:
        session.get_one(Organization, 1).country = "AA"
    assert _names(world.get("root", "/organization", sort=sort)) == names


def test_columns_of_the_parent_table_can_be_sorted_by(world: Any) -> None:
    answer = world.get("root", "/user", sort="-id", per_page=1)
    assert answer.json["data"][0]["username"] == "alpha_orgview"


def test_pages_follow_each_other_without_overlap(world: Any) -> None:
    seen: list[str] = []
    path: str | None = "/organization?per_page=2&sort=country"
    while path:
        answer = world.call("root", "GET", path.removeprefix("/api"))
        seen += _names(answer)
        path = answer.json["links"].get("next")
    assert sorted(seen) == ["alpha", "beta", "gamma", "root"]


def test_the_first_page_has_no_previous_and_the_last_no_next(world: Any) -> None:
    first = world.get("root", "/organization", per_page=2).json["links"]
    last = world.get("root", "/organization", per_page=2, page=2).json["links"]
    assert set(first) == {"first", "self", "next", "last"}
    assert set(last) == {"first", "previous", "self", "last"}


def test_beyond_the_end_the_page_is_empty(world: Any) -> None:
    answer = world.get("root", "/organization", page=50)
    assert answer.json == {
        "data": [],
        "links": {
            "first": "/api/organization?page=1",
            "previous": "/api/organization?page=49",
            "self": "/api/organization?page=50",
            "last": "/api/organization?page=1",
        },
    }


def test_the_highest_page_of_the_largest_size_is_just_empty(world: Any) -> None:
    answer = world.get("root", "/organization", page=2**31 - 1, per_page=2**31 - 1)
    assert (answer.status_code, answer.json["data"]) == (200, [])


def test_an_empty_list_has_no_last_page(world: Any) -> None:
    links = world.get("root", "/organization", name="nobody").json["links"]
    assert set(links) == {"first", "self"}


def test_links_repeat_the_request_with_the_page_in_its_place(world: Any) -> None:
    answer = world.call("root", "GET", "/organization?page=1&name=%25a%25&per_page=1")
    assert answer.json["links"]["next"] == "/api/organization?page=2&name=%25a%25&per_page=1"


def test_links_keep_the_first_of_repeated_parameters(world: Any) -> None:
    answer = world.call("root", "GET", "/organization?ids=2&ids=3")
    assert answer.headers["total-count"] == "2"
    assert answer.json["links"]["self"] == "/api/organization?ids=2&page=1"


def test_rules_can_be_had_in_one_page(world: Any) -> None:
    answer = world.get("alpha_none", "/rule", no_pagination=1)
    assert len(answer.json["data"]) == 86
    assert answer.json["links"]["last"] == "/api/rule?no_pagination=1&page=1"


def test_other_lists_cannot(world: Any) -> None:
    assert len(world.get("root", "/user", no_pagination=1).json["data"]) == 10


def test_unknown_parameters_are_passed_over(world: Any) -> None:
    assert world.get("root", "/organization", foo="bar").status_code == 200


def _grow(world: Any) -> None:
    """Add more of everything that a list shows or includes."""
    with world.session() as session:
        organizations = [Organization(name=f"more{number}") for number in range(8)]
        collaboration = Collaboration(name="big", encrypted=False, organizations=organizations)
        session.add(collaboration)
        for number in range(8):
            session.add(Collaboration(name=f"c{number}", organizations=organizations))
            session.add(
                Study(name=f"st{number}", collaboration=collaboration, organizations=organizations)
            )
            session.add(Role(name=f"r{number}", organization=organizations[number]))
            user = User(username=f"more{number}", email=f"m{number}", organization_id=2)
            session.add(user)
        for number in range(3, 5):
            node = session.get_one(Node, number)
            node.config = [NodeConfig(key="k", value=str(step)) for step in range(5)]
    for number in range(8):
        world.add_task(organization_ids=(2, 3), status="completed" if number % 2 else "pending")


@pytest.mark.parametrize("who", ["root", "alpha_col", "alpha_view"])
@pytest.mark.parametrize(
    "path",
    [
        *LISTS,
        "/collaboration?include=organizations",
        "/study?include=organizations",
        "/task?include=runs&include=results",
        "/run?include=task",
    ],
)
def test_a_list_takes_the_same_statements_however_long_it_is(
    world: Any, path: str, who: str
) -> None:
    world.add_task(organization_ids=(2,))

    def count() -> int:
        with world.counting_statements() as statements:
            answer = world.call(who, "GET", f"{path}{'&' if '?' in path else '?'}per_page=100")
        assert answer.status_code == 200
        return len(statements)

    count()  # the first request also notes that the caller was here
    before = count()
    _grow(world)
    assert count() == before
