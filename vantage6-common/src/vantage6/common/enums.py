"""Closed sets of names that several packages share."""

from __future__ import annotations

from enum import Enum

__all__ = ["AuthStatus", "ClientType", "DatabaseType", "InstanceType", "Operation", "Scope"]


class _Text(str, Enum):
    def __str__(self) -> str:
        return str(self.value)


class Scope(_Text):
    """How far a rule reaches, from narrow to wide."""

    OWN = "OWN"
    ORGANIZATION = "ORGANIZATION"
    COLLABORATION = "COLLABORATION"
    GLOBAL = "GLOBAL"


class Operation(_Text):
    """What a rule allows."""

    VIEW = "VIEW"
    EDIT = "EDIT"
    CREATE = "CREATE"
    DELETE = "DELETE"
    SEND = "SEND"
    RECEIVE = "RECEIVE"


class ClientType(_Text):
    """Kinds of principals that hold a token."""

    USER = "user"
    NODE = "node"
    CONTAINER = "container"


class DatabaseType(_Text):
    """Kinds of data sources a node offers (contract, node-config section 4)."""

    CSV = "csv"
    PARQUET = "parquet"
    EXCEL = "excel"
    SPARQL = "sparql"
    SQL = "sql"
    OMOP = "omop"
    FOLDER = "folder"
    OTHER = "other"


class InstanceType(_Text):
    """Kinds of instances the command line manages; also the folder names."""

    SERVER = "server"
    NODE = "node"


class AuthStatus(_Text):
    """Whether a node or user is connected."""

    ONLINE = "online"
    OFFLINE = "offline"
