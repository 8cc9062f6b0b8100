"""One data source of the station: what it is, and how a run gets to see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vantage6.common.errors import ConfigurationError, V6Error
from vantage6.common.wire.container import DATA_FOLDER, SCRATCH_FOLDER, database_variable
from vantage6.node.datasources.kinds import Kind, kind_of
from vantage6.node.runner.base import Bind

__all__ = ["DataSource", "DataSourceError"]

_MOUNT_ROOT = "/mnt"
_MODES = ("copy", "ro", "rw")
_TAKEN_TARGETS = (DATA_FOLDER, SCRATCH_FOLDER)


class DataSourceError(V6Error):
    """A data source that a run needs cannot be used right now."""


@dataclass(frozen=True)
class DataSource:
    """One entry of the setting ``databases``.

    Attributes
    ----------
    label : str
        Name under which tasks ask for it.
    uri : str
        Path, address or connection string.
    type : str
        As configured; algorithms receive it as it is.
    mount_mode : str
        ``copy`` or ``ro``, both read-only here, or ``rw``: algorithms may write to the folder.
    parameters : Mapping[str, str]
        The entry's ``env``, for example credentials; given to runs that ask for this source.
    path : Path or None
        Where the source is on disk; None if it is not on disk.
    """

    label: str
    uri: str
    type: str
    mount_mode: str = "copy"
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    path: Path | None = None

    @classmethod
    def from_settings(cls, entry: Mapping[str, Any], path: Path | None = None) -> DataSource:
        """Read one entry of the settings.

        Parameters
        ----------
        entry : Mapping
            The entry.
        path : Path, optional
            Where the source is on disk, if that is not what ``uri`` says: in a container the
            files of the machine are elsewhere.

        Raises
        ------
        ConfigurationError
            If something in it is wrong; names the label and what to do.
        """
        label = str(entry.get("label") or "")
        _check_label(label)
        missing = [key for key in ("uri", "type") if not entry.get(key)]
        if missing:
            raise ConfigurationError(
                f"Database {label!r} has no {' and no '.join(missing)}; add it to the setting "
                "databases."
            )
        uri = str(entry["uri"])
        source = cls(
            label=label,
            uri=uri,
            type=str(entry["type"]),
            mount_mode=str(entry.get("mount_mode") or "copy"),
            parameters=_parameters(label, entry.get("env")),
            path=path or _existing_path(uri, kind_of(str(entry["type"]))),
        )
        source._check_mounting()
        source.check_present()
        return source

    @property
    def kind(self) -> Kind:
        """How sources of this type are treated."""
        return kind_of(self.type)

    def check_present(self) -> None:
        """Check that a source on disk is there and can be read.

        Raises
        ------
        ConfigurationError
            If it is not; names label and path.
        """
        if self.path is None:
            return
        what = "folder" if self.kind.is_folder else "file"
        is_there = self.path.is_dir() if self.kind.is_folder else self.path.exists()
        if not is_there:
            raise ConfigurationError(
                f"The {what} of database {self.label!r} does not exist: {self.path}; correct its "
                f"uri or put the {what} there."
            )
        if self.kind.is_path and not self.kind.is_folder and not self.path.is_file():
            raise ConfigurationError(
                f"Database {self.label!r} is of type {self.type}, but {self.path} is not a file; "
                "correct its uri, or set its type to folder."
            )

    def seen_by_run(self) -> Bind | str:
        """Return the mount that shows this source to a run, or its URI if it is not on disk.

        Raises
        ------
        DataSourceError
            If a file or folder has gone since the start of the node.
        """
        if self.path is None:
            return self.uri
        try:
            self.check_present()
        except ConfigurationError as error:
            raise DataSourceError(str(error)) from error
        return Bind(self.path, self._target(), read_only=self.mount_mode != "rw")

    def variables(self) -> dict[str, str]:
        """Return the environment variables made of this source's own parameters."""
        return {
            database_variable(self.label, f"DB_PARAM_{key.upper()}"): value
            for key, value in self.parameters.items()
        }

    def _target(self) -> str:
        """Return the path a run sees (contract, node-config section 4)."""
        path = self.path or Path(self.uri)
        if path.is_dir():
            return f"{_MOUNT_ROOT}/{self.label}"
        name = f"{self.label}{path.suffix}"
        return f"{_MOUNT_ROOT if self.mount_mode == 'ro' else DATA_FOLDER}/{name}"

    def _check_mounting(self) -> None:
        mode = self.mount_mode
        if mode not in _MODES:
            raise ConfigurationError(
                f"Database {self.label!r} has the mount_mode {mode!r}; set it to one of "
                f"{', '.join(_MODES)}."
            )
        if mode != "copy" and self.path is None:
            raise ConfigurationError(
                f"Database {self.label!r} has the mount_mode {mode!r}, but its uri is no path on "
                "this machine; remove mount_mode or correct the uri."
            )
        if mode == "rw" and self.path is not None and not self.path.is_dir():
            raise ConfigurationError(
                f"Database {self.label!r} has the mount_mode 'rw', which is for folders only; "
                "set it to 'ro'."
            )
        if self.path is not None and self._target() in _TAKEN_TARGETS:
            raise ConfigurationError(
                f"Database {self.label!r} would be mounted at {self._target()}, where each run "
                "has its own files; choose another label."
            )


def _check_label(label: str) -> None:
    if not (label.isidentifier() and label.isascii()):
        raise ConfigurationError(
            f"The database label {label!r} cannot be used; choose one of letters, digits and "
            "underscores that does not begin with a digit."
        )


def _parameters(label: str, given: Any) -> dict[str, str]:
    parameters = {} if given is None else given
    if not isinstance(parameters, Mapping):
        raise ConfigurationError(
            f"The env of database {label!r} is not a list of names with values; write it as "
            "NAME: value."
        )
    for key in parameters:
        if not str(key).isidentifier():
            raise ConfigurationError(
                f"The env of database {label!r} has the name {key!r}, which is no variable name; "
                "use letters, digits and underscores."
            )
    return {str(key): str(value) for key, value in parameters.items()}


def _existing_path(uri: str, kind: Kind) -> Path | None:
    """Return the path a URI means; sources of other kinds need not be on disk."""
    path = Path(uri).expanduser().absolute()
    if kind.is_path:
        return path
    try:
        return path if path.exists() else None
    except OSError:  # a connection string may be too long for a file name
        return None
