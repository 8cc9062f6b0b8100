"""What stands for the node's proxy on the networks of runs."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from docker.errors import APIError, NotFound
from docker.types import Mount

from vantage6.node.network import relay_script
from vantage6.node.network.isolated import NetworkGoneError, Slot
from vantage6.node.runner.base import StartError
from vantage6.node.runner.docker.engine import (
    Purpose,
    container_output,
    engine_errors,
    explanation,
    is_ours,
    label_filter,
    our_labels,
)
from vantage6.node.runner.options import RunOwner

__all__ = ["PROXY_NAME", "NodeGateway", "RelayGateway"]

PROXY_NAME = "proxyserver"
_PORT = 80
_SOCKET_FOLDER = "/run/vantage6"
_RECIPE_LABEL = "vantage6-recipe"
_MEMORY = 128 * 1024 * 1024
_PROCESSES = 32
_NOBODY = 65534

_log = logging.getLogger(__name__)


class NodeGateway:
    """The node's own container joins the networks; for a node that runs in one.

    Parameters
    ----------
    api : docker.APIClient
        The engine.
    container : str
        Id of the node's container.
    port : int
        Where the proxy listens in it.
    """

    def __init__(self, api: Any, container: str, port: int) -> None:
        self.port = port
        self._api = api
        self._container = container
        self._attached: set[str] = set()

    def attach(self, slot: Slot) -> None:
        """Join a slot under the proxy's name."""
        if slot.name in self._attached:
            return
        try:
            with engine_errors():
                self._api.connect_container_to_network(
                    self._container,
                    slot.name,
                    ipv4_address=str(slot.proxy_address),
                    aliases=[PROXY_NAME],
                )
        except APIError as error:
            _check_presence(error, slot)
            if "already exists" not in explanation(error):
                raise StartError(
                    f"The node's container cannot join the network of the run: "
                    f"{explanation(error)}."
                ) from error
        self._attached.add(slot.name)

    def detach(self, slot: Slot) -> None:
        """Leave a slot; silent if it was not there."""
        self._attached.discard(slot.name)
        _disconnect(self._api, self._container, slot)

    def close(self) -> None:
        """Do nothing: the slots are left one by one, when they are removed."""


class RelayGateway:
    """A small container on all networks hands connections on to the node's unix socket.

    Parameters
    ----------
    api : docker.APIClient
        The engine.
    owner : RunOwner
        Whose relay it is.
    image : str
        Image with ``python3``.
    ensure_image : callable
        Makes an image present, or raises `StartError`.
    socket : Path
        The proxy's socket; its folder is what the relay sees of this machine.
    """

    port = _PORT

    def __init__(
        self,
        api: Any,
        owner: RunOwner,
        image: str,
        ensure_image: Callable[[str], None],
        socket: Path,
    ) -> None:
        self._api = api
        self._owner = owner
        self._image = image
        self._ensure_image = ensure_image
        self._socket = socket
        self._name = f"vantage6-{owner.name}-{owner.scope}-relay-{owner.instance[:8]}"
        self._lock = threading.Lock()

    def attach(self, slot: Slot) -> None:
        """Put the relay on a slot; it is made or started first if need be."""
        with self._lock, engine_errors():
            try:
                self._attach(slot)
            except APIError as error:
                _check_presence(error, slot)
                raise StartError(
                    f"The relay between algorithms and this node cannot be started: "
                    f"{explanation(error)}; check the setting images.relay ({self._image!r})."
                ) from error

    def detach(self, slot: Slot) -> None:
        """Leave a slot; silent if it was not there."""
        _disconnect(self._api, self._name, slot)

    def close(self) -> None:
        """Remove the relay."""
        with engine_errors():
            self._remove()

    def _attach(self, slot: Slot) -> None:
        relay = self._usable()
        if relay is None:
            self._create_on(slot.name, str(slot.proxy_address))
        elif slot.name not in _networks_of(relay):
            self._connect(slot.name, str(slot.proxy_address))

    def _usable(self) -> dict[str, Any] | None:
        """Return the relay; one that has ended or was made differently is replaced first."""
        relay = self._inspect()
        if relay is None or self._is_current(relay):
            return relay
        self._remove()
        return self._replacement(_networks_of(relay))

    def _inspect(self) -> dict[str, Any] | None:
        try:
            relay: dict[str, Any] = self._api.inspect_container(self._name)
        except NotFound:
            return None
        return relay

    def _is_current(self, relay: dict[str, Any]) -> bool:
        labels = relay["Config"]["Labels"]
        is_same = is_ours(labels, self._owner) and labels.get(_RECIPE_LABEL) == self._recipe()
        return is_same and bool(relay["State"]["Running"])

    def _replacement(self, addresses: dict[str, str]) -> dict[str, Any] | None:
        """Make the relay anew on the networks the former one was on, as far as they are left."""
        filters = label_filter(self._owner, Purpose.SLOT)
        present = {network["Name"] for network in self._api.networks(filters=filters)}
        left = [(name, addresses[name]) for name in addresses if name in present]
        for number, (name, address) in enumerate(left):
            if number == 0:
                self._create_on(name, address)
            else:
                self._connect(name, address)
        return self._inspect()

    def _create_on(self, network: str, address: str) -> None:
        if not self._image:
            raise StartError(
                "The setting images.relay is empty; name an image that has python3, which this "
                "node uses to connect algorithms with itself."
            )
        self._ensure_image(self._image)
        self._api.create_container(
            self._image,
            entrypoint=["python3", "-I", "-c", _script()],
            command=[f"{_SOCKET_FOLDER}/{self._socket.name}", str(_PORT)],
            name=self._name,
            user=_relay_account(self._socket.parent),
            labels={
                **our_labels(self._owner, Purpose.RELAY),
                _RECIPE_LABEL: self._recipe(),
            },
            host_config=self._api.create_host_config(
                network_mode=network,
                mounts=[
                    Mount(_SOCKET_FOLDER, str(self._socket.parent), type="bind", read_only=True)
                ],
                cap_drop=["ALL"],
                security_opt=["no-new-privileges:true"],
                read_only=True,
                mem_limit=_MEMORY,
                pids_limit=_PROCESSES,
                # The relay is on the networks of all runs: it must not become a router.
                sysctls={
                    "net.ipv4.ip_forward": "0",
                    "net.ipv4.ip_unprivileged_port_start": "0",
                },
                restart_policy={"Name": "unless-stopped"},
                log_config={"type": "json-file", "config": {"max-size": "1m", "max-file": "1"}},
            ),
            networking_config=self._api.create_networking_config(
                {network: self._api.create_endpoint_config(ipv4_address=address)}
            ),
        )
        self._start()

    def _start(self) -> None:
        """Start the relay and return when it listens, so that no run comes too early."""
        self._api.start(self._name)
        started_at = self._api.inspect_container(self._name)["State"]["StartedAt"]
        since = int(datetime.fromisoformat(started_at[:19] + "+00:00").timestamp())
        output = b""
        with container_output(self._api, self._name, follow=True, since=since) as pieces:
            for piece in pieces:
                output += piece
                if relay_script.READY.encode() in output:
                    return
        raise StartError(
            f"The relay between algorithms and this node ended at once "
            f"({output.decode(errors='replace').strip()[-200:]}); check that the image "
            f"{self._image!r} of the setting images.relay has python3."
        )

    def _connect(self, network: str, address: str) -> None:
        self._api.connect_container_to_network(self._name, network, ipv4_address=address)

    def _remove(self) -> None:
        try:
            self._api.remove_container(self._name, force=True, v=True)
        except NotFound:
            return
        except APIError as error:
            _log.warning("The relay cannot be removed: %s", explanation(error))

    def _recipe(self) -> str:
        """Return a text that changes with anything the relay is made of."""
        parts = "\0".join((self._image, str(self._socket), _script(), __name__))
        return hashlib.sha256(parts.encode()).hexdigest()[:16]


def _networks_of(container: dict[str, Any]) -> dict[str, str]:
    """Return name of each network to the address that was asked for on it."""
    return {
        name: endpoint["IPAMConfig"]["IPv4Address"]
        for name, endpoint in container["NetworkSettings"]["Networks"].items()
        if endpoint.get("IPAMConfig")
    }


def _check_presence(error: APIError, slot: Slot) -> None:
    if isinstance(error, NotFound) and slot.name in explanation(error):
        raise NetworkGoneError(slot.name) from error


def _script() -> str:
    return Path(relay_script.__file__).read_text(encoding="utf-8")


def _relay_account(folder: Path) -> str:
    """Return the account the relay runs under: the node's own, and nobody's in place of root's.

    The folder with the socket is handed to that account; the folders above it are closed to
    others, so on this machine nobody gains anything by it.
    """
    user, group = os.getuid(), os.getgid()
    if user == 0:
        user = group = _NOBODY
        os.chown(folder, user, group)
    return f"{user}:{group}"


def _disconnect(api: Any, container: str, slot: Slot) -> None:
    try:
        api.disconnect_container_from_network(container, slot.name, force=True)
    except APIError as error:
        _log.debug("Cannot take %s off %s: %s", container, slot.name, explanation(error))
