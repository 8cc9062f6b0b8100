"""The federated estimate is that of the pooled data, and that one is right."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from statistics import NormalDist

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from v6_kaplan_meier import partial_event_table
from v6_kaplan_meier.estimate import INTERVALS, EventTable, kaplan_meier

from vantage6.algorithm.tools.exceptions import (
    CollectResultsError,
    EnvironmentVariableError,
    PrivacyThresholdViolation,
    UserInputError,
)
from vantage6.algorithm.tools.mock_client import MockAlgorithmClient

LUNG = Path(__file__).parents[3] / "data" / "lung.csv"

times = st.integers(0, 12) | st.floats(0, 100).map(lambda time: round(time, 1))
records = st.lists(st.tuples(times, st.booleans()), min_size=1, max_size=40)


def frame_of(part):
    return pd.DataFrame(
        {"t": [float(time) for time, _ in part], "e": [int(event) for _, event in part]}
    )


def federated(frames, minimum="0", **kwargs):
    client = MockAlgorithmClient([[{"database": frame}] for frame in frames], "v6_kaplan_meier")
    arguments = {"time_column": "t", "event_column": "e", **kwargs}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KAPLAN_MEIER_MINIMUM_COUNT", minimum)
        task = client.task.create({"method": "central_kaplan_meier", "kwargs": arguments}, [0])
    return client.wait_for_results(task["id"])[0]


def by_definition(data):
    """Estimate survival and Greenwood's variance record by record, in exact fractions.

    Looks at every record anew for each event time, as the definition says, and shares no code
    with the algorithm.
    """
    survival, total, curve = Fraction(1), Fraction(0), []
    for time in sorted({time for time, event in data if event}):
        at_risk = sum(1 for other, _ in data if other >= time)
        died = sum(1 for other, event in data if other == time and event)
        survival *= Fraction(at_risk - died, at_risk)
        if at_risk > died:
            total += Fraction(died, at_risk * (at_risk - died))
        curve.append((float(time), at_risk, died, survival, survival**2 * total))
    return curve


@given(st.lists(records, min_size=1, max_size=4))
def test_the_result_is_that_of_the_pooled_data_exactly(parts):
    pooled = [record for part in parts for record in part]
    result = federated([frame_of(part) for part in parts])
    assert result | {"organizations": 1} == federated([frame_of(pooled)])


@given(st.lists(records, min_size=1, max_size=3))
def test_the_result_is_that_of_the_definition(parts):
    expected = by_definition([record for part in parts for record in part])
    result = federated([frame_of(part) for part in parts])
    assert result["times"] == [time for time, *_ in expected]
    assert result["at_risk"] == [at_risk for _, at_risk, *_ in expected]
    assert result["events"] == [died for _, _, died, *_ in expected]
    for (_, _, _, survival, variance), estimate, error in zip(
        expected, result["survival"], result["standard_error"], strict=True
    ):
        assert estimate == pytest.approx(float(survival), rel=1e-12, abs=1e-15)
        if survival:
            assert error == pytest.approx(math.sqrt(variance), rel=1e-9)
        else:
            assert error is None


@given(records, st.sampled_from(INTERVALS), st.floats(0.5, 0.999))
def test_limits_enclose_the_survival_and_stay_between_0_and_1(part, interval, level):
    result = federated([frame_of(part)], interval=interval, confidence_level=level)
    for survival, low, high in zip(
        result["survival"], result["lower"], result["upper"], strict=True
    ):
        if survival == 0:
            assert low is high is None
        else:
            assert 0 <= low <= survival <= high <= 1


@pytest.fixture(scope="module")
def lung():
    frame = pd.read_csv(LUNG).rename(columns={"time": "t", "status": "e"})
    return [
        frame[frame["inst"] < 6],
        frame[frame["inst"].between(6, 12)],
        frame[frame["inst"] > 12],
    ]


def test_published_figures_of_the_lung_cancer_patients(lung):
    # R, package survival: survfit(Surv(time, status) ~ 1, data = lung). One of the 228 records
    # has no institution; it is added to the first part.
    whole = pd.read_csv(LUNG).rename(columns={"time": "t", "status": "e"})
    parts = [pd.concat([lung[0], whole[whole["inst"].isna()]]), *lung[1:]]
    result = federated(parts, minimum="10")
    assert (result["records"], sum(result["events"]), result["missing"]) == (228, 165, 0)
    assert (result["median"], result["median_lower"], result["median_upper"]) == (310, 285, 363)
    assert (result["times"][:2], result["at_risk"][:2]) == ([5, 11], [228, 227])
    rounded = [
        [round(value, digits) for value in result[name][:2]]
        for name, digits in (
            ("survival", 4),
            ("standard_error", 5),
            ("lower", 4),
            ("upper", 3),
        )
    ]
    assert rounded == [[0.9956, 0.9825], [0.00438, 0.00869], [0.9871, 0.9656], [1.0, 1.0]]


def test_a_textbook_example():
    # Times of remission of 21 patients with 6-mercaptopurine: Freireich et al., Blood 21 (1963);
    # estimates as in Kleinbaum and Klein, Survival Analysis, chapter 2.
    events = {6: 3, 7: 1, 10: 1, 13: 1, 16: 1, 22: 1, 23: 1}
    censored = {6: 1, 9: 1, 10: 1, 11: 1, 17: 1, 19: 1, 20: 1, 25: 1, 32: 2, 34: 1, 35: 1}
    leaving = {time: events.get(time, 0) + censored.get(time, 0) for time in events | censored}
    curve = kaplan_meier(EventTable(events=events, leaving=leaving))
    assert curve.at_risk == [21, 17, 15, 12, 11, 7, 6]
    assert [round(value, 4) for value in curve.survival] == [
        0.8571,
        0.8067,
        0.7529,
        0.6902,
        0.6275,
        0.5378,
        0.4482,
    ]
    assert curve.median == 23


def test_limits_on_each_scale_follow_their_formula():
    table = EventTable(events={1: 2, 2: 1}, leaving={1: 2, 2: 2, 3: 6})
    z = NormalDist().inv_cdf(0.95)
    curves = {
        scale: kaplan_meier(table, confidence_level=0.9, interval=scale) for scale in INTERVALS
    }
    survival, error = curves["plain"].survival[1], curves["plain"].standard_error[1]
    assert (survival, error) == (
        pytest.approx(0.7),
        pytest.approx(0.7 * math.sqrt(2 / 80 + 1 / 56)),
    )
    assert curves["plain"].lower[1] == pytest.approx(survival - z * error)
    assert curves["log"].lower[1] == pytest.approx(
        math.exp(math.log(survival) - z * error / survival)
    )
    spread = z * error / (survival * abs(math.log(survival)))
    assert curves["log-log"].lower[1] == pytest.approx(survival ** math.exp(spread))
    assert curves["log-log"].upper[1] == pytest.approx(survival ** math.exp(-spread))


def test_without_events_the_curve_is_empty():
    result = federated([frame_of([(1, False), (2, False)])])
    assert (result["times"], result["survival"], result["median"]) == ([], [], None)
    assert result["records"] == 2


def test_records_without_time_or_event_are_left_out_and_counted():
    complete = frame_of([(1, True), (2, False), (3, True)])
    gaps = pd.DataFrame({"t": [None, 9.0, None], "e": [1, None, None]})
    result = federated([pd.concat([complete, gaps]), complete])
    assert (result["missing"], result["records"]) == (3, 6)
    alone = federated([complete, complete])
    assert {**result, "missing": 0} == alone


def test_the_result_travels_as_strict_json(lung):
    json.dumps(federated(lung), allow_nan=False)


@pytest.mark.parametrize(("minimum", "refused"), [("3", False), ("4", True), (None, True)])
def test_too_few_records_are_not_disclosed(monkeypatch, minimum, refused):
    if minimum is not None:
        monkeypatch.setenv("KAPLAN_MEIER_MINIMUM_COUNT", minimum)
    frame = frame_of([(1, True), (1, False), (2, True)])
    frame.loc[3] = [None, 1]
    if refused:
        with pytest.raises(PrivacyThresholdViolation, match="fewer complete records than the"):
            partial_event_table("t", "e", mock_data=[frame])
    else:
        assert partial_event_table("t", "e", mock_data=[frame]) == {
            "times": [1.0, 2.0],
            "events": [1, 1],
            "leaving": [2, 1],
            "missing": 1,
        }


def test_an_empty_database_discloses_nothing():
    with pytest.raises(PrivacyThresholdViolation):
        federated([pd.DataFrame({"t": [], "e": []})])


def test_a_minimum_that_is_none_is_refused(monkeypatch):
    monkeypatch.setenv("KAPLAN_MEIER_MINIMUM_COUNT", "-5")
    with pytest.raises(EnvironmentVariableError, match="KAPLAN_MEIER_MINIMUM_COUNT is -5"):
        partial_event_table("t", "e", mock_data=[frame_of([(1, True)])])


@pytest.mark.parametrize(
    ("column", "value", "complaint"),
    [
        ("t", -1, "column 't' does not hold finite numbers of 0 or more"),
        ("t", float("inf"), "column 't' does not hold finite numbers of 0 or more"),
        ("t", "secret", "column 't' does not hold finite numbers of 0 or more"),
        ("e", 2, "column 'e' holds other values than 0 and 1"),
        ("e", "secret", "column 'e' holds other values than 0 and 1"),
    ],
)
def test_columns_with_other_values_are_refused_without_quoting_them(column, value, complaint):
    frame = frame_of([(1, True)] * 20).astype(object)
    frame.loc[0, column] = value
    with pytest.raises(UserInputError, match=complaint) as refusal:
        partial_event_table("t", "e", mock_data=[frame])
    assert "secret" not in str(refusal.value)
    assert refusal.value.__context__ is None


def test_an_unknown_column_is_named():
    with pytest.raises(UserInputError, match="no column 'status'"):
        partial_event_table("t", "status", mock_data=[frame_of([(1, True)] * 20)])


def test_events_may_be_true_and_false():
    frame = pd.DataFrame({"t": [1, 2] * 10, "e": [True, False] * 10})
    assert partial_event_table("t", "e", mock_data=[frame])["events"] == [10, 0]


@pytest.mark.parametrize(
    "wrong", [{"interval": "arcsine"}, {"confidence_level": 1}, {"confidence_level": 95}]
)
def test_wrong_choices_are_refused_before_anyone_is_asked(wrong):
    with pytest.raises(UserInputError, match=str(next(iter(wrong.values())))):
        federated([frame_of([(1, True)])], **wrong)


def test_a_missing_partial_result_is_not_passed_over(monkeypatch):
    monkeypatch.setattr(
        MockAlgorithmClient,
        "wait_for_results",
        lambda self, task_id: self.result.from_task(task_id)[:-1],
    )
    with pytest.raises(CollectResultsError, match="Only 1 of 2 organizations gave counts"):
        federated([frame_of([(1, True)])] * 2)
