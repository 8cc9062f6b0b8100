"""From the settings to the runner's options and the proxy."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from vantage6.common.config.context import InstanceContext, inside_container
from vantage6.common.crypto.base import Cryptor
from vantage6.common.errors import ConfigurationError
from vantage6.common.http.transport import Transport
from vantage6.node.identity import NodeFolders
from vantage6.node.proxy import ProxyServer, ProxyServices, create_app
from vantage6.node.runner.options import (
    DockerOptions,
    Limits,
    ProcessOptions,
    ProxyAddress,
    RegistryLogin,
    RunnerOptions,
    RunOwner,
)
from vantage6.node.runs.tokens import TokenRegistry
from vantage6.node.settings import NodeSettings

__all__ = ["open_proxy", "runner_options"]

_MEBIBYTE = 1024 * 1024
_LOOPBACK = "127.0.0.1"
_ALL_ADDRESSES = "0.0.0.0"  # noqa: S104 - in a container, where only runs are on the networks
_PORT_VARIABLE = "PROXY_SERVER_PORT"
_PORT_IN_CONTAINER = 80
_SERVER_TIMEOUT = 300.0


@dataclass(frozen=True)
class _Endpoint:
    host: str
    port: int | None


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


def open_proxy(
    settings: NodeSettings,
    folders: NodeFolders,
    cryptor: Cryptor,
    tokens: TokenRegistry,
    *,
    tasks_repeatable: bool,
) -> ProxyServer:
    """Return the proxy, listening; it answers when it is started.

    Raises
    ------
    ConfigurationError
        If it cannot listen.
    """
    services = ProxyServices(
        connect=lambda auth: Transport(settings.base_url, auth=auth, read_timeout=_SERVER_TIMEOUT),
        tokens=tokens,
        cryptor=cryptor,
        tasks_repeatable=tasks_repeatable,
    )
    endpoint = _endpoint(settings["runner"], os.environ)
    proxy = ProxyServer(
        create_app(services),
        socket_path=folders.proxy / "proxy.sock",
        port=endpoint.port,
        host=endpoint.host,
        port_file=folders.data / "proxy.port",
    )
    proxy.listen()
    return proxy


def _endpoint(runner: str, environment: Mapping[str, str]) -> _Endpoint:
    """Return where the proxy listens besides its socket.

    Processes reach it on the loopback interface, containers through the relay and the socket. A
    node in a container of its own joins the networks of the runs and listens there.
    """
    given = environment.get(_PORT_VARIABLE)
    if given and not given.isdecimal():
        raise ConfigurationError(
            f"The environment variable {_PORT_VARIABLE} is {given!r}; set it to a port number."
        )
    if runner == "process":
        return _Endpoint(_LOOPBACK, int(given or 0))
    if given or inside_container():
        return _Endpoint(_ALL_ADDRESSES, int(given or _PORT_IN_CONTAINER))
    return _Endpoint(_LOOPBACK, None)


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
        scratch_days=settings["scratch_days"],
        gpu=settings.at("algorithm_device_requests.gpu"),
        services=settings["docker_services"],
    )
