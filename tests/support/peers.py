"""Environments that hold released packages, so that tests can run them as peers of ours.

An environment is made once, in ``.cache/peers`` under the repository root, and reused when its
requirements have not changed. Nothing of it is ever imported: peers run as processes of their own.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vantage6.common.cli.child import ChildProcess
from vantage6.common.http.transport import Transport
from vantage6.common.wire.paths import Path as ApiPath

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".cache" / "peers"

_SERVER_CONFIG = """\
description: for tests
ip: 127.0.0.1
port: {port}
api_path: /api
uri: sqlite:///{folder}/server.sqlite
allow_drop_all: true
jwt_secret_key: a-secret-for-tests-that-is-long-enough
logging:
  level: INFO
  file: server.log
  use_console: true
  backup_count: 5
  max_size: 1024
  format: "%(asctime)s - %(name)-14s - %(levelname)-8s - %(message)s"
  datefmt: "%Y-%m-%d %H:%M:%S"
  loggers: [{{name: urllib3, level: warning}}]
"""


class PeerUnavailableError(Exception):
    """The environment of a peer cannot be made here."""


@dataclass(frozen=True)
class Peer:
    """A set of released packages and the Python versions they run on, best first."""

    name: str
    requirements: tuple[str, ...]
    pythons: tuple[str, ...]


RELEASED_CLIENT = Peer("client-4.15.2", ("vantage6-client==4.15.2",), ("3.11", "3.10"))
# The server's wheel forgets to require the second one, and needs Python 3.10 (contract, peers).
RELEASED_SERVER = Peer(
    "server-4.15.2",
    ("vantage6-server==4.15.2", "vantage6-backend-common==4.15.2", "uwsgi"),
    ("3.10",),
)


def peer_python(peer: Peer) -> Path:
    """Return the Python of the peer's environment, which is made when it is not there yet.

    Raises
    ------
    PeerUnavailableError
        If no fitting Python is installed or the package index does not answer.
    """
    home = CACHE / peer.name
    python = home / "bin" / "python"
    ready = home / "requirements.txt"
    wanted = "\n".join(peer.requirements)
    CACHE.mkdir(parents=True, exist_ok=True)
    with _locked(CACHE / f"{peer.name}.lock"):
        if not (python.exists() and ready.exists() and ready.read_text() == wanted):
            shutil.rmtree(home, ignore_errors=True)
            _run([str(find_python(peer.pythons)), "-m", "venv", str(home)])
            _run([str(python), "-m", "pip", "install", "--quiet", *peer.requirements])
            ready.write_text(wanted)
    return python


@contextmanager
def released_server(folder: Path) -> Iterator[str]:
    """Run the released server with a new database; gives the address of its interface.

    Its root user is ``root`` with password ``root``.

    Raises
    ------
    PeerUnavailableError
        If it cannot be installed here.
    ChildError
        If it does not start.
    """
    python = peer_python(RELEASED_SERVER)
    (entrance,) = python.parents[1].glob("lib/python3.*/site-packages/vantage6/server/wsgi.py")
    address = f"127.0.0.1:{_free_port()}"
    config = folder / "server.yaml"
    config.write_text(_SERVER_CONFIG.format(folder=folder, port=address.rpartition(":")[2]))
    server = ChildProcess(
        "the released server",
        [
            str(python.with_name("uwsgi")),
            *("--http", address, "--gevent", "100", "--http-websockets", "--http-chunked-input"),
            *("--http-keepalive", "--post-buffering", "0", "--master", "--die-on-term"),
            *("--callable", "app", "--disable-logging", "--wsgi-file", str(entrance)),
            *("-H", str(python.parents[1]), "--pyargv", str(config)),
        ],
        folder / "output.log",
        ready="spawned uWSGI http 1",
        environment={"HOME": str(folder)},
    )
    try:
        server.start(60)
        with Transport(f"http://{address}/api") as transport:
            transport.get(ApiPath.VERSION)
        yield f"http://{address}/api"
    finally:
        server.stop()


def find_python(versions: tuple[str, ...]) -> Path:
    """Return an interpreter of one of the versions, looked for in their order."""
    for version in versions:
        for candidate in _candidates(version):
            if _version_of(candidate) == version:
                return candidate
    wanted = " or ".join(versions)
    raise PeerUnavailableError(f"No Python {wanted} is installed; install one to run this peer.")


def _candidates(version: str) -> Iterator[Path]:
    yield Path(sys.executable)
    if found := shutil.which(f"python{version}"):
        yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv")))
    yield from sorted((pyenv / "versions").glob(f"{version}.*/bin/python"))


def _version_of(python: Path) -> str | None:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run(
            [str(python), "-c", code], capture_output=True, text=True, timeout=30, check=False
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise PeerUnavailableError(f"{' '.join(command[1:4])} … failed: {last}")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
