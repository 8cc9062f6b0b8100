"""An algorithm that notes each of its starts in a ledger; for the process runner."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

COUNTING = "registry.example/counting:1"
_PACKAGE = "counting"
# Each run has an input file of its own, so its name tells runs apart.
_ALGORITHM = """
import os, time
from pathlib import Path

def count(seconds, tag):
    with Path({ledger!r}).open("a") as ledger:
        ledger.write(os.environ["INPUT_FILE"] + chr(10))
    time.sleep(seconds)
    return {{"tag": tag}}
"""
COUNTING_SETTINGS = {"allowed_algorithms": [COUNTING], "process_packages": {COUNTING: _PACKAGE}}


class Ledger:
    """The file in which the algorithm writes a line whenever it starts.

    Parameters
    ----------
    folder : Path
        Gets the file and the algorithm's package.
    monkeypatch : pytest.MonkeyPatch
        Lets nodes that are started from now on find the package.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._file = folder / "ledger"
        package = folder / "package"
        package.mkdir()
        (package / f"{_PACKAGE}.py").write_text(_ALGORITHM.format(ledger=str(self._file)))
        monkeypatch.setenv("PYTHONPATH", str(package))

    def starts(self) -> Counter[str]:
        """Return how often each run was started, by the name of its input file."""
        return Counter(self._file.read_text().splitlines())
