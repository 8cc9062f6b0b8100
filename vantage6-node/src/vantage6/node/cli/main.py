"""The group ``v6 node``: run a node as a process of this machine (contract, cli section 3)."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable
from typing import Any

import click

from vantage6.common._version import __version__ as common_version
from vantage6.common.cli import instances, output
from vantage6.common.cli.output import run_command
from vantage6.common.config.context import InstanceContext
from vantage6.common.config.render import change_setting
from vantage6.common.enums import InstanceType
from vantage6.common.errors import ConfigurationError
from vantage6.node._version import __version__
from vantage6.node.cli.keys import create_private_key
from vantage6.node.cli.setup import new, remove

__all__ = ["main", "node"]

_KIND = InstanceType.NODE
_LABEL_WIDTH = 15
_select_options = instances.context_options(default_system=False)


def _container_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Accept options of the released command line that only make sense for containers."""
    for option in (
        click.option("-i", "--image", default=None, help="Has no effect: no container is used."),
        click.option("--keep/--auto-remove", "keep", default=False, help="Has no effect."),
        click.option("--force-db-mount", is_flag=True, help="Has no effect."),
        click.option("--mount-src", default="", help="Has no effect."),
    ):
        command = option(command)
    return command


@click.group()
def node() -> None:
    """Manage nodes of data stations."""


@node.command()
@_select_options
@click.option("--attach/--detach", default=False, help="Stay in the foreground, or not (default).")
@_container_options
@run_command
def start(
    name: str | None, config: str | None, *, system: bool, attach: bool, **container: Any
) -> None:
    """Start a node."""
    _warn_of_ignored(container)
    _start(instances.select(_KIND, name, config, system=system), attach=attach)


@node.command()
@_select_options
@click.option("--all", "all_nodes", is_flag=True, help="Stop all running nodes of the scope.")
@click.option("--force", is_flag=True, help="Kill the node at once.")
@run_command
def stop(
    name: str | None, config: str | None, *, system: bool, all_nodes: bool, force: bool
) -> None:
    """Stop a node; its algorithms go on and are taken up at the next start."""
    for context in _chosen(name, config, system=system, all_nodes=all_nodes):
        if instances.stop(context, force=force):
            output.info(f"Stopped the node {context.name}.")
        else:
            output.warning(f"The node {context.name} is not running.")


@node.command()
@_select_options
@click.option("--all", "all_nodes", is_flag=True, help="Restart all running nodes of the scope.")
@click.option("--force", is_flag=True, help="Kill the node at once.")
@click.option("--attach/--detach", default=False, help="Stay in the foreground, or not (default).")
@_container_options
@run_command
def restart(
    name: str | None,
    config: str | None,
    *,
    system: bool,
    all_nodes: bool,
    force: bool,
    attach: bool,
    **container: Any,
) -> None:
    """Stop a running node and start it again."""
    _warn_of_ignored(container)
    if all_nodes and attach:
        raise ConfigurationError("Only one node can be attached to; leave out --all or --attach.")
    for context in _chosen(name, config, system=system, all_nodes=all_nodes):
        if instances.stop(context, force=force):
            _start(context, attach=attach)
        else:
            output.warning(f"The node {context.name} is not running and was not started.")


@node.command("list")
@run_command
def list_() -> None:
    """List the nodes configured on this machine, and whether they run."""
    instances.list_instances(_KIND)


@node.command()
@_select_options
@run_command
def files(name: str | None, config: str | None, *, system: bool) -> None:
    """Print where the files and the data of a node lie."""
    from vantage6.node.serve import load

    context = instances.select(_KIND, name, config, system=system)
    settings = load(context)
    instances.files(context, [("data folders", context.data_dir)])
    output.info("Database labels and files")
    for label, uri, kind in _databases(settings["databases"]):
        output.info(f" - {label:<{_LABEL_WIDTH}} = {uri} (type: {kind})")


@node.command()
@_select_options
@run_command
def attach(name: str | None, config: str | None, *, system: bool) -> None:
    """Follow the log of a running node."""
    instances.attach(instances.select(_KIND, name, config, system=system))


@node.command()
@_select_options
@run_command
def version(name: str | None, config: str | None, *, system: bool) -> None:
    """Print the versions of the node and of the command line."""
    output.plain(str({"node": __version__, "cli": common_version}))


@node.command("set-api-key")
@_select_options
@click.option("--api-key", default=None, help="The key; asked for when absent.")
@run_command
def set_api_key(name: str | None, config: str | None, *, system: bool, api_key: str | None) -> None:
    """Replace the API key in a configuration."""
    context = instances.select(_KIND, name, config, system=system)
    key = api_key or click.prompt("API key")
    try:
        uuid.UUID(key)
    except ValueError:
        raise ConfigurationError(
            f"The text {key!r} is no API key; copy the key that was shown when the node was "
            "registered."
        ) from None
    change_setting(context.config_file, "api_key", key)
    output.info(f"Changed the API key in {context.config_file}.")
    if instances.running(context):
        output.warning(f"Restart the node to use it: v6 node restart --name {context.name}")


node.add_command(create_private_key)
node.add_command(new)
node.add_command(remove)


def main() -> None:
    """Run ``vnode``, under the name it has had since version 3."""
    node(prog_name="vnode")


def _start(context: InstanceContext, *, attach: bool) -> None:
    # What can be found wrong at once is said at once, not through the console of a child.
    from vantage6.node.app import open_sources
    from vantage6.node.serve import load, serve

    settings = load(context)
    open_sources(settings)
    if attach:
        serve(context)
        return
    for warning in settings.warnings:
        output.warning(warning)
    scope = ["--system"] if context.scope == "system" else []
    command = [
        *(sys.executable, "-m", "vantage6.node.serve", *scope),
        *("--config", str(context.config_file)),
    ]
    # A node that waits for its server has been started, too.
    process = instances.start_detached(context, command, ready=f"] - Node {context.name} ")
    output.info(f"Started the node {context.name} (process {process.pid}).")
    output.info(f"Its log is {context.log_file}; follow it with: v6 node attach.")


def _chosen(
    name: str | None, config: str | None, *, system: bool, all_nodes: bool
) -> list[InstanceContext]:
    if not all_nodes:
        return [instances.select(_KIND, name, config, system=system)]
    found = [
        context.with_folders_of(context.read())
        for context in InstanceContext.available(_KIND, system=system)
    ]
    running = [context for context in found if instances.running(context)]
    if not running:
        output.warning("No nodes are running.")
    return running


def _databases(databases: Any) -> list[tuple[Any, Any, Any]]:
    if isinstance(databases, dict):
        databases = [
            {"label": label, **(entry if isinstance(entry, dict) else {"uri": entry})}
            for label, entry in databases.items()
        ]
    return [
        (entry.get("label"), entry.get("uri"), entry.get("type", "csv"))
        for entry in databases or []
    ]


def _warn_of_ignored(container: dict[str, Any]) -> None:
    used = [f"--{name.replace('_', '-')}" for name, value in container.items() if value]
    if used:
        output.warning(
            f"{', '.join(used)} has no effect: the node runs as a process, not in a container."
        )
