"""The federated average is that of the pooled data, or is not given."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from v6_average import partial_average

from vantage6.algorithm.tools.exceptions import (
    CollectResultsError,
    EnvironmentVariableError,
    PrivacyThresholdViolation,
    UserInputError,
)
from vantage6.algorithm.tools.mock_client import MockAlgorithmClient

LUNG = Path(__file__).parents[3] / "data" / "lung.csv"
values = st.none() | st.floats(-1e9, 1e9)


def client_for(*frames):
    return MockAlgorithmClient([[{"database": frame}] for frame in frames], "v6_average")


def central(client, **kwargs):
    task = client.task.create({"method": "central_average", "kwargs": kwargs}, [0])
    return client.wait_for_results(task["id"])[0]


@given(st.lists(st.lists(values, min_size=1, max_size=30), min_size=1, max_size=5))
def test_the_result_is_that_of_the_pooled_data(parts):
    pooled = [value for part in parts for value in part if value is not None]
    frames = [pd.DataFrame({"x": pd.Series(part, dtype=float)}) for part in parts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVERAGE_MINIMUM_COUNT", "1")
        if not all(frame["x"].notna().any() for frame in frames):
            with pytest.raises(PrivacyThresholdViolation):
                central(client_for(*frames), column_name="x")
            return
        result = central(client_for(*frames), column_name="x")
    assert math.isclose(
        result["average"], math.fsum(pooled) / len(pooled), rel_tol=1e-12, abs_tol=1e-6
    )
    assert result["count"] == len(pooled)
    assert result["missing"] == sum(len(part) for part in parts) - len(pooled)
    assert result["organizations"] == len(parts)


def test_the_average_age_of_the_lung_cancer_patients():
    frame = pd.read_csv(LUNG)
    parts = [frame[frame["inst"] <= 5], frame[~(frame["inst"] <= 5)]]
    result = central(client_for(*parts), column_name="age")
    assert result == {
        "average": pytest.approx(62.44737, abs=1e-5),
        "count": 228,
        "missing": 0,
        "organizations": 2,
    }
    assert central(client_for(*parts), column_name="meal.cal")["missing"] == 47


def test_only_the_organizations_asked_take_part():
    frames = [pd.DataFrame({"x": [float(index)] * 10}) for index in range(3)]
    assert central(client_for(*frames), column_name="x", organization_ids=[1, 2])["average"] == 1.5


@pytest.mark.parametrize(("minimum", "refused"), [(None, False), ("11", True), ("10", False)])
def test_too_few_values_are_not_disclosed(monkeypatch, minimum, refused):
    if minimum is not None:
        monkeypatch.setenv("AVERAGE_MINIMUM_COUNT", minimum)
    frame = pd.DataFrame({"x": [1.0] * 10 + [None] * 5})
    if refused:
        with pytest.raises(PrivacyThresholdViolation, match="fewer values than the 11"):
            partial_average("x", mock_data=[frame])
    else:
        assert partial_average("x", mock_data=[frame]) == {"sum": 10, "count": 10, "missing": 5}


def test_missing_values_do_not_count_towards_the_minimum():
    frame = pd.DataFrame({"x": [1.0] * 9 + [None] * 50})
    with pytest.raises(PrivacyThresholdViolation):
        partial_average("x", mock_data=[frame])


def test_even_without_a_minimum_there_is_no_sum_of_nothing(monkeypatch):
    monkeypatch.setenv("AVERAGE_MINIMUM_COUNT", "0")
    with pytest.raises(PrivacyThresholdViolation):
        partial_average("x", mock_data=[pd.DataFrame({"x": [None]})])


@pytest.mark.parametrize("minimum", ["-1", "ten"])
def test_a_minimum_that_is_none_is_refused(monkeypatch, minimum):
    monkeypatch.setenv("AVERAGE_MINIMUM_COUNT", minimum)
    with pytest.raises(EnvironmentVariableError, match="AVERAGE_MINIMUM_COUNT"):
        partial_average("x", mock_data=[pd.DataFrame({"x": [1.0] * 20})])


def test_an_unknown_column_is_named():
    with pytest.raises(UserInputError, match="no column 'y'"):
        partial_average("y", mock_data=[pd.DataFrame({"x": [1.0] * 20})])


@pytest.mark.parametrize("odd", ["secret", float("inf"), [1]])
def test_a_column_that_is_no_number_is_refused_without_quoting_it(odd):
    frame = pd.DataFrame({"x": [1.0] * 20 + [odd]}, dtype=object)
    with pytest.raises(UserInputError, match="does not hold finite numbers only") as refusal:
        partial_average("x", mock_data=[frame])
    assert "secret" not in str(refusal.value)
    assert refusal.value.__context__ is None


def test_whole_numbers_and_booleans_are_numbers():
    frame = pd.DataFrame({"n": [1, 2] * 10, "b": [True, False] * 10})
    assert partial_average("n", mock_data=[frame])["sum"] == 30
    assert partial_average("b", mock_data=[frame])["sum"] == 10


def test_a_missing_partial_result_is_not_passed_over(monkeypatch):
    client = client_for(*[pd.DataFrame({"x": [1.0] * 10})] * 2)
    monkeypatch.setattr(
        type(client), "wait_for_results", lambda self, task_id: self.result.from_task(task_id)[:1]
    )
    with pytest.raises(CollectResultsError, match="Only 1 of 2 organizations gave a sum"):
        central(client, column_name="x")
