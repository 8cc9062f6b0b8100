"""``v6 node new`` and ``v6 node remove`` (contract, cli sections 3.1 and 3.10)."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import click

from vantage6.common.cli import instances, output
from vantage6.common.cli.output import run_command
from vantage6.common.config.context import InstanceContext
from vantage6.common.config.render import sample_yaml
from vantage6.common.enums import DatabaseType, InstanceType
from vantage6.common.errors import ConfigurationError, TransportError
from vantage6.common.files import write_atomic
from vantage6.common.http.auth import NodeAuth
from vantage6.common.http.retry import RetryPolicy
from vantage6.common.http.transport import Transport
from vantage6.common.wire.tokens import SUBJECT_CLAIM
from vantage6.node.link.rest import ServerApi
from vantage6.node.settings import NODE_SECTION, load_node_settings

__all__ = ["new", "remove"]

_KIND = InstanceType.NODE
_PRIVATE = 0o600
_SECURE_PORT = 443
_USUAL_PORT = 7601
_MADE_BY_NODES = (
    *("node.sqlite*", "instance", "lock", "proxy.port", "node_*.pid", "node_*.log*", "node_*.out"),
    *("runs", "jobs", "outbox", "proxy", "processes"),
)


@click.command()
@click.option("-n", "--name", default=None, help="Name of the configuration.")
@click.option("--system/--user", "system", default=False, help="Where the file belongs.")
@run_command
def new(name: str | None, *, system: bool) -> None:
    """Ask for what a node needs and write its configuration."""
    name = (name or click.prompt("Name of the configuration")).strip().replace(" ", "-")
    context = InstanceContext.at_default(_KIND, name, system=system)
    if context.exists:
        raise ConfigurationError(
            f"The configuration {context.config_file} exists already; edit it, or choose another "
            "name."
        )
    answers = _ask()
    load_node_settings(answers, str(context.config_file))
    context.config_file.parent.mkdir(parents=True, exist_ok=True)
    text = sample_yaml(NODE_SECTION, answers)
    write_atomic(context.config_file, text.encode(), mode=_PRIVATE)
    output.info(f"Wrote {context.config_file}.")
    output.info(f"Start the node with: v6 node start --name {name}")


@click.command()
@instances.context_options(default_system=False)
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@run_command
def remove(name: str | None, config: str | None, *, system: bool, force: bool) -> None:
    """Delete the configuration, the data and the logs of a node that does not run."""
    context = instances.select(_KIND, name, config, system=system)
    if instances.running(context):
        raise ConfigurationError(
            f"The node {context.name} is running; stop it first with: v6 node stop --name "
            f"{context.name}"
        )
    if not force and not click.confirm(
        f"Delete the node {context.name} with what it has in {context.data_dir} and "
        f"{context.log_dir}?",
        default=False,
    ):
        output.info("Nothing was deleted.")
        return
    usual = InstanceContext.at_default(_KIND, context.name, system=system)
    for folder in (context.data_dir, context.log_dir):
        if folder in {usual.data_dir, usual.log_dir}:
            _delete(folder)
        else:
            _delete_own(folder)
    context.config_file.unlink(missing_ok=True)
    output.info(f"Deleted the node {context.name}.")


def _delete_own(folder: Path) -> None:
    """Delete what nodes make in a folder that the settings name, which may hold anything else."""
    for path in [found for pattern in _MADE_BY_NODES for found in folder.glob(pattern)]:
        if path.is_dir():
            _delete(path)
        else:
            path.unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    elif folder.is_dir():
        output.warning(f"The folder {folder} stays, because it holds other files, too.")


def _delete(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigurationError(
            f"The folder {folder} cannot be deleted ({error.strerror}); delete it as its owner."
        ) from error


def _ask() -> dict[str, Any]:
    answers: dict[str, Any] = {"api_key": click.prompt("API key")}
    url = click.prompt("Address of the server", default="http://localhost").rstrip("/")
    port = _SECURE_PORT if url.startswith("https") else _USUAL_PORT
    answers["server_url"] = url
    answers["port"] = click.prompt("Port of the server", default=port, type=int)
    answers["api_path"] = click.prompt("API path", default="/api")
    answers["databases"] = _ask_databases()
    answers["policies"] = _ask_policies()
    answers["encryption"] = _ask_encryption(answers)
    return answers


def _ask_databases() -> list[dict[str, str]]:
    databases: list[dict[str, str]] = []
    while click.confirm("Add a database?", default=not databases):
        databases.append(
            {
                "label": click.prompt("  Label", default="default"),
                "uri": click.prompt("  Path or address"),
                "type": click.prompt(
                    "  Type",
                    type=click.Choice([kind.value for kind in DatabaseType]),
                    default=DatabaseType.CSV.value,
                ),
            }
        )
    return databases


def _ask_policies() -> dict[str, Any]:
    output.info("Only algorithms on a list may run: images, or stores that offer them.")
    policies: dict[str, Any] = {
        "allowed_algorithms": _ask_list("image (name or regular expression)"),
        "allowed_algorithm_stores": _ask_list("algorithm store (address)"),
    }
    if all(policies.values()):
        both = click.confirm("Does an algorithm have to be on both lists?", default=True)
        policies["allow_either_whitelist_or_store"] = not both
    return policies


def _ask_list(what: str) -> list[str]:
    entries: list[str] = []
    while click.confirm(f"Allow {'another' if entries else 'an'} {what}?", default=not entries):
        entries.append(click.prompt(f"  {what.capitalize()}"))
    return entries


def _ask_encryption(answers: dict[str, Any]) -> dict[str, Any]:
    is_encrypted = _encrypted_at_server(answers)
    if is_encrypted is None:
        is_encrypted = click.confirm("Is the collaboration encrypted?", default=True)
    else:
        output.info(f"The collaboration is {'' if is_encrypted else 'not '}encrypted.")
    path = ""
    if is_encrypted:
        path = click.prompt("File with the private key (empty to make one later)", default="")
    return {"enabled": is_encrypted, "private_key": path}


def _encrypted_at_server(answers: dict[str, Any]) -> bool | None:
    """Ask the server, which only works with a valid API key; no answer is no failure."""
    try:
        settings = load_node_settings({**answers, "encryption": {"enabled": False}}, "the answers")
        auth = NodeAuth(settings["api_key"])
        with Transport(settings.base_url, auth=auth, retry=RetryPolicy(attempts=1)) as server:
            auth.login(server)
            api = ServerApi(server)
            node = api.node(int(auth.claims[SUBJECT_CLAIM]))
            if node.collaboration_id is None:
                return None
            return api.is_encrypted(node.collaboration_id)
    except TransportError as error:
        output.warning(f"The server cannot be asked now: {error}")
        return None
