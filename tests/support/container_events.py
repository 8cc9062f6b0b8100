"""Counts what the Docker engine does with the containers of runs, as the engine itself tells it."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from pathlib import Path
from types import TracebackType

from vantage6.common.wire.container import Label


class ContainerEvents:
    """Follows the engine's events about containers of algorithms for the time of a block.

    Parameters
    ----------
    file : Path
        Where the events are kept.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def __enter__(self) -> ContainerEvents:
        with self._file.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    *("docker", "events", "--filter", "type=container"),
                    *("--filter", f"label={Label.TYPE}={Label.ALGORITHM_TYPE}"),
                    *("--format", "{{json .}}"),
                ],
                stdout=output,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(10)

    def of(self, node_name: str, run_id: int, timeout: float = 30.0) -> Counter[str]:
        """Return how often each thing happened to containers of a run, once all are removed."""
        deadline = time.monotonic() + timeout
        while True:
            events = self._counted(node_name, run_id)
            if events["create"] and events["destroy"] == events["create"]:
                return events
            assert time.monotonic() < deadline, f"run {run_id} of {node_name}: {dict(events)}"
            time.sleep(0.2)

    def _counted(self, node_name: str, run_id: int) -> Counter[str]:
        counted: Counter[str] = Counter()
        for line in self._file.read_bytes().splitlines(keepends=True):
            if not line.endswith(b"\n"):
                continue  # the rest of it is still to come
            event = json.loads(line)
            labels = event["Actor"]["Attributes"]
            if labels[Label.NODE] == node_name and labels[Label.RUN_ID] == str(run_id):
                counted[event["Action"]] += 1
        return counted
