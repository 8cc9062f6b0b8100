"""Preparing the data as the task asks."""

from __future__ import annotations

import pandas as pd
import pytest

from vantage6.algorithm.tools.preprocessing import preprocess_data
from vantage6.algorithm.tools.preprocessing.functions import filter_range


@pytest.fixture
def frame():
    return pd.DataFrame({"age": [10.0, 20.0, 30.0, None]}, index=pd.Index([1, 2, 3, 4], name="id"))


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        ({}, [1, 2, 3, 4]),
        ({"min_": 10}, [2, 3]),
        ({"min_": 10, "include_min": True}, [1, 2, 3]),
        ({"max_": 30}, [1, 2]),
        ({"max_": 30, "include_max": True}, [1, 2, 3]),
        ({"min_": 10, "max_": 30}, [2]),
        ({"min_": 40}, []),
    ],
)
def test_rows_in_the_range_are_kept(frame, limits, kept):
    assert list(filter_range(frame, "age", **limits).index) == kept


@pytest.mark.parametrize("column", [None, "id"])
def test_the_index_can_be_filtered_too(frame, column):
    assert list(filter_range(frame, column, min_=2).index) == [3, 4]


def test_rows_with_the_same_index_are_told_apart():
    frame = pd.DataFrame({"x": [1, 5, 9]}, index=[0, 0, 0])
    assert list(filter_range(frame, "x", min_=2, max_=8)["x"]) == [5]


def test_steps_run_in_order(frame):
    steps = [
        {"function": "filter_range", "parameters": {"column": "age", "min_": 10}},
        {"function": "dummy_preprocess"},
        {"function": "filter_range", "parameters": {"column": None, "max_": 3}},
    ]
    assert list(preprocess_data(frame, steps).index) == [2]


def test_the_data_are_not_changed_in_place(frame):
    before = frame.copy()
    preprocess_data(frame, [{"function": "filter_range", "parameters": {"column": "age"}}])
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        ({"parameters": {}}, "names no function"),
        ({"function": "eval"}, "no preprocessing function 'eval'"),
        ({"function": "pd"}, "no preprocessing function 'pd'"),
        ({"function": "filter_range", "parameters": {}}, "needs the parameter(s) column"),
        ({"function": "filter_range"}, "needs the parameter(s) column"),
    ],
)
def test_a_step_that_cannot_be_taken_ends_the_run(frame, step, complaint, capsys):
    with pytest.raises(SystemExit) as end:
        preprocess_data(frame, [step])
    assert end.value.code == 1
    assert complaint in capsys.readouterr().out


def test_an_unknown_parameter_is_an_error(frame):
    with pytest.raises(TypeError, match="speed"):
        preprocess_data(frame, [{"function": "dummy_preprocess", "parameters": {"speed": 1}}])
