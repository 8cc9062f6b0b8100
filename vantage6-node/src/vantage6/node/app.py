"""The node: opens its parts in order, keeps its loops running, closes them in reverse."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from vantage6.common.clock import SystemClock
from vantage6.common.config.context import InstanceContext, inside_container
from vantage6.common.crypto.base import Cryptor
from vantage6.common.errors import ConfigurationError, TransportError
from vantage6.common.files import lock_file
from vantage6.common.http.auth import NodeAuth
from vantage6.common.http.retry import RetryPolicy
from vantage6.common.http.transport import Transport
from vantage6.node._version import __version__
from vantage6.node.assembly import NodeParts, Surroundings, assemble
from vantage6.node.datasources import DataSources
from vantage6.node.identity import NodeFolders, NodeIdentity
from vantage6.node.link.connection import open_connection
from vantage6.node.link.encryption import open_cryptor, private_key_path
from vantage6.node.link.inbox import Inbox
from vantage6.node.link.rest import ServerApi
from vantage6.node.link.session import Session
from vantage6.node.link.socket import SocketLink
from vantage6.node.runner import Runner, create_runner
from vantage6.node.runner.options import ProxyAddress, instance_text
from vantage6.node.runs.tokens import TokenRegistry
from vantage6.node.settings import NodeSettings
from vantage6.node.store import Store
from vantage6.node.supervisor import Loop, NodeStoppedError, Supervisor
from vantage6.node.wiring import open_proxy, runner_options

__all__ = ["Announcements", "NodeApp", "open_sources"]

_log = logging.getLogger(__name__)
_DELIVERIES = 4
_REPORT_TIMEOUT = 600.0
_MOUNT_FOLDER = Path("/mnt")
_LOCK_FILE = "lock"
_HOUSEKEEPING_INTERVAL = 24 * 3600.0


@dataclass(frozen=True)
class Announcements:
    """What the operator is told on the console.

    Attributes
    ----------
    ready, waiting, warning : callable
        Called with a sentence: when the node is ready, when it waits for the server for the first
        time, and for what deserves attention.
    """

    ready: Callable[[str], None]
    waiting: Callable[[str], None]
    warning: Callable[[str], None]


@dataclass(frozen=True)
class _Credentials:
    """The node's tokens, for the socket."""

    auth: NodeAuth
    transport: Transport

    def authorization(self) -> str | None:
        """Return the header value, renewed if it expires soon."""
        return self.transport.authorization()

    def renew(self) -> bool:
        """Get new tokens."""
        return self.auth.renew(self.transport)


@dataclass
class NodeApp:
    """One node process.

    Parameters
    ----------
    settings : NodeSettings
        The configuration.
    context : InstanceContext
        Name and folders.
    announcements : Announcements
        Tells the operator.
    stop : threading.Event, optional
        Set to end the node.
    """

    settings: NodeSettings
    context: InstanceContext
    announcements: Announcements
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Work until told to stop.

        Algorithms that run then go on, and are taken up by the next start.

        Raises
        ------
        ConfigurationError, FatalError
            If the node cannot work.
        """
        with ExitStack() as closing:
            try:
                self._open(closing)
            except NodeStoppedError:
                _log.info("Stopped before the server was reached")
                return
            self.announcements.ready(f"Node {self.context.name} ready")
            self.stop.wait()
            _log.info("Shutting down; running algorithms go on")

    def _open(self, closing: ExitStack) -> None:
        settings = self.settings
        os.environ.update(settings["node_extra_env"])
        self._warn()
        sources = open_sources(settings)
        folders = NodeFolders(self.context.data_dir)
        folders.create()
        closing.enter_context(_sole_use(folders.data))
        auth = NodeAuth(settings["api_key"])
        transport = self._transport(auth, closing)
        session = Session(auth, transport, self.stop, on_first_failure=self._waiting)
        identity = session.log_in()
        _log.info(
            "Logged in as %s of %s in collaboration %d",
            identity.node_name,
            identity.organization_name,
            identity.collaboration_id,
        )
        api = ServerApi(transport)
        cryptor = session.insist("check the keys", lambda: self._cryptor(identity, api))
        tokens = TokenRegistry()
        is_own = session.insist("read the server's version", api.is_own_release)
        proxy = open_proxy(settings, folders, cryptor, tokens, tasks_repeatable=is_own)
        closing.callback(proxy.close)
        runner = self._runner(folders, proxy.address)
        closing.callback(runner.close)
        store = Store(folders.database)
        closing.callback(store.close)
        inbox = Inbox(identity)
        socket = self._socket(_Credentials(auth, transport), inbox)
        parts = assemble(
            Surroundings(
                settings=settings,
                identity=identity,
                folders=folders,
                store=store,
                api=api,
                report_api=ServerApi(self._transport(auth, closing, _REPORT_TIMEOUT)),
                cryptor=cryptor,
                sources=sources,
                runner=runner,
                tokens=tokens,
                emit=socket.emit,
                has_socket=lambda: socket.is_connected,
                clock=SystemClock(),
            )
        )
        closing.callback(parts.worker.stop)
        # Not before: the tokens of algorithms that outlived the last process are known only now.
        proxy.start()
        inbox.connect(parts)
        self._start_loops(parts, socket, runner, closing)

    def _start_loops(
        self, parts: NodeParts, socket: SocketLink, runner: Runner, closing: ExitStack
    ) -> None:
        supervisor = Supervisor()
        closing.callback(supervisor.shut_down)
        deliveries = [
            Loop(f"outbox-{number}", parts.outbox.deliver, parts.outbox.wake)
            for number in range(1, _DELIVERIES + 1)
        ]
        supervisor.start(
            [
                Loop("runs", parts.manager.run, parts.manager.wake),
                *deliveries,
                Loop("resync", parts.resync.run, parts.resync.wake),
                Loop("socket", socket.run, socket.wake),
            ]
        )
        threading.Thread(
            target=_keep_house, args=(parts, runner, self.stop), name="housekeeping", daemon=True
        ).start()

    def _warn(self) -> None:
        _log.info("Node %s, release %s", self.context.name, __version__)
        for warning in self.settings.warnings:
            _log.warning("%s", warning)
            self.announcements.warning(warning)

    def _waiting(self, error: TransportError) -> None:
        self.announcements.waiting(
            f"Node {self.context.name} waits for the server at {self.settings.base_url}: {error}"
        )

    def _transport(
        self, auth: NodeAuth, closing: ExitStack, read_timeout: float = 60.0
    ) -> Transport:
        # The loops repeat what fails, so requests do not; and they see a stop in good time.
        transport = Transport(
            self.settings.base_url,
            auth=auth,
            read_timeout=read_timeout,
            retry=RetryPolicy(attempts=1),
        )
        closing.callback(transport.close)
        return transport

    def _cryptor(self, identity: NodeIdentity, api: ServerApi) -> Cryptor:
        path = private_key_path(self.settings.at("encryption.private_key"), self.context.data_dir)
        return open_cryptor(
            identity, is_enabled=self.settings.at("encryption.enabled"), key_path=path, api=api
        )

    def _runner(self, folders: NodeFolders, proxy: ProxyAddress) -> Runner:
        options = runner_options(
            self.settings, self.context, folders, instance_text(folders.data), proxy
        )
        return create_runner(options)

    def _socket(self, credentials: _Credentials, inbox: Inbox) -> SocketLink:
        origin, debug = self.settings.origin, self.settings.at("debug.socketio")
        return SocketLink(
            lambda headers, handler: open_connection(origin, headers, handler, debug=debug),
            credentials,
            inbox.put,
        )


def open_sources(settings: NodeSettings) -> DataSources:
    """Return the databases of the configuration.

    Raises
    ------
    ConfigurationError
        If something is wrong with them; one sentence per mistake.
    """
    mount_folder = _MOUNT_FOLDER if inside_container() else None
    return DataSources.from_settings(
        settings["databases"], mount_folder=mount_folder, environment=os.environ
    )


@contextmanager
def _sole_use(data_folder: Path) -> Iterator[None]:
    """Keep other nodes out of the data folder: two would take each other's runs for leftovers."""
    with (data_folder / _LOCK_FILE).open("w") as file:
        if not lock_file(file):
            raise ConfigurationError(
                f"The data folder {data_folder} is in use by another node; give each node a folder "
                "of its own with the setting directories.data."
            )
        yield


def _keep_house(parts: NodeParts, runner: Runner, stop: threading.Event) -> None:
    """Make the runner ready, and each day remove what is not needed any more."""
    while not stop.is_set():
        for chore in (runner.prepare, parts.tidy):
            try:
                chore()
            except Exception:  # noqa: BLE001 - the outermost loop: runs do not depend on it
                _log.warning("Housekeeping has to wait for the next time", exc_info=True)
        stop.wait(_HOUSEKEEPING_INTERVAL)
