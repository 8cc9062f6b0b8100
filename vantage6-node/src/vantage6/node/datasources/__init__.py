"""The data a node offers to algorithms: from the settings to mounts and variables."""

from vantage6.node.datasources.registry import DataSources, ResolvedData
from vantage6.node.datasources.requests import RequestedDatabase, requested_databases
from vantage6.node.datasources.source import DataSource, DataSourceError

__all__ = [
    "DataSource",
    "DataSourceError",
    "DataSources",
    "RequestedDatabase",
    "ResolvedData",
    "requested_databases",
]
