"""From socket events to messages for the loops; handlers do nothing else, so they never block."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from vantage6.common.wire.socket import ServerEvent
from vantage6.node.identity import NodeIdentity

__all__ = ["Inbox", "KillOrder", "Recipient", "read_kill_order"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KillOrder:
    """Runs of this node to be ended; `run_ids` is None when all are meant."""

    run_ids: frozenset[int] | None


class Recipient(Protocol):
    """Who acts on messages; none of these may block."""

    def server_connected(self) -> None:
        """Take up everything again: the connection is new."""
        ...

    def task_created(self, task_id: int) -> None:
        """Look for runs of a new task."""
        ...

    def kill_ordered(self, order: KillOrder) -> None:
        """End runs."""
        ...


class Inbox:
    """Passes on what concerns this node.

    Parameters
    ----------
    identity : NodeIdentity
        Who this node is.
    """

    def __init__(self, identity: NodeIdentity) -> None:
        self._identity = identity
        self._recipient: Recipient | None = None

    def connect(self, recipient: Recipient) -> None:
        """Tell who acts on messages; earlier ones are lost."""
        self._recipient = recipient

    def put(self, event: str, data: Any) -> None:
        """Pass on an event; unknown and malformed ones are left aside."""
        recipient = self._recipient
        if recipient is None:
            return
        if event == ServerEvent.SYNC:
            recipient.server_connected()
        elif event == ServerEvent.NEW_TASK:
            _put_task(recipient, data)
        elif event == ServerEvent.KILL_CONTAINERS:
            order = read_kill_order(data, self._identity)
            if order is not None:
                recipient.kill_ordered(order)


def _put_task(recipient: Recipient, data: Any) -> None:
    task_id = data.get("id") if isinstance(data, Mapping) else None
    if isinstance(task_id, int):
        recipient.task_created(task_id)
    else:
        _log.warning("A new_task event without a task id was left aside")


def read_kill_order(data: Any, identity: NodeIdentity) -> KillOrder | None:
    """Return which runs of this node an order means, or None if it means none.

    An order with a list is about the runs in it, one with a node id about all runs of that node
    (contract, socket-events section 6). An empty list alone means nothing: to take it for "all"
    would end every run at the slightest mistake of a server.
    """
    if not isinstance(data, Mapping):
        return None
    if data.get("collaboration_id", identity.collaboration_id) != identity.collaboration_id:
        return None
    node_id = data.get("node_id")
    if node_id is not None and node_id != identity.node_id:
        return None
    kill_list = data.get("kill_list")
    if not kill_list:
        return KillOrder(None) if node_id == identity.node_id else None
    run_ids = frozenset(
        entry["run_id"]
        for entry in kill_list
        if isinstance(entry, Mapping)
        and isinstance(entry.get("run_id"), int)
        and entry.get("organization_id") == identity.organization_id
    )
    return KillOrder(run_ids) if run_ids else None
