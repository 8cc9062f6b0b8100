"""The released packages, and networks of ours to meet them in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.networks import lung_network
from tests.support.peers import RELEASED_CLIENT, PeerUnavailableError, peer_python
from vantage6.common.cli.local_network import LocalNetwork

SCRIPTS = Path(__file__).parent / "scripts"

RunScript = Callable[..., Any]


@pytest.fixture(scope="session")
def released_client() -> Path:
    """Return the Python that has the released client."""
    try:
        return peer_python(RELEASED_CLIENT)
    except PeerUnavailableError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture
def run_script(released_client: Path, tmp_path: Path) -> RunScript:
    """Run one of the scripts with the released client and return what it wrote."""
    return lambda name, **given: _run(released_client, name, tmp_path, given)


@pytest.fixture
def run_our_script(tmp_path: Path) -> RunScript:
    """Run one of the scripts with our client and return what it wrote."""
    return lambda name, **given: _run(Path(sys.executable), name, tmp_path, given)


def _run(python: Path, name: str, folder: Path, given: dict[str, Any]) -> Any:
    answer = folder / f"{name}.json"
    done = subprocess.run(
        [str(python), str(SCRIPTS / f"{name}.py")],
        input=json.dumps({**given, "answer": str(answer)}),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        cwd=folder,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads(answer.read_text() if answer.exists() else done.stdout)


@pytest.fixture(scope="module")
def plain_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalNetwork]:
    """Give a server and three nodes of ours, without encryption."""
    folder = tmp_path_factory.mktemp("plain")
    with lung_network(folder, runner="process", encrypted=False) as network:
        yield network


@pytest.fixture(scope="module")
def encrypted_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalNetwork]:
    """Give a server and three nodes of ours, with encryption."""
    folder = tmp_path_factory.mktemp("encrypted")
    with lung_network(folder, runner="process", encrypted=True) as network:
        yield network
