"""Selecting keys and objects from answers."""

from __future__ import annotations

from typing import Any

import pytest

from vantage6.client.answers import Refusal
from vantage6.client.exceptions import RefusedError
from vantage6.client.filter import (
    filter_dict_keys,
    filter_dicts_by_values,
    filter_dicts_keys,
    filter_dicts_on_values,
    post_filtering,
)
from vantage6.common.errors import RequestError

ITEMS = [
    {"id": 1, "name": "alpha", "country": "NL"},
    {"id": 2, "name": "beta", "country": "NL"},
    {"id": 3, "name": "gamma", "country": "BE"},
]
REFUSAL = Refusal(RequestError("You may not.", 401, {"msg": "You may not."}))


@post_filtering()
def listed(answer: Any = None) -> Any:
    """Return a list answer."""
    return answer or {"data": ITEMS, "links": {"first": "/api/organization?page=1"}}


@post_filtering(iterable=False)
def single(answer: Any = None) -> Any:
    """Return one object."""
    return answer or ITEMS[0]


def test_answers_stay_as_they_are_without_a_selection() -> None:
    assert set(listed()) == {"data", "links"}
    assert single() == ITEMS[0]


def test_field_and_fields_keep_keys_and_ignore_missing_ones() -> None:
    assert single(field="name") == {"name": "alpha"}
    assert single(fields=["id", "nothing"]) == {"id": 1}
    assert single(field="name", fields=["id"]) == {"name": "alpha"}
    assert listed(field="id") == [{"id": 1}, {"id": 2}, {"id": 3}]


def test_filters_keep_matching_objects() -> None:
    assert listed(filter_=("name", "beta")) == [ITEMS[1]]
    assert listed(filters=[("country", "NL"), ("id", 1)]) == [ITEMS[0]]
    assert listed(filters=[("country", "FR")]) == []


def test_filters_and_fields_go_together() -> None:
    assert listed(filter_=("country", "NL"), fields=["id"]) == [{"id": 1}, {"id": 2}]


def test_filter_on_a_missing_key_is_an_error() -> None:
    with pytest.raises(KeyError, match="color"):
        listed(filter_=("color", "red"))


def test_refusal_of_a_single_object_is_returned() -> None:
    assert single(REFUSAL, field="name") == {"msg": "You may not."}


def test_refusal_of_a_list_is_returned_but_nothing_can_be_selected_from_it() -> None:
    assert listed(REFUSAL) == {"msg": "You may not."}
    for selection in ({"field": "id"}, {"filter_": ("id", 1)}):
        with pytest.raises(RefusedError, match="You may not") as caught:
            listed(REFUSAL, **selection)
        assert isinstance(caught.value, KeyError)
        assert str(caught.value) == "You may not."


def test_helpers_work_on_plain_dictionaries() -> None:
    assert filter_dict_keys({"a": 1, "b": 2}, ["b", "c"]) == {"b": 2}
    assert filter_dicts_keys(ITEMS, ["id"]) == [{"id": 1}, {"id": 2}, {"id": 3}]
    assert filter_dicts_by_values(ITEMS, [("id", 2)]) == [ITEMS[1]]
    assert filter_dicts_on_values(ITEMS, [("id", 2)]) == [ITEMS[1]]
