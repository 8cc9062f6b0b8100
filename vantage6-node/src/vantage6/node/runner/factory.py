"""Choosing the runner that the settings name."""

from __future__ import annotations

from vantage6.common.errors import ConfigurationError
from vantage6.node.runner.base import Runner
from vantage6.node.runner.options import RunnerOptions

__all__ = ["create_runner"]


def create_runner(options: RunnerOptions) -> Runner:
    """Return the runner the settings ask for, ready to start runs.

    Raises
    ------
    ConfigurationError
        If the kind is unknown, or the Docker engine cannot be used.
    """
    if options.kind == "docker":
        # The Docker SDK is loaded only by nodes that use it.
        from vantage6.node.runner.docker.runner import DockerRunner

        return DockerRunner.connect(options)
    if options.kind == "process":
        from vantage6.node.runner.process import ProcessRunner

        return ProcessRunner(options)
    raise ConfigurationError(
        f"The setting runner is {options.kind!r}; set it to 'docker' or 'process'."
    )
