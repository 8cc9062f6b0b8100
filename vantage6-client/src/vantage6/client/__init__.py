"""Python client of the vantage6 federated analysis platform.

Names are loaded when they are first used, so that importing the package stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vantage6.client._version import __version__

if TYPE_CHECKING:
    from vantage6.client.filter import post_filtering
    from vantage6.client.subclients.store.algorithm import AlgorithmSubClient
    from vantage6.client.subclients.store.algorithm_store import AlgorithmStoreSubClient
    from vantage6.client.subclients.study import StudySubClient
    from vantage6.client.user_client import Client, UserClient
    from vantage6.client.utils import LogLevel
    from vantage6.common import WhoAmI
    from vantage6.common.client.client_base import ClientBase
    from vantage6.common.client.utils import print_qr_code
    from vantage6.common.encryption import DummyCryptor, RSACryptor
    from vantage6.common.globals import APPNAME, AuthStatus
    from vantage6.common.serialization import serialize

__all__ = [
    "APPNAME",
    "AlgorithmStoreSubClient",
    "AlgorithmSubClient",
    "AuthStatus",
    "Client",
    "ClientBase",
    "DummyCryptor",
    "LogLevel",
    "RSACryptor",
    "StudySubClient",
    "UserClient",
    "WhoAmI",
    "__version__",
    "post_filtering",
    "print_qr_code",
    "serialize",
]

_HOMES = {
    "APPNAME": "vantage6.common.globals",
    "AlgorithmStoreSubClient": "vantage6.client.subclients.store.algorithm_store",
    "AlgorithmSubClient": "vantage6.client.subclients.store.algorithm",
    "AuthStatus": "vantage6.common.globals",
    "Client": "vantage6.client.user_client",
    "ClientBase": "vantage6.common.client.client_base",
    "DummyCryptor": "vantage6.common.encryption",
    "LogLevel": "vantage6.client.utils",
    "RSACryptor": "vantage6.common.encryption",
    "StudySubClient": "vantage6.client.subclients.study",
    "UserClient": "vantage6.client.user_client",
    "WhoAmI": "vantage6.common",
    "post_filtering": "vantage6.client.filter",
    "print_qr_code": "vantage6.common.client.utils",
    "serialize": "vantage6.common.serialization",
}


def __getattr__(name: str) -> Any:
    """Load a public name at its first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
