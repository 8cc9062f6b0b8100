"""A node made of a few REST calls, for tests that need answers to tasks but no algorithms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from vantage6.common.clock import SystemClock, iso_utc
from vantage6.common.crypto.base import Cryptor
from vantage6.common.crypto.plain import PlainCryptor
from vantage6.common.http.auth import NodeAuth
from vantage6.common.http.paging import all_items
from vantage6.common.http.transport import Transport
from vantage6.common.payload.chain import pack, unpack
from vantage6.common.payload.codec import deserialize, serialize
from vantage6.common.status import RunStatus
from vantage6.common.wire.paths import Path
from vantage6.common.wire.tokens import SUBJECT_CLAIM

__all__ = ["SimulatedNode"]

Compute = Callable[[dict[str, Any]], Any]


class SimulatedNode:
    """Takes the open runs of one node and reports what a function makes of their inputs.

    Parameters
    ----------
    base_url : str
        Address of the server's interface.
    api_key : str
        Key of the node.
    compute : callable
        From the input of a run to its result; an exception makes the run fail with its text.
    cryptor : Cryptor, optional
        Scheme of the collaboration with the key of the organization.
    handler : httpx.BaseTransport, optional
        Takes the place of the network.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        compute: Compute,
        cryptor: Cryptor | None = None,
        handler: httpx.BaseTransport | None = None,
    ) -> None:
        auth = NodeAuth(api_key)
        self._transport = Transport(base_url, auth=auth, handler=handler)
        auth.login(self._transport)
        self._id = int(auth.claims[SUBJECT_CLAIM])
        self._compute = compute
        self._cryptor: Cryptor = cryptor or PlainCryptor()
        self._clock = SystemClock()

    def work(self) -> int:
        """Do all open runs and return their number."""
        query = {"state": "open", "node_id": self._id, "include": "task"}
        runs = all_items(self._transport, Path.RUNS, query)
        for run in runs:
            self._start(run["id"])
            self._finish(run)
        return len(runs)

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def _start(self, run_id: int) -> None:
        self._report(run_id, status=str(RunStatus.INITIALIZING), started_at=self._now())
        self._report(run_id, status=str(RunStatus.ACTIVE))

    def _finish(self, run: dict[str, Any]) -> None:
        input_ = deserialize(unpack(run["input"], self._cryptor))
        try:
            result, status, log = serialize(self._compute(input_)), RunStatus.COMPLETED, "done"
        except Exception as error:  # noqa: BLE001 - whatever an algorithm does, its run fails
            result, status, log = b"", RunStatus.CRASHED, f"{type(error).__name__}: {error}"
        self._report(
            run["id"],
            status=str(status),
            result=pack(result, self._cryptor, self._key_of(run["task"]["init_org"]["id"])),
            log=log,
            finished_at=self._now(),
        )

    def _key_of(self, organization_id: int) -> str:
        organization = self._transport.get(Path.ORGANIZATION.format(id=organization_id))
        return str(organization["public_key"])

    def _report(self, run_id: int, **fields: Any) -> None:
        self._transport.patch(Path.RUN.format(id=run_id), fields)

    def _now(self) -> str:
        return iso_utc(self._clock.now())
