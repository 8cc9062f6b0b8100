"""Running algorithms: one narrow interface, and its implementations."""

from vantage6.node.runner.base import (
    Bind,
    RunContext,
    RunHandle,
    Runner,
    RunnerUnavailableError,
    RunOutput,
    RunPhase,
    RunSpec,
    RunState,
    StartError,
)
from vantage6.node.runner.factory import create_runner
from vantage6.node.runner.options import (
    DockerOptions,
    Limits,
    ProcessOptions,
    ProxyAddress,
    RegistryLogin,
    RunnerOptions,
    RunOwner,
)

__all__ = [
    "Bind",
    "DockerOptions",
    "Limits",
    "ProcessOptions",
    "ProxyAddress",
    "RegistryLogin",
    "RunContext",
    "RunHandle",
    "RunOutput",
    "RunOwner",
    "RunPhase",
    "RunSpec",
    "RunState",
    "Runner",
    "RunnerOptions",
    "RunnerUnavailableError",
    "StartError",
    "create_runner",
]
