"""Puts the parts of a logged-in node together; no loops, no threads yet."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from vantage6.common.clock import Clock
from vantage6.common.crypto.base import Cryptor
from vantage6.common.status import RunStatus
from vantage6.common.wire.container import run_folder_name
from vantage6.common.wire.socket import ClientEvent
from vantage6.node.datasources import DataSources
from vantage6.node.identity import NodeFolders, NodeIdentity
from vantage6.node.link.inbox import KillOrder
from vantage6.node.link.keyring import KeyRing
from vantage6.node.link.outbox import Outbox, Reception, Report
from vantage6.node.link.rest import ServerApi
from vantage6.node.link.resync import Resync
from vantage6.node.policy.gate import PolicyGate
from vantage6.node.runner.base import Runner
from vantage6.node.runs.journal import Journal
from vantage6.node.runs.manager import RunManager
from vantage6.node.runs.packing import Packer
from vantage6.node.runs.preparing import AlgorithmSettings, Preparer
from vantage6.node.runs.queue import RunQueue
from vantage6.node.runs.tokens import TokenRegistry
from vantage6.node.runs.worker import Worker
from vantage6.node.settings import NodeSettings
from vantage6.node.store import Store
from vantage6.node.telemetry import node_info

__all__ = ["Emit", "NodeParts", "Surroundings", "assemble"]

_log = logging.getLogger(__name__)
_IDENTITY_KEY = "identity"

Emit = Callable[[str, Any], bool]
"""Sends an event over the socket, if it is open; tells whether it was sent."""


@dataclass(frozen=True)
class Surroundings:
    """What a node works with; all of it made beforehand.

    Attributes
    ----------
    settings : NodeSettings
        The configuration.
    identity : NodeIdentity
        Who the node is.
    folders : NodeFolders
        Where its files are.
    store : Store
        Its memory.
    api, report_api : ServerApi
        Connections to the server: for questions, and for reports, which may be large.
    cryptor : Cryptor
        Scheme of the collaboration.
    sources : DataSources
        Databases on offer.
    runner : Runner
        Runs algorithms.
    tokens : TokenRegistry
        Which tokens speak for active runs.
    emit : Emit
        Sends events.
    has_socket : callable
        Tells whether the socket is open.
    clock : Clock
        The time.
    """

    settings: NodeSettings
    identity: NodeIdentity
    folders: NodeFolders
    store: Store
    api: ServerApi
    report_api: ServerApi
    cryptor: Cryptor
    sources: DataSources
    runner: Runner
    tokens: TokenRegistry
    emit: Emit
    has_socket: Callable[[], bool]
    clock: Clock


class NodeParts:
    """The parts of a node, knowing each other.

    Also what the socket's inbox talks to.

    Parameters
    ----------
    surroundings : Surroundings
        What the node works with.
    spawn : callable, optional
        Runs a function in the background.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        spawn: Callable[[str, Callable[[], None]], None] | None = None,
    ) -> None:
        here = surroundings
        settings = here.settings
        self._here = here
        self.journal = Journal(here.store, here.clock)
        keys = KeyRing(here.api, self.journal)
        self.outbox = Outbox(
            here.store, here.folders.outbox, here.report_api, self._settled, here.clock
        )
        algorithms = AlgorithmSettings(
            environment=settings["algorithm_env"],
            writes_context=settings["run_context_file"],
            node_id=here.identity.node_id,
            collaboration_id=here.identity.collaboration_id,
        )
        self.worker = Worker(
            here.runner,
            PolicyGate(settings.policies, here.api, here.runner.image_digest),
            Preparer(
                here.api, here.cryptor, here.sources, here.folders, keys, here.tokens, algorithms
            ),
            Packer(
                here.folders.outbox,
                here.cryptor,
                keys,
                share_logs=settings["share_algorithm_logs"],
            ),
            here.api,
            here.tokens,
            here.folders,
            stop_grace=settings["stop_grace_seconds"],
            spawn=spawn,
        )
        self.manager = RunManager(
            here.store,
            self.journal,
            self.outbox,
            self.worker,
            RunQueue(settings.capacity, here.clock),
            here.clock,
        )
        self.worker.report_to(self.manager.post)
        self.resync = Resync(
            here.api,
            here.identity.node_id,
            self.manager,
            self.worker,
            self._share_info,
            here.has_socket,
            here.clock,
        )

    def recover(self) -> None:
        """Go on with what an earlier process of this node left behind."""
        is_other_node = self._is_other_node()
        if is_other_node:
            self.outbox.clear()
            self.journal.forget_keys()
        found = {handle.run_id: handle for handle in self._here.runner.adopt()}
        self.worker.hold_found(self.manager.recover(found))
        if is_other_node:
            self.manager.disown_all()
            for run_id in self.worker.found_ids():
                self.worker.discard_found(run_id)
        # Last, so that after a crash all of this is done again.
        self._note_identity()
        self._sweep(record.run_id for record in self.journal.unfinished())

    def tidy(self) -> None:
        """Forget runs that were closed long ago, with their logs; to be called now and then."""
        for run_id in self.journal.prune():
            self._here.folders.run_log(run_id).unlink(missing_ok=True)

    def server_connected(self) -> None:
        """Take up everything again: the connection is new."""
        self.outbox.wake(server_is_back=True)
        self.resync.connected()

    def task_created(self, task_id: int) -> None:
        """Look for runs of a new task."""
        self.resync.request_task(task_id)

    def kill_ordered(self, order: KillOrder) -> None:
        """End runs."""
        run_ids = self.manager.open_run_ids() if order.run_ids is None else order.run_ids
        _log.warning("The server orders to end the runs %s", sorted(run_ids))
        for run_id in run_ids:
            self.manager.kill(run_id)

    def _settled(self, report: Report, reception: Reception) -> None:
        """Tell the others about a status once the server has it, so that they see it there.

        The server marks a killed run before the node does, and leaves it to the node to tell.
        """
        self.manager.settled(report, reception)
        if reception is not Reception.TAKEN and report.status is not RunStatus.KILLED:
            return
        identity = self._here.identity
        self._here.emit(
            ClientEvent.ALGORITHM_STATUS_CHANGE,
            {
                "node_id": identity.node_id,
                "status": report.status.value,
                "run_id": report.run_id,
                "task_id": report.task_id,
                "collaboration_id": identity.collaboration_id,
                "organization_id": identity.organization_id,
                "parent_id": report.parent_id,
            },
        )

    def _share_info(self) -> None:
        here = self._here
        if not here.settings["share_config"]:
            return
        info = node_info(
            is_encrypted=here.identity.encrypted,
            policies=here.settings.policies,
            sources=here.sources,
        )
        here.emit(ClientEvent.NODE_INFO_UPDATE, info)

    def _is_other_node(self) -> bool:
        """Tell whether another node left its runs here, which must not be reported as ours."""
        known = self._here.store.get_meta(_IDENTITY_KEY)
        if known is None:
            return False
        address, key = json.loads(known)
        # The server may have moved, or the key may have been replaced.
        is_same = address == self._address() or key == self._key()
        if not is_same:
            _log.error(
                "This data folder was used by another node (%s); its runs are ended and their "
                "%d reports dropped",
                address,
                self.outbox.size(),
            )
        return not is_same

    def _note_identity(self) -> None:
        identity = json.dumps([self._address(), self._key()])
        self._here.store.set_meta(_IDENTITY_KEY, identity)

    def _address(self) -> str:
        return f"{self._here.settings.base_url} {self._here.identity.node_id}"

    def _key(self) -> str:
        """Name the node's API key, which is not to be found in another file."""
        return hashlib.sha256(str(self._here.settings["api_key"]).encode()).hexdigest()[:16]

    def _sweep(self, kept_ids: Iterable[int]) -> None:
        """Delete files of runs that are closed, in case an earlier process did not come to it."""
        kept = set(kept_ids) | set(self.worker.found_ids())
        names = {run_folder_name(run_id) for run_id in kept}
        for folder in self._here.folders.runs.glob("task-*"):
            if folder.name not in names:
                shutil.rmtree(folder, ignore_errors=True)
        for file in self._here.folders.outbox.iterdir():
            if file.stem not in {str(run_id) for run_id in kept}:
                file.unlink(missing_ok=True)


def assemble(
    surroundings: Surroundings, spawn: Callable[[str, Callable[[], None]], None] | None = None
) -> NodeParts:
    """Return the parts of a node, with everything recovered that an earlier process left."""
    parts = NodeParts(surroundings, spawn)
    parts.recover()
    return parts
