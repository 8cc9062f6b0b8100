"""Networks of single runs, made once and used again.

What an algorithm could do with a network: reach the machine of the node, the internet, or other
runs. A slot leaves it nothing to reach but the node's proxy: the network is internal, this
machine has no address on it, and only one run and the way to the proxy are attached.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any, Protocol

from docker.errors import APIError, NotFound
from docker.types import IPAMConfig, IPAMPool

from vantage6.node.network.subnets import RUN_PREFIX, free_subnets
from vantage6.node.runner.base import StartError
from vantage6.node.runner.docker.engine import (
    Purpose,
    engine_errors,
    explanation,
    label_filter,
    our_labels,
)
from vantage6.node.runner.options import RunOwner

__all__ = ["Gateway", "NetworkGoneError", "Slot", "SlotPool"]

_PROXY_POSITION = 2  # the first address belongs to the network itself, unused as it is
_RUN_POSITION = 3
_FIRST_SERVICE_POSITION = 4
_MAX_SERVICES = 2 ** (32 - RUN_PREFIX) - _FIRST_SERVICE_POSITION - 1
_ATTEMPTS = 20
_NETWORK_OPTIONS = {
    "com.docker.network.bridge.inhibit_ipv4": "true",
    "com.docker.network.bridge.enable_ip_masquerade": "false",
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Slot:
    """A network for one run at a time.

    Attributes
    ----------
    name : str
        Name of the network at the engine.
    subnet : IPv4Network
        Its addresses.
    """

    name: str
    subnet: IPv4Network

    @property
    def proxy_address(self) -> IPv4Address:
        """Where the run finds the proxy."""
        return self.subnet[_PROXY_POSITION]

    @property
    def run_address(self) -> IPv4Address:
        """The run's own address."""
        return self.subnet[_RUN_POSITION]

    def service_address(self, number: int) -> IPv4Address:
        """Address of one of the linked services, counted from 0."""
        return self.subnet[_FIRST_SERVICE_POSITION + number]


class NetworkGoneError(Exception):
    """A slot's network was removed by someone else."""


class Gateway(Protocol):
    """What stands for the proxy on a slot."""

    port: int

    def attach(self, slot: Slot) -> None:
        """Make the proxy reachable on a slot; quick if it is already.

        Raises
        ------
        NetworkGoneError
            If the network is not there any more.
        StartError
            If the proxy cannot be connected with it.
        """
        ...

    def detach(self, slot: Slot) -> None:
        """Leave a slot; silent if it was not there."""
        ...

    def close(self) -> None:
        """Leave all slots, and remove what was made for them."""
        ...


class SlotPool:
    """The slots of one node.

    Parameters
    ----------
    api : docker.APIClient
        The engine.
    owner : RunOwner
        Whose slots these are.
    gateway : Gateway
        What stands for the proxy.
    pool : IPv4Network
        Where addresses come from.
    services : Mapping[str, str]
        Alias to name of existing containers that are attached to each slot.
    """

    def __init__(
        self,
        api: Any,
        owner: RunOwner,
        gateway: Gateway,
        pool: IPv4Network,
        services: Mapping[str, str] | None = None,
    ) -> None:
        self._api = api
        self._owner = owner
        self._gateway = gateway
        self._pool = pool
        self._services = dict(list((services or {}).items())[:_MAX_SERVICES])
        self._free: list[Slot] = []
        self._used: dict[str, Slot] = {}
        self._lock = threading.Lock()

    @property
    def gateway(self) -> Gateway:
        """What stands for the proxy on the slots."""
        return self._gateway

    def load(self, used: Iterable[str]) -> None:
        """Find the slots an earlier process of this node left; `used` names those with runs."""
        names = set(used)
        with engine_errors():
            networks = self._api.networks(filters=label_filter(self._owner, Purpose.SLOT))
        slots = [_slot_of(network) for network in networks]
        with self._lock:
            self._free = [slot for slot in slots if slot.name not in names]
            self._used = {slot.name: slot for slot in slots if slot.name in names}

    def warm(self, count: int) -> None:
        """Make sure that `count` slots are free and ready."""
        slots: list[Slot] = []
        try:
            slots.extend(self.take() for _ in range(count))
        finally:
            for slot in slots:
                self.release(slot.name)

    def take(self) -> Slot:
        """Return a slot for one run, with the proxy on it.

        Raises
        ------
        StartError
            If no network can be made.
        """
        while True:
            with self._lock:
                slot = self._free.pop() if self._free else None
            slot = slot or self._create()
            try:
                self._gateway.attach(slot)
            except NetworkGoneError:
                _log.info("The network %s is gone; another one is used", slot.name)
                continue
            except BaseException:
                self._remove(slot)
                raise
            with self._lock:
                self._used[slot.name] = slot
            return slot

    def release(self, name: str) -> None:
        """Take a slot back whose run is gone."""
        with self._lock:
            slot = self._used.pop(name, None)
            if slot is not None:
                self._free.append(slot)

    def discard(self, slot: Slot) -> None:
        """Give up a slot that turned out not to work."""
        with self._lock:
            self._used.pop(slot.name, None)
        self._remove(slot)

    def service_hosts(self, slot: Slot) -> dict[str, str]:
        """Return alias to address of the linked services on a slot."""
        return {
            alias: str(slot.service_address(number)) for number, alias in enumerate(self._services)
        }

    def close(self) -> None:
        """Remove the free slots, and the way to the proxy too if no run is left."""
        with self._lock:
            free, self._free = self._free, []
            is_last = not self._used
        if is_last:
            self._gateway.close()
        for slot in free:
            self._remove(slot)

    def _create(self) -> Slot:
        with engine_errors():
            taken = _subnets_in_use(self._api.networks())
            offset = secrets.randbelow(2 ** (RUN_PREFIX - self._pool.prefixlen))
            candidates = free_subnets(self._pool, taken, prefix=RUN_PREFIX, offset=offset)
            refusal = "all addresses of its range are in use"
            for _, subnet in zip(range(_ATTEMPTS), candidates, strict=False):
                slot = Slot(self._new_name(), subnet)
                try:
                    self._create_network(slot)
                except APIError as error:
                    # Another node may have taken the range in the meantime; the next one is tried.
                    refusal = explanation(error)
                    continue
                self._attach_services(slot)
                return slot
        raise StartError(
            f"No network can be made for the run ({refusal}); remove Docker networks that are not "
            "needed any more, or set run_network_pool to another address range."
        )

    def _new_name(self) -> str:
        return f"vantage6-{self._owner.name}-{self._owner.scope}-{secrets.token_hex(4)}"

    def _create_network(self, slot: Slot) -> None:
        self._api.create_network(
            slot.name,
            driver="bridge",
            internal=True,
            ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=str(slot.subnet))]),
            options=_NETWORK_OPTIONS,
            labels=our_labels(self._owner, Purpose.SLOT),
        )

    def _attach_services(self, slot: Slot) -> None:
        for number, (alias, container) in enumerate(self._services.items()):
            try:
                self._api.connect_container_to_network(
                    container,
                    slot.name,
                    ipv4_address=str(slot.service_address(number)),
                    aliases=[alias],
                )
            except APIError as error:
                _log.error(
                    "The container %s cannot be linked as %s (%s); start it, or correct the "
                    "setting docker_services.",
                    container,
                    alias,
                    explanation(error),
                )

    def _remove(self, slot: Slot) -> None:
        """Remove a network; whatever still hangs on it is taken off first."""
        try:
            with engine_errors():
                self._gateway.detach(slot)
                for container in self._services.values():
                    self._disconnect(container, slot)
                self._api.remove_network(slot.name)
        except NotFound:
            return
        except APIError as error:
            _log.warning("The network %s cannot be removed: %s", slot.name, explanation(error))

    def _disconnect(self, container: str, slot: Slot) -> None:
        try:
            self._api.disconnect_container_from_network(container, slot.name, force=True)
        except APIError as error:
            _log.debug("Cannot disconnect %s: %s", container, explanation(error))


def _slot_of(network: Mapping[str, Any]) -> Slot:
    return Slot(network["Name"], IPv4Network(network["IPAM"]["Config"][0]["Subnet"]))


def _subnets_in_use(networks: Iterable[Mapping[str, Any]]) -> list[IPv4Network]:
    subnets = []
    for network in networks:
        for config in (network.get("IPAM") or {}).get("Config") or []:
            subnet = str(config.get("Subnet") or "")
            if subnet and ":" not in subnet:
                subnets.append(IPv4Network(subnet, strict=False))
    return subnets
