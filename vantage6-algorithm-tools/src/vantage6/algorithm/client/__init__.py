"""The client with which an algorithm makes subtasks, through the proxy of its node."""

from vantage6.algorithm.client.algorithm_client import AlgorithmClient
from vantage6.algorithm.tools._version import __version__

__all__ = ["AlgorithmClient", "__version__"]
