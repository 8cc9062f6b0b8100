"""Central server of the vantage6 federated analysis platform."""

from vantage6.server._version import __version__

__all__ = ["__version__"]
