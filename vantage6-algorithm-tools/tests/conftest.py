"""Algorithm packages made up by a test, and runs of them as a node starts them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from vantage6.common.testing import tokens as common_tokens
from vantage6.common.wire.container import encode_value

_ENTRY = "from vantage6.algorithm.tools.wrap import wrap_algorithm; wrap_algorithm({})"


@dataclass(frozen=True)
class Outcome:
    """What a run left behind."""

    code: int
    stdout: str
    stderr: str
    output: bytes

    @property
    def result(self) -> Any:
        return json.loads(self.output)

    @property
    def errors(self) -> list[str]:
        return [line for line in self.stdout.splitlines() if line.startswith("error > ")]


class Station:
    """A data station: a folder with the run's files, and processes in place of containers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.packages = folder / "packages"
        self.packages.mkdir()
        self.output = folder / "output"

    def package(self, source: str, name: str = "algo") -> str:
        """Write an algorithm's package and return its name."""
        home = self.packages / name
        home.mkdir(parents=True, exist_ok=True)
        (home / "__init__.py").write_text(source)
        return name

    def database(self, text: str, name: str = "default.csv") -> str:
        """Write a database's file and return its name."""
        file = self.folder / name
        file.write_text(text)
        return str(file)

    def environment(self, package: str | None, variables: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a run, encoded as nodes do."""
        encoded = {
            "INPUT_FILE": str(self.folder / "input"),
            "OUTPUT_FILE": str(self.output),
            "TOKEN_FILE": str(self.folder / "token"),
            "TEMPORARY_FOLDER": str(self.folder),
            "HOST": "http://127.0.0.1",
            "PORT": "1",
            "API_PATH": "",
            "USER_REQUESTED_DATABASE_LABELS": "",
            "DB_LABELS": "",
            **variables,
        }
        plain = {"PATH": os.environ["PATH"], "PYTHONPATH": str(self.packages)}
        if package is not None:
            plain["PKG_NAME"] = package
        return {**plain, **{name: encode_value(text) for name, text in encoded.items()}}

    def run(
        self,
        document: Any,
        package: str | None = "algo",
        *,
        variables: Mapping[str, str] | None = None,
        plain: Mapping[str, str] | None = None,
        argument: str = "",
    ) -> Outcome:
        """Carry out a run and return what it left."""
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        (self.folder / "input").write_bytes(data)
        self.output.write_bytes(b"")
        process = subprocess.run(
            [sys.executable, "-c", _ENTRY.format(argument)],
            env={**self.environment(package, variables or {}), **(plain or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Outcome(process.returncode, process.stdout, process.stderr, self.output.read_bytes())


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(tmp_path)


@pytest.fixture
def set_encoded(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[str, str]], None]:
    """Set variables of this process as a node would."""

    def set_all(variables: Mapping[str, str]) -> None:
        for name, text in variables.items():
            monkeypatch.setenv(name, encode_value(text))

    return set_all


@pytest.fixture
def make_token() -> Callable[..., str]:
    """Return an unsigned token of a run; arguments change what it says."""

    def make(**changes: Any) -> str:
        identity = {
            "client_type": "container",
            "node_id": 7,
            "organization_id": 2,
            "collaboration_id": 1,
            "study_id": None,
            "store_id": None,
            "task_id": 5,
            "image": "registry/image:1",
            "databases": [{"label": "default"}],
            **changes,
        }
        token = common_tokens.make_token(lifetime=None, sub=identity)
        # The released tools want a signature that could be one.
        return f"{token.rpartition('.')[0]}.c2lnbmF0dXJl"

    return make
