"""How the container of a run is made, and what its end means; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docker.types import DeviceRequest, Mount

from vantage6.common.wire.container import Label
from vantage6.node.network.isolated import Slot
from vantage6.node.runner.base import RunPhase, RunSpec, RunState
from vantage6.node.runner.docker.engine import Purpose, our_labels
from vantage6.node.runner.docker.volumes import needs_override
from vantage6.node.runner.options import Limits, RunnerOptions, RunOwner

__all__ = ["container_name", "ended_state", "host_config", "run_labels"]

_NANO = 1_000_000_000
_MEBIBYTE = 1024 * 1024
_LOG_FILES = 2
_NO_NAME_SERVER = "127.0.0.1"


def container_name(owner: RunOwner, run_id: int) -> str:
    """Name the container of a run."""
    return f"vantage6-{owner.name}-{owner.scope}-run-{run_id}"


def run_labels(owner: RunOwner, run_id: int) -> dict[str, str]:
    """Return the labels of a run's container: the contract's, and those that say whose it is."""
    return {
        **our_labels(owner, Purpose.RUN),
        Label.TYPE: Label.ALGORITHM_TYPE,
        Label.RUN_ID: str(run_id),
    }


def host_config(
    spec: RunSpec,
    mounts: list[Mount],
    slot: Slot,
    hosts: Mapping[str, str],
    options: RunnerOptions,
) -> dict[str, Any]:
    """Return what the engine is told about the walls around a run."""
    limits = options.limits
    return {
        "network_mode": slot.name,
        "mounts": mounts,
        "extra_hosts": dict(hosts),
        # The engine's own name server would pass questions on to the name servers of this
        # machine, from any network, and so carry data out. It is given none to ask.
        "dns": [_NO_NAME_SERVER],
        "dns_opt": ["timeout:1", "attempts:1"],
        "cap_drop": ["ALL"],
        "cap_add": ["DAC_OVERRIDE"] if needs_override(spec) else [],
        "security_opt": ["no-new-privileges:true"],
        "pids_limit": limits.processes,
        "mem_limit": limits.memory_bytes,
        "memswap_limit": limits.memory_bytes,
        "nano_cpus": round(limits.cpus * _NANO) if limits.cpus else None,
        "log_config": _log_config(limits),
        "device_requests": _all_graphics_processors() if options.docker.gpu else None,
    }


def ended_state(state: Mapping[str, Any], limits: Limits) -> RunState:
    """Say how a container ended."""
    reason = None
    if state.get("OOMKilled"):
        limit = f"the limit of {limits.memory_bytes} bytes" if limits.memory_bytes else "there is"
        reason = (
            f"The algorithm was ended because it needed more memory than {limit}; use less data "
            "per run, or ask the data station to raise its limit."
        )
    elif state.get("Error"):
        reason = f"The container ended with an error of the engine: {state['Error']}"
    return RunState(RunPhase.EXITED, exit_code=int(state["ExitCode"]), reason=reason)


def _log_config(limits: Limits) -> dict[str, Any]:
    """Let the engine keep a few times what is kept in the end, so that one sees it was cut."""
    size = max(2 * limits.log_bytes, _MEBIBYTE)
    return {
        "type": "json-file",
        "config": {"max-size": str(size), "max-file": str(_LOG_FILES)},
    }


def _all_graphics_processors() -> list[DeviceRequest]:
    return [DeviceRequest(count=-1, capabilities=[["gpu"]])]
