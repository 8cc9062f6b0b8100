"""Values become JSON, or one sentence says why not."""

from __future__ import annotations

import datetime as dt
import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vantage6.algorithm.tools.serialization import NotSerializableError, to_json_bytes

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def back(value):
    return json.loads(to_json_bytes(value))


@given(json_values)
def test_json_values_are_written_exactly_as_the_contract_says(value):
    assert to_json_bytes(value) == json.dumps(value).encode()


@given(json_values)
def test_a_foreign_value_among_them_changes_nothing_else(value):
    assert to_json_bytes([value, np.int64(1)]) == json.dumps([value, 1]).encode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array(["a", None], dtype=object), ["a", None]),
        (np.datetime64("2020-01-02T03:04:05"), "2020-01-02T03:04:05"),
        (np.array(["2020-01-02", "NaT"], dtype="datetime64[ns]"), ["2020-01-02T00:00:00", None]),
        (np.array([90], dtype="timedelta64[s]"), [90.0]),
        ({np.int64(1): np.float64(2.5)}, {"1": 2.5}),
        (pd.DataFrame({"a": [1, 2], "b": ["x", None]}, dtype=object), None),
        (pd.Series([1.5, 2.5], index=["a", "b"]), {"a": 1.5, "b": 2.5}),
        (pd.Index([1, 2]), [1, 2]),
        (pd.Categorical(["x", "y"]), ["x", "y"]),
        (pd.NA, None),
        (pd.NaT, None),
        (pd.Timestamp("2020-01-02 03:04"), "2020-01-02T03:04:00"),
        (pd.Timedelta("1min"), 60.0),
        (dt.date(2020, 1, 2), "2020-01-02"),
        (dt.time(3, 4), "03:04:00"),
        ({dt.date(2020, 1, 2): 1}, {"2020-01-02": 1}),
        ((1, (2,)), [1, [2]]),
    ],
)
def test_values_of_numpy_pandas_and_dates_become_plain(value, expected):
    if isinstance(value, pd.DataFrame):
        expected = {"a": {"0": 1, "1": 2}, "b": {"0": "x", "1": None}}
    assert back({"x": value}) == {"x": expected}


def test_a_frame_can_be_built_again():
    frame = pd.DataFrame({"n": [1, 2], "x": [0.1, math.nan], "t": ["a", "b"]}, index=["p", "q"])
    pd.testing.assert_frame_equal(pd.DataFrame(back(frame)), frame)


@pytest.mark.parametrize(
    ("frame", "axis"),
    [
        (pd.DataFrame({"a": [1, 2]}, index=[0, 0]), "index"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "columns"),
        (pd.Series([1, 2], index=[0, 0]), "index"),
    ],
)
def test_a_frame_that_would_lose_values_is_refused(frame, axis):
    with pytest.raises(NotSerializableError, match=f"repeated values in its {axis}"):
        to_json_bytes(frame)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (object(), "the result is of type object"),
        ({"a": {1, 2}}, r"the result\['a'\] is of type set"),
        ([b"x"], r"the result\[0\] is of type bytes"),
        ({(1, 2): 3}, "a key of the result is of type tuple"),
        ([1j], r"the result\[0\] is of type complex"),
        ([np.complex128(1j)], r"the result\[0\] is of type complex"),
        ([pd.Period("2020")], r"the result\[0\] is of type pandas\.\S*Period"),
        ([np.random.default_rng()], r"the result\[0\] is of type numpy\.\S*Generator"),
    ],
)
def test_anything_else_is_refused_naming_place_and_type(value, kind):
    with pytest.raises(NotSerializableError, match=f"^{kind}, which cannot"):
        to_json_bytes(value)


def test_a_value_that_contains_itself_is_refused():
    value: list[object] = []
    value.append(value)
    with pytest.raises(NotSerializableError, match="contains itself"):
        to_json_bytes(value)


def test_the_refusal_is_also_a_type_error():
    with pytest.raises(TypeError):
        to_json_bytes(object())
