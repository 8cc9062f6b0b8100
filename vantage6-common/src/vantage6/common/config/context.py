"""Where the files of an instance lie, and how its configuration is found (configuration 1, 2)."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import platformdirs

from vantage6.common.config.load import read_yaml
from vantage6.common.enums import InstanceType
from vantage6.common.errors import ConfigurationError

__all__ = ["InstanceContext", "Scope", "check_name", "inside_container", "root_folders"]

Scope = Literal["user", "system"]

_NAME = re.compile(r"[a-zA-Z0-9_.-]+")
_APPLICATION = "vantage6"
_CONTAINER_MARK = Path("/.dockerenv")
_CONTAINER_CONFIG = (Path("/mnt/config.yaml"), Path("/mnt/config"))


@dataclass(frozen=True)
class RootFolders:
    """Folders of one scope, above those of the kinds of instances."""

    config: Path
    data: Path
    log: Path


@dataclass(frozen=True)
class InstanceContext:
    """One instance: its name and where its files lie.

    Parameters
    ----------
    kind : InstanceType
        Server or node.
    name : str
        Stem of the configuration file.
    scope : {"user", "system"}
        Whose folders are used.
    config_file, data_dir, log_dir : Path
        The configuration, and the folders for data and logs; they need not exist yet.
    """

    kind: InstanceType
    name: str
    scope: Scope
    config_file: Path
    data_dir: Path
    log_dir: Path

    @classmethod
    def at_default(cls, kind: InstanceType, name: str, *, system: bool = False) -> InstanceContext:
        """Return where an instance of this name belongs, whether or not it exists.

        Raises
        ------
        ConfigurationError
            If the name has characters that are not allowed.
        """
        check_name(name)
        scope: Scope = "system" if system else "user"
        roots = root_folders(scope)
        if inside_container():
            return cls(kind, name, scope, roots.config / f"{name}.yaml", roots.data, roots.log)
        data_dir = roots.data / kind.value / name
        return cls(
            kind=kind,
            name=name,
            scope=scope,
            config_file=roots.config / kind.value / f"{name}.yaml",
            data_dir=data_dir,
            # The system has one folder for both (contract, configuration section 2).
            log_dir=data_dir if system else roots.log / kind.value / name,
        )

    @classmethod
    def find(
        cls,
        kind: InstanceType,
        name: str | None = None,
        config: str | Path | None = None,
        system: bool = False,  # noqa: FBT001, FBT002 - mirrors the command line's flag
    ) -> InstanceContext:
        """Return an instance whose configuration file exists.

        Parameters
        ----------
        kind : InstanceType
            Server or node.
        name : str, optional
            Its name; without name and file, the only instance of the scope is taken.
        config : str or Path, optional
            Its configuration file, wherever it lies; wins over the name.
        system : bool
            Whether to use the folders of the system instead of the user's.

        Raises
        ------
        ConfigurationError
            If there is no such file, or if there are several and no name was given.
        """
        if config is not None:
            path = Path(config).expanduser().resolve()
            if not path.is_file():
                raise ConfigurationError(
                    f"There is no configuration file {path}; check the path given with --config."
                )
            found = replace(cls.at_default(kind, path.stem, system=system), config_file=path)
        elif name is not None:
            found = cls._named(kind, name, system=system)
        else:
            found = cls._only(kind, system=system)
        return found._with_own_folders()

    @classmethod
    def available(cls, kind: InstanceType, *, system: bool = False) -> list[InstanceContext]:
        """Return the instances of a scope by name, without reading their configurations."""
        folder = cls.at_default(kind, "any", system=system).config_file.parent
        return [cls.at_default(kind, name, system=system) for name in sorted(_names(folder))]

    @property
    def log_file(self) -> Path:
        """The log file, ``<type>_<scope>.log``."""
        return self.log_dir / f"{self.kind.value}_{self.scope}.log"

    @property
    def exists(self) -> bool:
        """Whether there is a configuration file."""
        return self.config_file.is_file()

    def read(self) -> dict[str, Any]:
        """Return what stands in the configuration file, unchecked.

        Raises
        ------
        ConfigurationError
            If it cannot be read.
        """
        return read_yaml(self.config_file)

    def make_folders(self) -> None:
        """Make the folders for data and logs; the data are for the owner only.

        Raises
        ------
        ConfigurationError
            If that is not permitted.
        """
        for folder, mode in ((self.data_dir, 0o700), (self.log_dir, 0o755)):
            try:
                folder.mkdir(mode=mode, parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigurationError(
                    f"The folder {folder} cannot be made ({error.strerror}); choose another one "
                    "with the setting directories, or use --user."
                ) from error

    def with_folders_of(self, settings: dict[str, Any]) -> InstanceContext:
        """Return the same instance with the folders that its settings name, if any.

        Inside a container the folders are fixed: what the settings name lies outside.
        """
        directories = settings.get("directories")
        if not isinstance(directories, dict) or inside_container():
            return self
        data, log = directories.get("data"), directories.get("log")
        return replace(
            self,
            data_dir=_absolute(data) if data else self.data_dir,
            log_dir=_absolute(log) if log else self.log_dir,
        )

    def _with_own_folders(self) -> InstanceContext:
        return self.with_folders_of(self.read())

    @classmethod
    def _named(cls, kind: InstanceType, name: str, *, system: bool) -> InstanceContext:
        context = cls.at_default(kind, name, system=system)
        if context.exists:
            return context
        here = Path.cwd() / f"{name}.yaml"
        if here.is_file():
            return replace(context, config_file=here)
        known = _listed(_names(context.config_file.parent))
        other = "--user" if system else "--system"
        raise ConfigurationError(
            f"There is no {kind.value} configuration {name!r} in {context.config_file.parent} "
            f"({known}); check the name, or look in the other place with {other}."
        )

    @classmethod
    def _only(cls, kind: InstanceType, *, system: bool) -> InstanceContext:
        available = cls.available(kind, system=system)
        if len(available) == 1:
            return available[0]
        folder = cls.at_default(kind, "any", system=system).config_file.parent
        if not available:
            raise ConfigurationError(
                f"There are no {kind.value} configurations in {folder}; "
                f"make one with: v6 {kind.value} new."
            )
        raise ConfigurationError(
            f"There are several {kind.value} configurations in {folder} "
            f"({_listed([context.name for context in available])}); choose one with --name."
        )


def check_name(name: str) -> None:
    """Check the name of an instance.

    Raises
    ------
    ConfigurationError
        If it has characters that are not allowed in one.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"The name {name!r} cannot be used; "
            "a name has only letters, digits, underscores, dots and hyphens."
        )


def inside_container() -> bool:
    """Tell whether this is one of our containers, with its fixed folders.

    A configuration has to be mounted as well: somebody may be using the command line in a
    container that is not ours.
    """
    return _CONTAINER_MARK.exists() and any(path.exists() for path in _CONTAINER_CONFIG)


def root_folders(scope: Scope) -> RootFolders:
    """Return the folders of a scope on this platform."""
    if inside_container():
        return RootFolders(Path("/mnt/config"), Path("/mnt/data"), Path("/mnt/log"))
    return _user_folders() if scope == "user" else _system_folders()


def _user_folders() -> RootFolders:
    config = platformdirs.user_config_path(_APPLICATION, appauthor=False)
    data = platformdirs.user_data_path(_APPLICATION, appauthor=False)
    if sys.platform == "win32":
        return RootFolders(config, data, data / "Logs")
    if sys.platform == "darwin":
        return RootFolders(config, data, platformdirs.user_log_path(_APPLICATION))
    cache = platformdirs.user_cache_path(_APPLICATION, appauthor=False)
    return RootFolders(config, data, cache / "log")


def _system_folders() -> RootFolders:
    if sys.platform == "win32":
        root = Path(os.environ.get("PROGRAMDATA", r"C:\ProgramData")) / _APPLICATION
        return RootFolders(root, root, root)
    if sys.platform == "darwin":
        root = Path("/Library/Application Support") / _APPLICATION
        return RootFolders(root, root, root)
    first = os.environ.get("XDG_DATA_DIRS", "").split(os.pathsep)[0] or "/usr/local/share"
    data = Path(first) / _APPLICATION
    return RootFolders(Path("/etc") / _APPLICATION, data, data)


def _names(folder: Path) -> Iterator[str]:
    return (path.stem for path in folder.glob("*.yaml") if _NAME.fullmatch(path.stem))


def _listed(names: Iterator[str] | list[str]) -> str:
    ordered = sorted(names)
    return ", ".join(ordered) if ordered else "there are none"


def _absolute(path: Any) -> Path:
    return Path(str(path)).expanduser().resolve()
