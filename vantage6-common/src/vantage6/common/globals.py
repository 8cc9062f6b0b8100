"""Constants and enumerations under the names of the contract (client-api section 1)."""

from __future__ import annotations

from enum import Enum, IntEnum

from vantage6.common.enums import AuthStatus, InstanceType
from vantage6.common.wire.socket import PING_INTERVAL

__all__ = [
    "APPNAME",
    "DATABASE_TYPES",
    "DEFAULT_API_PATH",
    "DEFAULT_CHUNK_SIZE",
    "ENV_VAR_EQUALS_REPLACEMENT",
    "INTERVAL_MULTIPLIER",
    "MAIN_VERSION_NAME",
    "MAX_INTERVAL",
    "NODE_CLIENT_REFRESH_BEFORE_EXPIRES_SECONDS",
    "PING_INTERVAL_SECONDS",
    "REQUEST_TIMEOUT",
    "STRING_ENCODING",
    "AuthStatus",
    "InstanceType",
    "NodePolicy",
    "Ports",
]

APPNAME = "vantage6"
MAIN_VERSION_NAME = "cotopaxi"
STRING_ENCODING = "utf-8"
DEFAULT_API_PATH = "/api"
DEFAULT_CHUNK_SIZE = 1024 * 1024
ENV_VAR_EQUALS_REPLACEMENT = "!"
DATABASE_TYPES = ["csv", "parquet", "sql", "sparql", "excel", "other"]

MAX_INTERVAL = 300
INTERVAL_MULTIPLIER = 1.5
REQUEST_TIMEOUT = 300
PING_INTERVAL_SECONDS = int(PING_INTERVAL)
NODE_CLIENT_REFRESH_BEFORE_EXPIRES_SECONDS = 600


class NodePolicy(str, Enum):
    """Keys of the section ``policies`` in a node's configuration (node-config section 5)."""

    ALLOWED_ALGORITHMS = "allowed_algorithms"
    ALLOWED_ALGORITHM_STORES = "allowed_algorithm_stores"
    ALLOW_EITHER_WHITELIST_OR_STORE = "allow_either_whitelist_or_store"
    ALLOWED_USERS = "allowed_users"
    ALLOWED_ORGANIZATIONS = "allowed_organizations"
    ALLOW_BASICS_ALGORITHM = "allow_basics_algorithm"
    REQUIRE_ALGORITHM_PULL = "require_algorithm_pull"

    def __str__(self) -> str:
        """Return the key."""
        return self.value


class Ports(IntEnum):
    """Ports that are used unless others are configured (configuration section 4)."""

    DEV_UI = 7600
    DEV_SERVER = 7601
    DEV_ALGO_STORE = 7602
    PROMETHEUS = 7603
