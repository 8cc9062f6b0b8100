"""The mock client behaves as the contract says, and as a real run where that matters."""

from __future__ import annotations

import sys
from types import ModuleType

import pandas as pd
import pytest

from vantage6.algorithm.tools.exceptions import MethodNotFoundError, UserInputError
from vantage6.algorithm.tools.mock_client import MockAlgorithmClient

ALGORITHM = """
from vantage6.algorithm.tools.decorators import algorithm_client, data, metadata
from vantage6.algorithm.tools.util import get_env_var

@data(1)
def total(df, column):
    return {"total": int(df[column].sum())}

@data(2)
def widths(first, second):
    return [first.shape[1], second.shape[1]]

@data(1)
def spoil(df):
    df["age"] = 0
    return None

@algorithm_client
def central(client, column):
    ids = [organization["id"] for organization in client.organization.list()]
    task = client.task.create(
        input_={"method": "total", "kwargs": {"column": column}}, organizations=ids
    )
    results = client.wait_for_results(task_id=task.get("id"))
    return {"all": sum(result["total"] for result in results), "at": client.organization_id}

@data(1)
@algorithm_client
def both(client, df, x):
    return [client.organization_id, client.node_id, len(df), x]

@metadata
def where(run):
    (run.temporary_directory / "file").write_text("x")
    return [run.task_id, run.organization_id, run.temporary_directory.is_dir()]

def shape(*args, **kwargs):
    return {"args": args, "kwargs": kwargs}

def odd():
    return object()

def leave():
    raise SystemExit(3)
"""


@pytest.fixture
def algorithm(monkeypatch):
    module = ModuleType("mocked_algorithm")
    exec(ALGORITHM, vars(module))
    monkeypatch.setitem(sys.modules, "mocked_algorithm", module)
    return "mocked_algorithm"


def ages(*values):
    return {"database": pd.DataFrame({"age": values}), "input_data": {}}


@pytest.fixture
def client(algorithm):
    return MockAlgorithmClient(
        datasets=[[ages(1, 2)], [ages(3)], [ages(4, 5, 6)]],
        module=algorithm,
        organization_ids=[10, 20, 30],
        node_ids=[100, 200, 300],
    )


def run(client, method, organizations=(10,), **kwargs):
    task = client.task.create({"method": method, "kwargs": kwargs}, list(organizations))
    return client.wait_for_results(task["id"])


def test_ids_have_defaults(algorithm, caplog):
    client = MockAlgorithmClient([[ages(1)], [ages(2)]], algorithm, organization_ids=[1, 2, 3])
    assert client.all_organization_ids == client.all_node_ids == [0, 1]
    assert (client.organization_id, client.node_id, client.collaboration_id) == (0, 0, 1)
    assert "organization_ids are ignored" in caplog.text


def test_the_first_organization_is_the_own(client):
    assert (client.organization_id, client.node_id, client.n) == (10, 100, 3)
    assert [len(frames) for frames in client.datasets_per_org.values()] == [1, 1, 1]


def test_no_datasets_are_an_index_error(algorithm):
    with pytest.raises(IndexError):
        MockAlgorithmClient([], algorithm)


def test_databases_are_read_and_prepared_at_construction(algorithm, tmp_path):
    file = tmp_path / "ages.csv"
    file.write_text("age\n10\n20\n")
    step = {"function": "filter_range", "parameters": {"column": "age", "min_": 15}}
    client = MockAlgorithmClient(
        [[{"database": file, "db_type": "csv", "preprocessing": [step]}]], algorithm
    )
    file.unlink()
    assert run(client, "total", [0], column="age") == [{"total": 20}]
    with pytest.raises(SystemExit):
        MockAlgorithmClient([[{"database": "x.csv", "db_type": None}]], algorithm)


def test_a_partial_function_runs_on_the_data_of_each_organization(client, capsys):
    assert run(client, "total", [30, 10], column="age") == [{"total": 15}, {"total": 3}]
    assert capsys.readouterr().out == "info > Mocking waiting for results\n"


def test_a_central_function_makes_subtasks_of_its_own(client):
    assert run(client, "central", [20], column="age") == [{"all": 21, "at": 20}]
    assert len(client.tasks) == 1


def test_functions_get_client_and_data_of_their_organization(client):
    assert run(client, "both", [30], x=1) == [[30, 300, 3, 1]]


def test_functions_get_metadata_of_their_run(client):
    assert run(client, "where", [20]) == [[1, 20, True]]


def test_several_databases_keep_their_order(algorithm):
    wide = {"database": pd.DataFrame({"a": [1], "b": [2]})}
    client = MockAlgorithmClient([[ages(1), wide]], algorithm)
    assert run(client, "widths", [0]) == [[1, 2]]


def test_a_function_cannot_spoil_the_data(client):
    run(client, "spoil", [10])
    assert run(client, "total", [10], column="age") == [{"total": 3}]


def test_input_and_result_travel_as_json(client):
    task = client.task.create(
        {"method": "shape", "args": [(1, 2)], "kwargs": {"d": {1: "x"}}}, organizations=[10]
    )
    expected = {"args": [[1, 2]], "kwargs": {"d": {"1": "x"}}}
    assert client.result.get(1) == client.result.from_task(task["id"])[0] == expected


def test_a_task_has_the_keys_of_the_contract(client):
    task = client.task.create({"method": "shape"}, [10], name="n", description="d")
    assert {"runs", "results", "init_user", "init_org", "collaboration"} < set(task)
    assert (task["id"], task["name"], task["description"]) == (1, "n", "d")
    assert (task["status"], task["databases"], task["image"]) == (
        "completed",
        ["mock"],
        "mock_image",
    )
    assert (task["job_id"], task["parent"], task["children"]) == (1, None, None)
    assert client.task.get(0) is task
    assert "msg" in client.task.get(1)


def test_runs_and_results_can_be_looked_up(client):
    client.task.create({"method": "shape"}, [10, 20])
    assert [run["organization"]["id"] for run in client.run.from_task(1)] == [10, 20]
    assert (client.run.get(2)["status"], client.run.get(2)["node"]["id"]) == ("completed", 20)
    assert "msg" in client.run.get(3)
    assert "msg" in client.run.from_task(2)
    assert "msg" in client.result.get(3)
    assert client.result.from_task(2) == []


def test_organizations_collaboration_study_and_vpn_can_be_looked_up(client):
    assert [o["name"] for o in client.organization.list()] == ["mock-10", "mock-20", "mock-30"]
    assert client.organization.get(20)["public_key"] == "mock"
    assert "msg" in client.organization.get(1)
    assert client.collaboration.get(is_encrypted=False)["encrypted"] is False
    assert client.collaboration.get()["name"] == "mock-collaboration"
    assert client.study.list() == client.vpn.get_addresses(only_children=True) == []
    assert "msg" in client.study.get(1)


@pytest.mark.parametrize("name", ["absent", "get_env_var", "_private"])
def test_what_a_task_may_not_call_is_refused_here_too(client, name):
    with pytest.raises(AttributeError):
        run(client, name)
    with pytest.raises(MethodNotFoundError):
        run(client, name)


def test_wrong_arguments_are_refused_here_too(client):
    with pytest.raises(UserInputError, match="it takes: column"):
        run(client, "total")


def test_mistakes_in_the_request_are_errors(client):
    with pytest.raises(ValueError, match="at least one organization"):
        client.task.create({"method": "shape"}, [])
    with pytest.raises(KeyError):
        client.task.create({"method": "shape"}, [11])


def test_failures_of_the_algorithm_reach_the_test(client):
    with pytest.raises(KeyError, match="absent"):
        run(client, "total", column="absent")
    with pytest.raises(TypeError, match="type object"):
        run(client, "odd")
    with pytest.raises(SystemExit):
        run(client, "leave")
    assert client.tasks == client.results == []
