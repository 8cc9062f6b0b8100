"""Makes everything ready that a run needs before it can start."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vantage6.common.crypto.base import Cryptor
from vantage6.common.errors import CryptoError, ResponseError, V6Error
from vantage6.common.status import RunStatus
from vantage6.node.datasources import DataSourceError, DataSources, ResolvedData
from vantage6.node.identity import NodeFolders
from vantage6.node.link.failures import may_pass
from vantage6.node.link.keyring import KeyRing
from vantage6.node.link.rest import ServerApi
from vantage6.node.runner.base import RunContext, RunSpec
from vantage6.node.runs.model import RunFacts
from vantage6.node.runs.tokens import ActiveRun, TokenRegistry
from vantage6.node.runs.unpacking import write_blob_input, write_inline_input

__all__ = ["AlgorithmSettings", "CannotPrepareError", "Preparer"]

_OWNER_ONLY = 0o600


class CannotPrepareError(V6Error):
    """A run cannot be made ready, and trying again will not help.

    Parameters
    ----------
    message : str
        One sentence: what, why, and what to do.
    status : RunStatus
        The final status this gives the run.
    """

    def __init__(self, message: str, status: RunStatus = RunStatus.FAILED) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class AlgorithmSettings:
    """What the configuration gives to every algorithm.

    Attributes
    ----------
    environment : Mapping[str, str]
        Additional variables; they go over those of the databases.
    writes_context : bool
        Whether runs get a ``run_context.json``.
    node_id, collaboration_id : int
        Identities for that file.
    """

    environment: Mapping[str, str]
    writes_context: bool
    node_id: int
    collaboration_id: int


class Preparer:
    """Gets a run's token, input and databases, and lays out its folder.

    Parameters
    ----------
    api : ServerApi
        Connection to the server.
    cryptor : Cryptor
        Scheme of the collaboration, with the organization's key.
    sources : DataSources
        Databases of the node.
    folders : NodeFolders
        Where runs have their folders.
    keys : KeyRing
        Notes the key of the organization that gets the result.
    tokens : TokenRegistry
        Learns which token belongs to the run.
    settings : AlgorithmSettings
        What every algorithm gets.
    """

    def __init__(
        self,
        api: ServerApi,
        cryptor: Cryptor,
        sources: DataSources,
        folders: NodeFolders,
        keys: KeyRing,
        tokens: TokenRegistry,
        settings: AlgorithmSettings,
    ) -> None:
        self._api = api
        self._cryptor = cryptor
        self._sources = sources
        self._folders = folders
        self._keys = keys
        self._tokens = tokens
        self._settings = settings

    def prepare(self, facts: RunFacts, take_input: Callable[[], str | None]) -> RunSpec:
        """Return all the runner needs; may be repeated.

        Parameters
        ----------
        facts : RunFacts
            The run.
        take_input : callable
            Returns the run's input as it travels.

        Raises
        ------
        CannotPrepareError
            If trying again will not help.
        TransportError
            If it may.
        """
        data = self._resolve(facts)
        token = self._token(facts)
        if self._cryptor.encrypts:
            self._keys.note(facts.init_org_id)
        folder = self._folders.run(facts.run_id)
        # An earlier attempt may have got as far as the algorithm, which left anything here.
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        self._write_input(facts, folder / "input", take_input)
        _write(folder / "token", token.encode())
        _write(folder / "output", b"")
        self._tokens.register(token, active_run(facts))
        return RunSpec(
            run_id=facts.run_id,
            task_id=facts.task_id,
            job_id=facts.job_id,
            image=facts.image,
            folder=folder,
            environment={**data.environment, **self._settings.environment},
            databases=data.databases,
            database_types=data.types,
            context=self._context(folder / "input", data),
        )

    def readmit(self, facts: RunFacts) -> None:
        """Let a run that was started earlier go on speaking through the proxy."""
        with suppress(OSError, UnicodeDecodeError):
            token = (self._folders.run(facts.run_id) / "token").read_text(encoding="ascii")
            self._tokens.register(token, active_run(facts))

    def _resolve(self, facts: RunFacts) -> ResolvedData:
        try:
            data = self._sources.resolve(facts.databases)
        except DataSourceError as error:
            raise CannotPrepareError(str(error)) from error
        if data.missing:
            raise CannotPrepareError(
                f"The task asks for the database {', '.join(map(repr, data.missing))}, which this "
                f"node does not have; it offers: {', '.join(self._sources.labels) or 'none'}."
            )
        return data

    def _token(self, facts: RunFacts) -> str:
        try:
            return self._api.container_token(facts.task_id, facts.image)
        except ResponseError as error:
            if may_pass(error):
                raise
            raise CannotPrepareError(
                f"The server gave no token for the algorithm: {error}"
            ) from error

    def _write_input(
        self, facts: RunFacts, path: Path, take_input: Callable[[], str | None]
    ) -> None:
        try:
            if facts.has_blob:
                self._download_input(path, take_input() or "")
            else:
                write_inline_input(self._cryptor, take_input() or "", path)
        except (CryptoError, ValueError) as error:
            raise CannotPrepareError(f"The input of the task is unusable: {error}") from error

    def _download_input(self, path: Path, uuid: str) -> None:
        try:
            with self._api.open_blob(uuid) as chunks:
                write_blob_input(self._cryptor, chunks, path)
        except ResponseError as error:
            if may_pass(error):
                raise
            raise CannotPrepareError(
                f"The input could not be fetched from the server's blob store: {error}"
            ) from error

    def _context(self, input_file: Path, data: ResolvedData) -> RunContext | None:
        if not self._settings.writes_context:
            return None
        call = _call_in(input_file)
        args, kwargs = call.get("args"), call.get("kwargs")
        return RunContext(
            method=str(call.get("method") or ""),
            args=args if isinstance(args, list) else [],
            kwargs=kwargs if isinstance(kwargs, dict) else {},
            node_id=self._settings.node_id,
            collaboration_id=self._settings.collaboration_id,
            database_arguments=data.arguments,
        )


def active_run(facts: RunFacts) -> ActiveRun:
    """Return what the proxy may know of a run."""
    return ActiveRun(facts.run_id, facts.task_id, facts.job_id, facts.image)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        path.chmod(_OWNER_ONLY)
        file.write(data)


def _call_in(input_file: Path) -> dict[str, Any]:
    """Return the input as a mapping; inputs of other kinds give an empty one."""
    try:
        call = json.loads(input_file.read_bytes())
    except ValueError:
        return {}
    return call if isinstance(call, dict) else {}
