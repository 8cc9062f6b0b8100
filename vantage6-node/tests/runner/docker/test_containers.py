"""The walls around a run, as the engine is told about them."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from vantage6.node.network.isolated import Slot
from vantage6.node.runner import (
    Bind,
    DockerOptions,
    Limits,
    ProxyAddress,
    RunnerOptions,
    RunOwner,
    RunPhase,
    RunSpec,
)
from vantage6.node.runner.docker.containers import (
    container_name,
    ended_state,
    host_config,
    run_labels,
)
from vantage6.node.runner.docker.volumes import HostPaths, needs_override, run_mounts

OWNER = RunOwner("alpha", "user", "abcdef")
SLOT = Slot("slot", IPv4Network("198.18.0.0/28"))


def options(limits: Limits | None = None, **docker: Any) -> RunnerOptions:
    return RunnerOptions(
        kind="docker",
        owner=OWNER,
        data_folder=Path("/data"),
        log_folder=Path("/data/runs"),
        proxy=ProxyAddress(),
        limits=limits or Limits(),
        docker=DockerOptions(**docker),
    )


def spec(**databases: Bind | str) -> RunSpec:
    return RunSpec(12, 5, 5, "image", Path("/data/runs/task-000000012"), databases=databases)


def config(limits: Limits | None = None, **docker: Any) -> dict[str, Any]:
    hosts = {"proxyserver": str(SLOT.proxy_address)}
    return host_config(spec(), [], SLOT, hosts, options(limits, **docker))


def test_a_container_has_no_powers_and_one_network() -> None:
    told = config()

    assert told["cap_drop"] == ["ALL"]
    assert told["cap_add"] == []
    assert told["security_opt"] == ["no-new-privileges:true"]
    assert told["network_mode"] == "slot"
    assert told["extra_hosts"] == {"proxyserver": "198.18.0.2"}
    assert told["dns"] == ["127.0.0.1"]
    assert told["pids_limit"] == 1024
    assert "privileged" not in told


def test_limits_reach_the_engine() -> None:
    told = config(Limits(memory_bytes=1000, cpus=1.5, processes=10, log_bytes=5_000_000))

    assert (told["mem_limit"], told["memswap_limit"]) == (1000, 1000)
    assert told["nano_cpus"] == 1_500_000_000
    assert told["pids_limit"] == 10
    assert told["log_config"]["config"] == {"max-size": "10000000", "max-file": "2"}


def test_graphics_processors_are_given_if_the_settings_say_so() -> None:
    assert config()["device_requests"] is None
    (request,) = config(gpu=True)["device_requests"]
    assert (request["Count"], request["Capabilities"]) == (-1, [["gpu"]])


def test_name_and_labels_are_those_of_the_contract() -> None:
    assert container_name(OWNER, 12) == "vantage6-alpha-user-run-12"
    assert run_labels(OWNER, 12) == {
        "vantage6-type": "algorithm",
        "node": "alpha",
        "run_id": "12",
        "vantage6-node-id": "abcdef",
        "vantage6-purpose": "run",
    }


def test_a_run_gets_its_folder_the_scratch_volume_and_its_databases() -> None:
    table = Bind(Path("/station/a.csv"), "/mnt/data/default.csv")
    mounts = run_mounts(spec(default=table, sql="postgresql://x"), "scratch", HostPaths())

    assert [
        (mount["Type"], mount["Source"], mount["Target"], bool(mount["ReadOnly"]))
        for mount in mounts
    ] == [
        ("bind", "/data/runs/task-000000012", "/mnt/data/task-000000012", False),
        ("bind", "/station/a.csv", "/mnt/data/default.csv", True),
        ("volume", "scratch", "/mnt/tmp", False),
    ]


def test_paths_in_a_container_are_translated_by_the_closest_mount() -> None:
    paths = HostPaths({"/mnt": "/host/mnt", "/mnt/data": "/volumes/data/_data"})

    assert paths.on_machine(Path("/mnt/data/runs/1")) == "/volumes/data/_data/runs/1"
    assert paths.on_machine(Path("/mnt/a.csv")) == "/host/mnt/a.csv"
    assert paths.on_machine(Path("/elsewhere")) == "/elsewhere"


@pytest.mark.parametrize(("mode", "needed"), [(0o600, True), (0o640, True), (0o644, False)])
def test_a_file_that_others_may_not_read_needs_a_capability(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, needed: bool
) -> None:
    table = tmp_path / "a.csv"
    table.touch()
    table.chmod(mode)
    monkeypatch.setattr("vantage6.node.runner.docker.volumes._ROOT", -1)

    assert needs_override(spec(default=Bind(table, "/mnt/data/default.csv"))) is needed


def test_an_end_is_told_with_its_reason() -> None:
    limits = Limits(memory_bytes=1000)

    assert ended_state({"ExitCode": 3}, limits).exit_code == 3
    out_of_memory = ended_state({"ExitCode": 137, "OOMKilled": True}, limits)
    assert out_of_memory.phase is RunPhase.EXITED
    assert "limit of 1000 bytes" in (out_of_memory.reason or "")
    assert "no space" in (ended_state({"ExitCode": 1, "Error": "no space"}, limits).reason or "")
