"""A whole node without threads or network, moved on step by step and crashed at will."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from vantage6.common.clock import ManualClock
from vantage6.common.crypto.base import Cryptor
from vantage6.common.crypto.plain import PlainCryptor
from vantage6.common.http.auth import NodeAuth
from vantage6.common.http.retry import RetryPolicy
from vantage6.common.http.transport import Transport
from vantage6.node.assembly import NodeParts, Surroundings, assemble
from vantage6.node.datasources import DataSources
from vantage6.node.identity import NodeFolders, NodeIdentity
from vantage6.node.link.rest import ServerApi
from vantage6.node.runs.tokens import TokenRegistry
from vantage6.node.settings import NodeSettings, load_node_settings
from vantage6.node.store import Store
from vantage6.node.testing.engine import FakeEngine, FakeRunner
from vantage6.node.testing.simulator import API_KEY, ServerSimulator

__all__ = ["CrashError", "CrashPlan", "SteppedNode", "settings_for_tests"]

_MOST_TURNS = 200


class CrashError(BaseException):
    """The process is killed here; nothing may catch this."""


class CrashPlan:
    """Kills the process at the n-th moment.

    Parameters
    ----------
    at : int, optional
        Number of the moment; none without it.

    Attributes
    ----------
    moments : list of str
        Names of the moments passed so far.
    """

    def __init__(self, at: int | None = None) -> None:
        self._at = at
        self.moments: list[str] = []

    def moment(self, name: str) -> None:
        """Pass a moment, or die."""
        self.moments.append(name)
        if len(self.moments) == self._at:
            raise CrashError(name)


class _CrashingStore(Store):
    """Dies right before or right after the end of a transaction."""

    def __init__(self, path: Path, plan: CrashPlan) -> None:
        super().__init__(path)
        self._plan = plan

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Connection]:
        """Give the connection, and die if it is time."""
        with super().transaction(durable=durable) as db:
            yield db
            self._plan.moment("before commit")
        self._plan.moment("after commit")


def settings_for_tests(**changes: Any) -> NodeSettings:
    """Return valid settings with some changes."""
    mapping: Mapping[str, Any] = {
        "api_key": API_KEY,
        "server_url": "http://server.test",
        "port": 80,
        "api_path": "/api",
        "databases": [],
        "encryption": {"enabled": False},
        "policies": {"allowed_algorithms": ["img"]},
        **changes,
    }
    return load_node_settings(mapping, "test")


class SteppedNode:
    """The life of one node process.

    Parameters
    ----------
    folder : Path
        The data folder.
    server : ServerSimulator
        The server.
    engine : FakeEngine
        What runs algorithms.
    plan : CrashPlan, optional
        When the process dies.
    settings : NodeSettings, optional
        The configuration.
    cryptor : Cryptor, optional
        Scheme of the collaboration.

    Attributes
    ----------
    events : list
        What was sent over the socket.
    """

    def __init__(
        self,
        folder: Path,
        server: ServerSimulator,
        engine: FakeEngine,
        plan: CrashPlan | None = None,
        settings: NodeSettings | None = None,
        cryptor: Cryptor | None = None,
    ) -> None:
        plan = plan or CrashPlan()
        server.before = plan.moment
        self.events: list[tuple[str, Any]] = []
        self.clock = ManualClock()
        self.clock.advance(1.0)
        self.settings = settings or settings_for_tests()
        self.folders = NodeFolders(folder)
        self.folders.create()
        self.tokens = TokenRegistry()
        self.store = _CrashingStore(self.folders.database, plan)
        weakref.finalize(self, self.store.close)
        self._tasks: deque[Callable[[], None]] = deque()
        auth = NodeAuth(API_KEY)
        transport = Transport(
            self.settings.base_url,
            auth=auth,
            handler=server,
            clock=self.clock,
            retry=RetryPolicy(attempts=1),
        )
        auth.login(transport)
        api = ServerApi(transport)
        identity = NodeIdentity(
            node_id=7,
            node_name="Node A",
            organization_id=1,
            organization_name="Hospital",
            collaboration_id=1,
            encrypted=server.encrypted,
        )
        self.parts: NodeParts = assemble(
            Surroundings(
                settings=self.settings,
                identity=identity,
                folders=self.folders,
                store=self.store,
                api=api,
                report_api=api,
                cryptor=cryptor or PlainCryptor(),
                sources=DataSources.from_settings(self.settings["databases"]),
                runner=FakeRunner(engine, self.folders.runs, plan.moment),
                tokens=self.tokens,
                emit=self._emit,
                has_socket=lambda: True,
                clock=self.clock,
            ),
            spawn=lambda _name, work: self._tasks.append(work),
        )

    def settle(self) -> None:
        """Compare with the server, then work until nothing is left to do at this moment."""
        self.parts.resync.work_off()
        self.work_off()

    def work_off(self) -> None:
        """Work until nothing is left to do at this moment."""
        for _ in range(_MOST_TURNS):
            if not self.turn():
                return
        raise AssertionError("The node does not come to rest.")

    def turn(self) -> bool:
        """Let each part work once; tells whether any had something to do."""
        handled = self.parts.manager.work_off()
        waiting = len(self._tasks)
        for _ in range(waiting):
            self._tasks.popleft()()
        return bool(handled + waiting + self.parts.outbox.deliver_due())

    def wait_and_settle(self, seconds: float = 30.0) -> None:
        """Let time pass, so that timers and back-offs are over, and settle."""
        self.clock.advance(seconds)
        self.settle()

    def _emit(self, event: str, data: Any) -> bool:
        self.events.append((event, data))
        return True
