"""All data sources of a node, and what one run gets of them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vantage6.common.errors import ConfigurationError
from vantage6.common.wire.container import Variable, database_variable
from vantage6.node.datasources.columns import header_columns
from vantage6.node.datasources.requests import RequestedDatabase
from vantage6.node.datasources.source import DataSource
from vantage6.node.runner.base import Bind

__all__ = ["DataSources", "ResolvedData"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ResolvedData:
    """What one run gets; the fields fit those of `RunSpec` with the same meaning.

    Attributes
    ----------
    databases : Mapping[str, Bind or str]
        Label to mount, or to URI text.
    types : Mapping[str, str]
        Label to type.
    environment : Mapping[str, str]
        Plain values of the variables that do not depend on the runner.
    arguments : Mapping[str, Mapping]
        Label to the free arguments of the task's database parameters.
    missing : tuple of str
        Labels the task asks for and this node does not have.
    """

    databases: Mapping[str, Bind | str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


class DataSources:
    """The data sources of a node, by label.

    Parameters
    ----------
    sources : Iterable of DataSource
        In the order of the configuration.

    Raises
    ------
    ConfigurationError
        If two labels differ in case only.
    """

    def __init__(self, sources: Iterable[DataSource] = ()) -> None:
        self._sources = {source.label: source for source in _distinct(tuple(sources))}

    @classmethod
    def from_settings(
        cls,
        databases: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None,
        *,
        mount_folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> DataSources:
        """Read the setting ``databases``.

        Parameters
        ----------
        databases : list, mapping or None
            The setting. A mapping gives label to URI of a csv file, or label to entry.
        mount_folder : Path, optional
            In a node container: the folder that has the files of the machine.
        environment : Mapping, optional
            In a node container: its environment, in which ``<LABEL>_DATABASE_URI`` names them.

        Raises
        ------
        ConfigurationError
            If something is wrong; its text has one sentence per mistake, each on its own line.
        """
        sources: list[DataSource] = []
        mistakes: list[str] = []
        for entry in _entries(databases):
            try:
                mounted = _mounted(entry, mount_folder, environment or {})
                sources.append(DataSource.from_settings(entry, mounted))
            except ConfigurationError as error:
                mistakes.append(str(error))
        try:
            registry = cls(sources)
        except ConfigurationError as error:
            mistakes.append(str(error))
        if mistakes:
            raise ConfigurationError("\n".join(mistakes))
        return registry

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels, in the order of the configuration."""
        return tuple(self._sources)

    @property
    def types(self) -> dict[str, str]:
        """Label to type, in the order of the configuration."""
        return {source.label: source.type for source in self._sources.values()}

    def resolve(self, requested: Sequence[RequestedDatabase]) -> ResolvedData:
        """Return what a run gets that asks for these sources: those, and no others.

        Raises
        ------
        DataSourceError
            If a file or folder has gone since the start of the node.
        """
        found = {
            wanted.label: self._sources[wanted.label]
            for wanted in requested
            if wanted.label in self._sources
        }
        return ResolvedData(
            databases={label: source.seen_by_run() for label, source in found.items()},
            types={label: source.type for label, source in found.items()},
            environment=self._environment(requested, found.values()),
            arguments={wanted.label: wanted.arguments for wanted in requested if wanted.arguments},
            missing=tuple(wanted.label for wanted in requested if wanted.label not in found),
        )

    def columns(self) -> dict[str, list[str]]:
        """Return the column names of the sources that have them in their first line."""
        columns: dict[str, list[str]] = {}
        for source in self._sources.values():
            if not source.kind.has_header or source.path is None:
                continue
            try:
                columns[source.label] = list(header_columns(source.path))
            except OSError as error:
                _log.warning("Columns of database %s are not known: %s", source.label, error)
        return columns

    def _environment(
        self, requested: Sequence[RequestedDatabase], found: Iterable[DataSource]
    ) -> dict[str, str]:
        environment = {
            Variable.REQUESTED_LABELS: ",".join(wanted.label for wanted in requested),
            Variable.ALL_LABELS: ",".join(self.labels),
        }
        for source in found:
            environment.update(source.variables())
        for wanted in requested:
            environment.update(wanted.variables())
        return environment


def _entries(databases: Any) -> list[Mapping[str, Any]]:
    if not databases:
        return []
    if isinstance(databases, Mapping):
        return [_entry(label, value) for label, value in databases.items()]
    entries = list(databases)
    for entry in entries:
        if not isinstance(entry, Mapping):
            raise ConfigurationError(
                f"The setting databases has the entry {entry!r}; give each entry a label, a uri "
                "and a type."
            )
    return entries


def _entry(label: Any, value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return {"label": label, **value}
    return {"label": label, "uri": value, "type": "csv"}


def _mounted(
    entry: Mapping[str, Any], mount_folder: Path | None, environment: Mapping[str, str]
) -> Path | None:
    """Return where a file or folder of the machine is inside the node's container, if it is."""
    if mount_folder is None:
        return None
    name = environment.get(database_variable(str(entry.get("label")), "DATABASE_URI"))
    if not name:
        return None
    path = mount_folder / name
    return path if path.exists() else None


def _distinct(sources: tuple[DataSource, ...]) -> tuple[DataSource, ...]:
    seen: dict[str, str] = {}
    for source in sources:
        capitals = source.label.upper()
        if capitals in seen:
            raise ConfigurationError(
                f"The database labels {seen[capitals]!r} and {source.label!r} are the same in "
                "capital letters; rename one of them."
            )
        seen[capitals] = source.label
    return sources
