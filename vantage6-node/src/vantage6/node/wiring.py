"""From the settings to the options of the runner and the proxy."""

from __future__ import annotations

from vantage6.common.config.context import InstanceContext
from vantage6.node.identity import NodeFolders
from vantage6.node.runner.options import (
    DockerOptions,
    Limits,
    ProcessOptions,
    ProxyAddress,
    RegistryLogin,
    RunnerOptions,
    RunOwner,
)
from vantage6.node.settings import NodeSettings

__all__ = ["runner_options"]

_MEBIBYTE = 1024 * 1024


def runner_options(
    settings: NodeSettings,
    context: InstanceContext,
    folders: NodeFolders,
    instance: str,
    proxy: ProxyAddress,
) -> RunnerOptions:
    """Return what `create_runner` needs."""
    return RunnerOptions(
        kind=settings["runner"],
        owner=RunOwner(context.name, context.scope, instance),
        data_folder=folders.data,
        log_folder=folders.runs,
        proxy=proxy,
        limits=_limits(settings),
        docker=_docker(settings),
        process=ProcessOptions(settings["process_packages"], settings["process_python"]),
    )


def _limits(settings: NodeSettings) -> Limits:
    limits = settings["limits"]
    memory = limits["memory_mb"]
    return Limits(
        result_bytes=limits["result_mb"] * _MEBIBYTE,
        log_bytes=limits["log_mb"] * _MEBIBYTE,
        memory_bytes=None if memory is None else memory * _MEBIBYTE,
        cpus=limits["cpus"],
        processes=limits["processes"],
    )


def _docker(settings: NodeSettings) -> DockerOptions:
    logins = tuple(
        RegistryLogin(entry["registry"], entry["username"], entry["password"])
        for entry in settings["docker_registries"]
    )
    return DockerOptions(
        require_pull=settings.policies.requires_pull,
        registries=logins,
        relay_image=settings.at("images.relay"),
        slot_pool=settings["run_network_pool"],
        warm_slots=settings["warm_networks"],
        gpu=settings.at("algorithm_device_requests.gpu"),
        services=settings["docker_services"],
    )
