"""A whole network on this machine: one server, an organization and a node per data station.

For the demo, for tests and for measurements. Server and nodes run as child processes through
their own command line, everything else is made over REST, and at the end nothing is left.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from vantage6.common.cli.child import ChildProcess, kill_processes_using
from vantage6.common.crypto.keys import create_private_key, load_private_key, public_key_text
from vantage6.common.errors import TransportError, V6Error
from vantage6.common.http.auth import UserAuth
from vantage6.common.http.transport import Transport
from vantage6.common.wire.container import Label
from vantage6.common.wire.paths import Path as ApiPath

__all__ = ["LocalNetwork", "LocalNetworkError", "Member", "Station"]

_API_PATH = "/api"
_ADDRESS = "127.0.0.1"
_POLL = 0.1
_LOGGING = {
    "level": "INFO",
    "use_console": True,
    "backup_count": 5,
    "max_size": 1024,
    "format": "%(asctime)s - %(name)-14s - %(levelname)-8s - %(message)s",
    "datefmt": "%Y-%m-%d %H:%M:%S",
}


class LocalNetworkError(V6Error):
    """The network could not be brought up."""


@dataclass(frozen=True)
class Station:
    """One organization to be, and the data its node offers.

    Attributes
    ----------
    name : str
        Name of the organization.
    databases : sequence of mappings
        Entries for ``databases`` in the node's configuration (label, uri, type).
    settings : mapping
        Further keys for this node's configuration.
    """

    name: str
    databases: Sequence[Mapping[str, Any]] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def with_csv(cls, name: str, file: Path, label: str = "default") -> Station:
        """Return a station that offers one CSV file."""
        return cls(name, ({"label": label, "uri": str(file.resolve()), "type": "csv"},))


@dataclass(frozen=True)
class Member:
    """An organization that exists, its researcher and its node.

    Attributes
    ----------
    private_key : Path or None
        The organization's key file; None in an unencrypted collaboration.
    """

    name: str
    organization_id: int
    username: str
    password: str
    private_key: Path | None
    node_id: int
    node_name: str
    api_key: str


class LocalNetwork:
    """Bring up a server and nodes for the time of a ``with`` block.

    Parameters
    ----------
    stations : sequence of Station
        One organization, user and node each.
    runner : {"process", "docker"}
        How the nodes run algorithms.
    encrypted : bool
        Whether the collaboration is.
    allowed_algorithms : sequence of str
        Images (names or patterns) the nodes accept; without any they accept none.
    process_packages : mapping
        Image to installed Python package, for the runner ``process``.
    server_settings, node_settings : mapping
        Further keys for the configuration files.
    folder : Path, optional
        Where files go; by default a temporary folder, which is removed at the end.
    key_bits : int
        Size of the organizations' keys.
    timeout : float
        Seconds each start may take.

    Attributes
    ----------
    members : tuple of Member
    collaboration_id : int
    server : ChildProcess
    nodes : list of ChildProcess
        In the order of `stations`.
    root : Transport
        Logged in as the server's root user.
    """

    def __init__(
        self,
        stations: Sequence[Station],
        *,
        runner: str = "process",
        encrypted: bool = True,
        allowed_algorithms: Sequence[str] = (),
        process_packages: Mapping[str, str] | None = None,
        server_settings: Mapping[str, Any] | None = None,
        node_settings: Mapping[str, Any] | None = None,
        folder: Path | None = None,
        key_bits: int = 4096,
        timeout: float = 60.0,
    ) -> None:
        self.stations = tuple(stations)
        self.encrypted = encrypted
        self.name = f"local-{secrets.token_hex(4)}"
        self.root_password = _password()
        self.members: tuple[Member, ...] = ()
        self.collaboration_id = 0
        self.port = 0
        self.nodes: list[ChildProcess] = []
        self._runner = runner
        self._allowed = list(allowed_algorithms)
        self._packages = dict(process_packages or {})
        self._server_settings = dict(server_settings or {})
        self._node_settings = dict(node_settings or {})
        self._given_folder = folder
        self._key_bits = key_bits
        self._timeout = timeout
        self._cleanup = ExitStack()

    # -- life ---------------------------------------------------------------------------------

    def __enter__(self) -> LocalNetwork:
        """Bring everything up; what was started is removed again if that fails or is stopped."""
        with ExitStack() as cleanup:
            self._bring_up(cleanup)
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop and remove everything."""
        self.close()

    def close(self) -> None:
        """Stop nodes and server in that order, then remove what they made."""
        self._cleanup.close()

    def _bring_up(self, cleanup: ExitStack) -> None:
        self.folder = (self._given_folder or Path(tempfile.mkdtemp(prefix="v6-"))).resolve()
        if self._given_folder is None:
            cleanup.callback(shutil.rmtree, self.folder, ignore_errors=True)
        if self._runner == "docker":
            cleanup.callback(_remove_docker_objects, self._node_names())
        cleanup.callback(kill_processes_using, self.folder)
        self.port = _free_port()
        with ThreadPoolExecutor(max_workers=2) as pool:
            keys = pool.map(self._make_key, self._node_names())
            self._start_server(cleanup)
        self._populate(list(keys))
        self.nodes = [self._prepare_node(i) for i in range(len(self.members))]
        cleanup.callback(_stop_together, self.nodes)
        for node in self.nodes:
            node.spawn()
        for node in self.nodes:
            node.wait_ready(self._timeout)
        self.wait_until_online()

    # -- addresses ----------------------------------------------------------------------------

    @property
    def host(self) -> str:
        """Scheme and host of the server, as nodes and clients ask for it."""
        return f"http://{_ADDRESS}"

    @property
    def api_path(self) -> str:
        """Path of the REST interface."""
        return _API_PATH

    @property
    def url(self) -> str:
        """Address of the REST interface."""
        return f"{self.host}:{self.port}{_API_PATH}"

    # -- disturbing it ------------------------------------------------------------------------

    def kill_server(self) -> None:
        """End the server as a power cut would."""
        self.server.kill()

    def start_server(self) -> None:
        """Start the server again, at the same address and with the same data."""
        self.server.start(self._timeout)

    def kill_node(self, index: int) -> None:
        """End a node as a power cut would; its runs go on."""
        self.nodes[index].kill()

    def stop_node(self, index: int) -> None:
        """Stop a node in an orderly way."""
        self.nodes[index].stop()

    def start_node(self, index: int, *, wait: bool = True) -> None:
        """Start a node again; by default wait until the server sees it."""
        self.nodes[index].start(self._timeout)
        if wait:
            self.wait_until_online([index])

    def wait_until_online(self, indexes: Iterable[int] | None = None) -> None:
        """Return once the server sees the nodes as online.

        Raises
        ------
        LocalNetworkError
            If that takes too long.
        """
        chosen = range(len(self.members)) if indexes is None else indexes
        waiting = {self.members[i].node_id for i in chosen}
        deadline = time.monotonic() + self._timeout
        while True:
            waiting = {node_id for node_id in waiting if not self._is_online(node_id)}
            if not waiting:
                return
            if time.monotonic() > deadline:
                raise LocalNetworkError(
                    f"The nodes {sorted(waiting)} did not come online within "
                    f"{self._timeout:.0f} s; see their output in {self.folder}."
                )
            time.sleep(_POLL)

    def _is_online(self, node_id: int) -> bool:
        return bool(self.root.get(ApiPath.NODE.format(id=node_id))["status"] == "online")

    # -- making it ----------------------------------------------------------------------------

    def _node_names(self) -> list[str]:
        return [f"{self.name}-{number}" for number in range(1, len(self.stations) + 1)]

    def _make_key(self, node_name: str) -> Path | None:
        if not self.encrypted:
            return None
        path = self.folder / "keys" / f"{node_name}.pem"
        path.parent.mkdir(parents=True, exist_ok=True)
        create_private_key(path, bits=self._key_bits)
        return path

    def _start_server(self, cleanup: ExitStack) -> None:
        folder = self.folder / "server"
        config = self._write(
            folder / f"{self.name}.yaml",
            {
                "description": "A server on this machine only",
                "ip": _ADDRESS,
                "port": self.port,
                "api_path": _API_PATH,
                "server_url": self.url,
                "uri": f"sqlite:///{folder / 'server.sqlite'}",
                "allow_drop_all": False,
                "jwt_secret_key": secrets.token_hex(32),
                "directories": {"data": str(folder), "log": str(folder / "log")},
                "logging": {**_LOGGING, "file": "server.log"},
                **self._server_settings,
            },
        )
        self.server = ChildProcess(
            "the server",
            _v6("server", "start", "--user", "--config", str(config), "--attach"),
            folder / "output.log",
            ready=" ready at http",
            environment={"V6_INIT_SUPER_PASS": self.root_password},
        )
        auth = UserAuth()
        self.root = Transport(self.url, auth=auth)
        cleanup.callback(self.server.stop)
        cleanup.callback(self.root.close)
        self.server.start(self._timeout)
        auth.login(self.root, "root", self.root_password)

    def _populate(self, keys: Sequence[Path | None]) -> None:
        try:
            organization_ids = [
                self._make_organization(station, key)
                for station, key in zip(self.stations, keys, strict=True)
            ]
            collaboration = self.root.post(
                ApiPath.COLLABORATIONS,
                json={
                    "name": self.name,
                    "encrypted": self.encrypted,
                    "organization_ids": organization_ids,
                },
            )
            self.collaboration_id = collaboration["id"]
            role = self._role("Researcher")
            self.members = tuple(
                self._make_member(index, organization_ids[index], keys[index], role)
                for index in range(len(self.stations))
            )
        except TransportError as error:
            raise LocalNetworkError(f"The server could not be filled: {error}") from error

    def _make_organization(self, station: Station, key: Path | None) -> int:
        answer = self.root.post(
            ApiPath.ORGANIZATIONS,
            json={
                "name": station.name,
                "domain": "example.org",
                "address1": "",
                "address2": "",
                "zipcode": "",
                "country": "",
                "public_key": public_key_text(load_private_key(key)) if key else "",
            },
        )
        return int(answer["id"])

    def _role(self, name: str) -> int:
        roles = self.root.get(ApiPath.ROLES, params={"name": name, "per_page": 100})["data"]
        return int(next(role["id"] for role in roles if role["name"] == name))

    def _make_member(self, index: int, organization_id: int, key: Path | None, role: int) -> Member:
        node_name = self._node_names()[index]
        node = self.root.post(
            ApiPath.NODES,
            json={
                "name": node_name,
                "collaboration_id": self.collaboration_id,
                "organization_id": organization_id,
            },
        )
        username, password = f"researcher-{index + 1}", _password()
        self.root.post(
            ApiPath.USERS,
            json={
                "username": username,
                "password": password,
                "firstname": "",
                "lastname": "",
                "email": f"{username}@example.org",
                "organization_id": organization_id,
                "roles": [role],
            },
        )
        return Member(
            name=self.stations[index].name,
            organization_id=organization_id,
            username=username,
            password=password,
            private_key=key,
            node_id=node["id"],
            node_name=node_name,
            api_key=node["api_key"],
        )

    def _prepare_node(self, index: int) -> ChildProcess:
        member, station = self.members[index], self.stations[index]
        folder = self.folder / f"node-{index + 1}"
        settings = {
            "api_key": member.api_key,
            "server_url": self.host,
            "port": self.port,
            "api_path": _API_PATH,
            "task_dir": str(folder / "tasks"),
            "databases": [dict(database) for database in station.databases],
            "encryption": {
                "enabled": self.encrypted,
                "private_key": str(member.private_key or ""),
            },
            "policies": {"allowed_algorithms": self._allowed},
            "runner": self._runner,
            "directories": {"data": str(folder), "log": str(folder / "log")},
            "logging": dict(_LOGGING),
            **self._node_settings,
            **station.settings,
        }
        if self._runner == "process":
            settings["process_packages"] = self._packages
        config = self._write(folder / f"{member.node_name}.yaml", settings)
        return ChildProcess(
            f"node {index + 1}",
            _v6("node", "start", "--user", "--config", str(config), "--attach"),
            folder / "output.log",
            ready=f"Node {member.node_name} ready",
        )

    @staticmethod
    def _write(path: Path, settings: Mapping[str, Any]) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(dict(settings), sort_keys=False))
        path.chmod(0o600)
        return path


def _stop_together(processes: Sequence[ChildProcess]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.stop()


def _v6(*arguments: str) -> list[str]:
    """Return the command for `v6` with the interpreter that runs this."""
    return [sys.executable, "-m", "vantage6.common.cli.root", *arguments]


def _password() -> str:
    """Return a password that satisfies the server's rules."""
    return f"{secrets.token_urlsafe(16)}aA1!"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_ADDRESS, 0))
        return int(probe.getsockname()[1])


def _remove_docker_objects(node_names: Iterable[str]) -> None:
    """Remove containers, networks and volumes that carry one of the nodes' labels."""
    for name in node_names:
        for kind, listing, removal in (
            ("container", ("ps", "--all"), ("rm", "--force", "--volumes")),
            ("network", ("network", "ls"), ("network", "rm")),
            ("volume", ("volume", "ls"), ("volume", "rm", "--force")),
        ):
            found = _docker(*listing, "--quiet", "--filter", f"label={Label.NODE}={name}").split()
            if found:
                _docker(*removal, *found, what=f"{kind}s of {name}")


def _docker(*arguments: str, what: str = "") -> str:
    answer = subprocess.run(  # noqa: S603 - fixed arguments and ids the engine gave
        ["docker", *arguments],  # noqa: S607 - where it lies differs from system to system
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise LocalNetworkError(f"Docker could not handle {what or arguments[0]}: {answer.stderr}")
    return answer.stdout
