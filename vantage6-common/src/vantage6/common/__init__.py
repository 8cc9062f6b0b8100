"""What the parts of vantage6 share.

The names below are those that notebooks and algorithms of the contract import from here; each is
loaded when it is used, so that importing this package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vantage6.common._version import __version__

if TYPE_CHECKING:
    from vantage6.common.cli.output import debug, echo, error, info, warning
    from vantage6.common.globals import APPNAME, STRING_ENCODING
    from vantage6.common.legacy import (
        ClickLogger,
        Singleton,
        WhoAmI,
        base64s_to_bytes,
        bytes_to_base64s,
        ensure_config_dir_writable,
        generate_apikey,
        get_config_path,
        get_database_config,
        is_ip_address,
        logger_name,
        split_rabbitmq_uri,
    )

__all__ = [
    "APPNAME",
    "STRING_ENCODING",
    "ClickLogger",
    "Singleton",
    "WhoAmI",
    "__version__",
    "base64s_to_bytes",
    "bytes_to_base64s",
    "debug",
    "echo",
    "ensure_config_dir_writable",
    "error",
    "generate_apikey",
    "get_config_path",
    "get_database_config",
    "info",
    "is_ip_address",
    "logger_name",
    "split_rabbitmq_uri",
    "warning",
]

_LEGACY = "vantage6.common.legacy"
_OUTPUT = "vantage6.common.cli.output"
_GLOBALS = "vantage6.common.globals"
_HOMES = {
    "APPNAME": _GLOBALS,
    "STRING_ENCODING": _GLOBALS,
    "ClickLogger": _LEGACY,
    "Singleton": _LEGACY,
    "WhoAmI": _LEGACY,
    "base64s_to_bytes": _LEGACY,
    "bytes_to_base64s": _LEGACY,
    "debug": _OUTPUT,
    "echo": _OUTPUT,
    "ensure_config_dir_writable": _LEGACY,
    "error": _OUTPUT,
    "generate_apikey": _LEGACY,
    "get_config_path": _LEGACY,
    "get_database_config": _LEGACY,
    "info": _OUTPUT,
    "is_ip_address": _LEGACY,
    "logger_name": _LEGACY,
    "split_rabbitmq_uri": _LEGACY,
    "warning": _OUTPUT,
}


def __getattr__(name: str) -> Any:
    """Load a name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """Return all public names, also those not loaded yet."""
    return sorted(__all__)
