"""The same algorithm under the released tools and under ours: same exit code, same output."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.peers import Peer, peer_python
from vantage6.common.wire.container import encode_value

pytestmark = [pytest.mark.interop, pytest.mark.slow]

RELEASED_TOOLS = Peer(
    "algorithm-tools-4.15.2", ("vantage6-algorithm-tools==4.15.2",), ("3.11", "3.10")
)
ALGORITHM = """
import os, sys
from vantage6.algorithm.client import AlgorithmClient
from vantage6.algorithm.tools.decorators import algorithm_client, data, metadata
from vantage6.algorithm.tools.mock_client import MockAlgorithmClient
from vantage6.algorithm.tools.util import get_env_var

def echo(*args, **kwargs): return [args, kwargs]
def nothing(): return None
def not_a_number(): return float("nan")
def leave(code): sys.exit(code)
def broken(): raise ValueError("broken")
def unserializable(): return object()
def variable(name): return [os.environ.get(name), get_env_var(name)]

@data(1)
def one(df): return df.to_dict("list")

@data(2)
def two(first, second, x=0): return [list(first.columns), list(second.columns), x]

@metadata
def identities(run): return [run.task_id, run.node_id, str(run.output_file)]

@data(1)
@algorithm_client
def both(client, df): return [client.organization_id, client.base_path, len(df)]

@data(1)
def total(df): return int(df["a"].sum())

@algorithm_client
def central(client):
    ids = [organization["id"] for organization in client.organization.list()]
    task = client.task.create(input_={"method": "total"}, organizations=ids)
    return client.wait_for_results(task_id=task["id"])

def mocked(*files):
    datasets = [[{"database": name, "db_type": "csv", "input_data": {}}] for name in files]
    client = MockAlgorithmClient(datasets, module="algo", organization_ids=[8, 9])
    task = client.task.create(input_={"method": "central"}, organizations=[9])
    fixed = ("id", "status", "name", "databases", "job_id", "parent", "children", "runs")
    return [client.wait_for_results(task["id"]), {key: task[key] for key in fixed}]
"""
CALLS = [
    {"method": "echo", "args": [1, "é"], "kwargs": {"x": [None, True, 1.5]}},
    {"method": "echo", "other": 1},
    {"method": "nothing"},
    {"method": "not_a_number"},
    {"method": "leave", "args": [0]},
    {"method": "leave", "args": [3]},
    {"method": "broken"},
    {"method": "unserializable"},
    {"method": "absent"},
    {"method": "nothing", "args": [1]},
    {"method": "one"},
    {"method": "two", "kwargs": {"x": 5}},
    {"method": "identities"},
    {"method": "both"},
    {"method": "variable", "args": ["FIRST_DATABASE_URI"]},
    {"method": "variable", "args": ["OWN_SETTING"]},
    {"method": "variable", "args": ["PKG_NAME"]},
    {"args": []},
    b"{no json",
]


@pytest.fixture(scope="module")
def released_python() -> str:
    return str(peer_python(RELEASED_TOOLS))


@pytest.fixture
def outcomes(station, make_token, released_python, monkeypatch):
    """Carry out a call with both, and return exit code and output of each."""
    station.package(ALGORITHM)
    (station.folder / "token").write_text(make_token())
    variables = {
        "DB_LABELS": "first,second",
        "USER_REQUESTED_DATABASE_LABELS": "first,second",
        "FIRST_DATABASE_URI": station.database("a,x\n1,2\n3,4\n", "first.csv"),
        "FIRST_DATABASE_TYPE": "csv",
        "SECOND_DATABASE_URI": station.database("b\n5\n", "second.csv"),
        "SECOND_DATABASE_TYPE": "csv",
        "OWN_SETTING": "x y",
    }

    def run_both(document):
        found = []
        for python in (released_python, sys.executable):
            monkeypatch.setattr(sys, "executable", python)
            outcome = station.run(document, variables=variables)
            found.append((outcome.code, outcome.output))
        return found

    return run_both


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_runs_end_alike(outcomes, call):
    released, ours = outcomes(call)
    assert ours == released


def test_mock_clients_behave_alike(outcomes, station):
    names = [station.database(f"a\n{number}\n", f"{number}.csv") for number in (1, 2)]
    released, ours = outcomes({"method": "mocked", "args": names})
    assert released[0] == 0
    assert ours == released


def test_settings_encoded_by_a_node_are_read_alike(released_python, tmp_path: Path):
    probe = "from vantage6.algorithm.tools.util import get_env_var as g; print(g('X'), g('Y'))"
    environment = {"X": encode_value("a=b"), "Y": "plain text"}
    answers = [
        subprocess.run(
            [python, "-c", probe], env=environment, capture_output=True, check=True, cwd=tmp_path
        ).stdout
        for python in (released_python, sys.executable)
    ]
    assert answers == [b"a=b plain text\n"] * 2
