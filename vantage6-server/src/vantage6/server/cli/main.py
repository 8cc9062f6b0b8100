"""Commands ``v6 server …``; also installed as ``vserver`` (contract, cli section 2)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from vantage6.common import __version__ as common_version
from vantage6.common.cli import instances, output
from vantage6.common.config.context import InstanceContext
from vantage6.common.enums import InstanceType
from vantage6.server import __version__

__all__ = ["main", "server"]

_KIND = InstanceType.SERVER
_READY = " ready at http"
_SECRET_MASK = 0o077

F = TypeVar("F", bound=Callable[..., Any])


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def server() -> None:
    """Manage vantage6 servers."""


def main() -> None:
    """Run ``vserver``, the same as ``v6 server``."""
    output.run_command(server)(prog_name="vserver")


def _named(command: F) -> F:
    """Add the options with which an instance is chosen."""
    return instances.context_options(default_system=True)(command)


def _container_options(command: F) -> F:
    """Accept options of the released command that only containers need."""
    for option in (
        click.option("-i", "--image", hidden=True),
        click.option("--with-ui", is_flag=True, hidden=True),
        click.option("--ui-port", type=int, hidden=True),
        click.option("--with-rabbitmq", is_flag=True, hidden=True),
        click.option("--rabbitmq-image", hidden=True),
        click.option("--with-prometheus", is_flag=True, hidden=True),
        click.option("--prometheus-image", hidden=True),
        click.option("--keep/--auto-remove", default=False, hidden=True),
        click.option("--mount-src", hidden=True),
    ):
        command = option(command)
    return command


@server.command()
@_named
@click.option("--ip", help="Address to listen on, instead of the configured one.")
@click.option("-p", "--port", type=int, help="Port to listen on, instead of the configured one.")
@click.option(
    "--attach/--detach", default=False, help="Stay in the foreground, or return (default)."
)
@_container_options
def start(
    name: str | None,
    config: str | None,
    system: bool,  # noqa: FBT001 - click passes options by keyword
    ip: str | None,
    port: int | None,
    attach: bool,  # noqa: FBT001 - as above
    **for_containers: Any,
) -> None:
    """Start a server; it runs until it is stopped."""
    ineffective = [f"--{key.replace('_', '-')}" for key, value in for_containers.items() if value]
    if ineffective:
        output.warning(
            f"{', '.join(ineffective)} has no effect, because the server runs without a container."
        )
    context = instances.select(_KIND, name, config, system=system)
    command = _serve_command(context, ip, port)
    if attach:
        # The process becomes the server, so that signals reach it; it needs a fresh interpreter.
        sys.stdout.flush()
        os.execv(command[0], command)  # noqa: S606 - our own command
    # The output may hold the first password of root.
    os.umask(_SECRET_MASK)
    instances.start_detached(context, command, _READY)
    _repeat_output(context.log_dir / f"{_KIND}_{context.scope}.out")
    output.info(f"Stop it with: v6 server stop --name {context.name} {_scope_option(context)}")


def _serve_command(context: InstanceContext, ip: str | None, port: int | None) -> list[str]:
    command = [sys.executable, "-m", "vantage6.server.serve"]
    command += ["--config", str(context.config_file), _scope_option(context)]
    command += ["--ip", ip] if ip else []
    return command + (["--port", str(port)] if port is not None else [])


def _scope_option(context: InstanceContext) -> str:
    return f"--{context.scope}"


def _repeat_output(file: Path) -> None:
    """Show what the server said until it was ready, without its log lines."""
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("["):
            output.plain(line)


@server.command()
@_named
@click.option("--all", "every", is_flag=True, help="Stop all servers of the scope.")
def stop(
    name: str | None,
    config: str | None,
    system: bool,  # noqa: FBT001 - click passes options by keyword
    every: bool,  # noqa: FBT001 - as above
) -> None:
    """Stop a server, or all."""
    if every:
        chosen = [
            context.with_folders_of(context.read())
            for context in InstanceContext.available(_KIND, system=system)
        ]
    else:
        chosen = [instances.select(_KIND, name, config, system=system)]
    stopped = [context for context in chosen if instances.stop(context)]
    for context in stopped:
        output.info(f"Stopped the server {context.name}.")
    if not stopped:
        # An error line, but exit code 0 (contract, cli section 2.3).
        output.error("No such server is running, so there is nothing to stop.")


@server.command(name="list")
def list_() -> None:
    """List all configurations and whether they run."""
    instances.list_instances(_KIND)


@server.command()
@_named
def files(
    name: str | None,
    config: str | None,
    system: bool,  # noqa: FBT001 - click passes options by keyword
) -> None:
    """Show where the files of a server lie."""
    from vantage6.server.repositories.database import database_url
    from vantage6.server.startup import read_settings

    context = instances.select(_KIND, name, config, system=system)
    url = database_url(read_settings(context)["uri"], context.data_dir)
    instances.files(context, [("Database", url.render_as_string(hide_password=True))])


@server.command()
@_named
def attach(
    name: str | None,
    config: str | None,
    system: bool,  # noqa: FBT001 - click passes options by keyword
) -> None:
    """Follow the log of a running server."""
    instances.attach(instances.select(_KIND, name, config, system=system))


@server.command()
@_named
def version(**_: Any) -> None:
    """Show the versions of server and command line."""
    output.plain(str({"server": __version__, "cli": common_version}))


if __name__ == "__main__":
    main()
