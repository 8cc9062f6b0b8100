"""Small helpers under the names that code written for the contract imports (client-api 1).

Our own packages do not use this module.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from vantage6.common.cli import output
from vantage6.common.enums import InstanceType

__all__ = [
    "ClickLogger",
    "Singleton",
    "WhoAmI",
    "base64s_to_bytes",
    "bytes_to_base64s",
    "ensure_config_dir_writable",
    "generate_apikey",
    "get_config_path",
    "get_database_config",
    "is_ip_address",
    "logger_name",
    "split_rabbitmq_uri",
]

_NAME_WIDTH = 14


class WhoAmI(NamedTuple):
    """Who is logged in."""

    type_: str
    id_: int
    name: str
    organization_name: str
    organization_id: int

    def __repr__(self) -> str:
        return (
            f"<WhoAmI name={self.name}, type={self.type_}, "
            f"organization={self.organization_name}, (id={self.id_})>"
        )


class ClickLogger:
    """Prints lines for people where something expects a logger."""

    info = staticmethod(output.info)
    warn = staticmethod(output.warning)
    warning = staticmethod(output.warning)
    error = staticmethod(output.error)
    debug = staticmethod(output.debug)


class Singleton(type):
    """Metaclass of classes with one object; only for others, nothing here uses it."""

    _instances: dict[type, Any] = {}  # noqa: RUF012 - shared on purpose

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Return the one object, made at the first call."""
        if cls not in cls._instances:
            cls._instances[cls] = super().__call__(*args, **kwargs)
        return cls._instances[cls]


def bytes_to_base64s(data: bytes) -> str:
    """Return base64 text."""
    return base64.b64encode(data).decode("ascii")


def base64s_to_bytes(text: str) -> bytes:
    """Return the bytes of base64 text."""
    return base64.b64decode(text)


def logger_name(module_name: str) -> str:
    """Return the last part of a module's name, cut to the column of the standard log format."""
    return module_name.rpartition(".")[2][:_NAME_WIDTH]


def generate_apikey() -> str:
    """Return a new API key, a random uuid."""
    return str(uuid.uuid4())


def is_ip_address(text: str) -> bool:
    """Tell whether a text is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def get_database_config(
    databases: Iterable[Mapping[str, Any]], label: str
) -> Mapping[str, Any] | None:
    """Return the database with a label from the list in a node's configuration, if there."""
    return next((database for database in databases if database.get("label") == label), None)


def get_config_path(
    instance_type: InstanceType | str,
    system_folders: bool = False,  # noqa: FBT001, FBT002 - signature of the contract
) -> Path:
    """Return the folder with the configurations of a kind of instance."""
    from vantage6.common.config.context import root_folders

    root = root_folders("system" if system_folders else "user").config
    return root / str(instance_type)


def ensure_config_dir_writable(
    system_folders: bool = False,  # noqa: FBT001, FBT002 - signature of the contract
) -> bool:
    """Make the folder for configurations if need be, and tell whether it can be written."""
    from vantage6.common.config.context import root_folders

    folder = root_folders("system" if system_folders else "user").config
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def split_rabbitmq_uri(uri: str) -> dict[str, str]:
    """Split ``amqp://user:password@host:port/vhost`` into its five parts.

    Raises
    ------
    ValueError
        If a part is missing.
    """
    parts = urlsplit(uri)
    values = {
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "host": parts.hostname or "",
        "port": str(parts.port or ""),
        "vhost": parts.path.removeprefix("/"),
    }
    missing = [name for name, value in values.items() if not value]
    if missing:
        raise ValueError(
            f"The address of the message queue lacks {', '.join(missing)}; "
            "write it as amqp://user:password@host:port/vhost."
        )
    return values
