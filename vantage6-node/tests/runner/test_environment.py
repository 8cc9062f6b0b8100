"""Environment and context file of a run, against the contract's recorded container."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vantage6.common.status import RunStatus
from vantage6.common.wire.container import decode_value
from vantage6.node.runner import Bind, RunContext, RunSpec, StartError
from vantage6.node.runner.environment import RunView, run_environment, write_context

VIEW = RunView(
    folder="/mnt/data/task-000000012",
    scratch="/mnt/tmp",
    proxy_host="proxyserver",
    proxy_port=8080,
    locations={"default": "/mnt/data/db.csv"},
)
CONTEXT = RunContext(
    method="m",
    args=[1],
    kwargs={"k": "v"},
    node_id=7,
    collaboration_id=1,
    database_arguments={"default": {"a": 1}},
)


@pytest.fixture
def spec(tmp_path: Path) -> RunSpec:
    table = tmp_path / "db.csv"
    table.touch()
    return RunSpec(
        run_id=12,
        task_id=5,
        job_id=5,
        image="image",
        folder=tmp_path,
        environment={
            "DEFAULT_QUERY": "SELECT 1",
            "CUSTOM": "x y",
            "USER_REQUESTED_DATABASE_LABELS": "default",
        },
        databases={"default": Bind(table, "/mnt/data/db.csv")},
        database_types={"default": "csv"},
        context=CONTEXT,
    )


def test_values_are_encoded_as_recorded(spec: RunSpec) -> None:
    recorded = {
        "INPUT_FILE": "F5WW45BPMRQXIYJPORQXG2ZNGAYDAMBQGAYDCMRPNFXHA5LU",
        "OUTPUT_FILE": "F5WW45BPMRQXIYJPORQXG2ZNGAYDAMBQGAYDCMRPN52XI4DVOQ!!!!!!",
        "TOKEN_FILE": "F5WW45BPMRQXIYJPORQXG2ZNGAYDAMBQGAYDCMRPORXWWZLO",
        "TEMPORARY_FOLDER": "F5WW45BPORWXA!!!",
        "HOST": "NB2HI4B2F4XXA4TPPB4XGZLSOZSXE!!!",
        "PORT": "HAYDQMA!",
        "API_PATH": "",
        "DEFAULT_QUERY": "KNCUYRKDKQQDC!!!",
        "USER_REQUESTED_DATABASE_LABELS": "MRSWMYLVNR2A!!!!",
        "DEFAULT_DATABASE_TYPE": "MNZXM!!!",
        "CUSTOM": "PAQHS!!!",
        "RUN_CONTEXT_FILE": "/mnt/data/task-000000012/run_context.json",
    }

    assert recorded.items() <= run_environment(spec, VIEW).items()


def test_a_database_is_where_the_run_sees_it(spec: RunSpec) -> None:
    environment = run_environment(spec, VIEW)

    assert decode_value(environment["DEFAULT_DATABASE_URI"]) == "/mnt/data/db.csv"


def test_the_proxy_is_not_reached_through_another_one(spec: RunSpec) -> None:
    environment = run_environment(spec, VIEW)

    assert decode_value(environment["NO_PROXY"]) == "localhost, proxyserver"
    assert environment["no_proxy"] == environment["NO_PROXY"]


def test_settings_of_the_node_override_what_the_runner_says(spec: RunSpec) -> None:
    changed = RunSpec(**{**spec.__dict__, "environment": {"PORT": "1"}})

    assert decode_value(run_environment(changed, VIEW)["PORT"]) == "1"


def test_without_context_there_is_no_file_and_no_variable(spec: RunSpec) -> None:
    plain = RunSpec(**{**spec.__dict__, "context": None})
    write_context(plain, VIEW)

    assert "RUN_CONTEXT_FILE" not in run_environment(plain, VIEW)
    assert not (spec.folder / "run_context.json").exists()


@pytest.mark.parametrize("name", ["PKG_NAME", "with space", "1st", ""])
def test_impossible_names_fail_the_run(spec: RunSpec, name: str) -> None:
    changed = RunSpec(**{**spec.__dict__, "environment": {name: "1"}})

    with pytest.raises(StartError, match="algorithm_env") as caught:
        run_environment(changed, VIEW)
    assert caught.value.status is RunStatus.FAILED


def test_the_context_file_is_as_recorded(spec: RunSpec) -> None:
    write_context(spec, VIEW)

    text = (spec.folder / "run_context.json").read_text()
    assert text.startswith('{\n  "schema_version": "0.1"')
    assert text.endswith("}\n")
    assert json.loads(text) == {
        "schema_version": "0.1",
        "entrypoint": {"name": "m"},
        "arguments": {"positional": [1], "named": {"k": "v"}},
        "executor": {"id": 7, "kind": "vantage6-node"},
        "inputs": [
            {"id": "default", "uri": "/mnt/data/db.csv", "type": "csv", "arguments": {"a": 1}}
        ],
        "outputs": [{"id": "result", "uri": "/mnt/data/task-000000012/output"}],
        "x-vantage6": {
            "run_id": 12,
            "task_id": 5,
            "collaboration_id": 1,
            "token_file": "/mnt/data/task-000000012/token",
            "api_proxy": {"host": "http://proxyserver", "port": "8080", "api_path": ""},
            "temporary_directory": "/mnt/tmp",
        },
    }


@pytest.mark.parametrize("database", ["postgresql://host/db", Bind(Path("/tmp"), "/mnt/default")])
def test_the_context_file_has_files_only(spec: RunSpec, database: Bind | str) -> None:
    changed = RunSpec(**{**spec.__dict__, "databases": {"default": database}})

    with pytest.raises(StartError, match="'default' is not a file") as caught:
        write_context(changed, VIEW)
    assert caught.value.status is RunStatus.START_FAILED
