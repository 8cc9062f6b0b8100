"""``v6 node create-private-key``: the organization's key pair (contract, cli section 3.7)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import click

from vantage6.common.cli import instances, output
from vantage6.common.cli.output import run_command
from vantage6.common.config.context import InstanceContext, root_folders
from vantage6.common.config.render import change_setting
from vantage6.common.crypto import keys
from vantage6.common.enums import InstanceType
from vantage6.common.errors import ConfigurationError
from vantage6.common.http.auth import UserAuth
from vantage6.common.http.transport import Transport
from vantage6.common.wire.paths import Path as ApiPath
from vantage6.common.wire.tokens import SUBJECT_CLAIM
from vantage6.node.serve import load
from vantage6.node.settings import NodeSettings

__all__ = ["create_private_key"]

_UNFIT_FOR_NAMES = re.compile(r"[/\\\x00]+")
_HOST_NAMES = ("http://host.docker.internal", "http://172.17.0.1")


@dataclass(frozen=True)
class _Organization:
    organization_id: int
    name: str


@click.command("create-private-key")
@instances.context_options(default_system=False)
@click.option("--no-upload", is_flag=True, help="Only make the key.")
@click.option("-o", "--organization-name", default=None, help="Used in the name of the file.")
@click.option(
    "--overwrite",
    "--force",
    "overwrite",
    is_flag=True,
    help="Replace an existing key; what was encrypted for it can never be read again.",
)
@click.option("--mfa", is_flag=True, help="Ask for the code of the second factor.")
@run_command
def create_private_key(
    name: str | None,
    config: str | None,
    *,
    system: bool,
    no_upload: bool,
    organization_name: str | None,
    overwrite: bool,
    mfa: bool,
) -> None:
    """Make the private key of the organization, and register the public key at the server."""
    context = instances.select(InstanceType.NODE, name, config, system=system)
    settings = load(context)
    if organization_name and no_upload:
        _make_key(context, organization_name, overwrite=overwrite)
        return
    with _connection(settings) as server:
        organization = _log_in(server, ask_code=mfa)
        public_key = _make_key(context, organization_name or organization.name, overwrite=overwrite)
        if not no_upload:
            _upload(server, organization, public_key)


def _make_key(context: InstanceContext, organization: str, *, overwrite: bool) -> str:
    """Make the key or take the one that is there, note it in the configuration, return its half."""
    path = key_path(context, organization)
    if path.exists() and not overwrite:
        output.warning(
            f"The private key {path} exists already and is used; --overwrite replaces it."
        )
        key = keys.load_private_key(path)
    else:
        key = keys.create_private_key(path, overwrite=overwrite)
        output.info(f"Made the private key {path}; keep a copy in a safe place.")
    change_setting(context.config_file, "encryption.private_key", str(path))
    public_key = keys.public_key_text(key)
    output.info(f"Its fingerprint is {keys.fingerprint(public_key)}.")
    output.info(f"Noted its path in {context.config_file}.")
    return public_key


def key_path(context: InstanceContext, organization: str) -> Path:
    """Return where the key of an organization belongs: beside the folders of the nodes."""
    folder = root_folders(context.scope).data / InstanceType.NODE.value
    return folder / f"privkey_{_UNFIT_FOR_NAMES.sub('_', organization)}.pem"


def _connection(settings: NodeSettings) -> Transport:
    url = settings.base_url
    for host in _HOST_NAMES:
        # The way from a container to this machine; here we are on it already.
        url = url.replace(host, "http://localhost")
    return Transport(url, auth=UserAuth())


def _log_in(server: Transport, *, ask_code: bool) -> _Organization:
    username = click.prompt("User name")
    password = click.prompt("Password", hide_input=True)
    code = click.prompt("Code of the second factor") if ask_code else None
    auth = server.auth
    if not isinstance(auth, UserAuth):
        raise TypeError("the connection is not that of a user")
    answer = auth.login(server, username, password, code)
    if not answer.logged_in and answer.qr_uri is None and code is None:
        answer = auth.login(server, username, password, click.prompt("Code of the second factor"))
    if not answer.logged_in:
        raise ConfigurationError(f"The login was not completed: {answer.message}")
    user = server.get(ApiPath.USER.format(id=auth.claims[SUBJECT_CLAIM]))
    organization = server.get(ApiPath.ORGANIZATION.format(id=user["organization"]["id"]))
    return _Organization(organization["id"], organization["name"])


def _upload(server: Transport, organization: _Organization, public_key: str) -> None:
    server.patch(
        ApiPath.ORGANIZATION.format(id=organization.organization_id), {"public_key": public_key}
    )
    output.info(f"Registered the public key of {organization.name} at the server.")
