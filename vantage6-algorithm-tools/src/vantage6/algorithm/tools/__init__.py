"""What an algorithm needs inside its container: input, data, output and sub-tasks."""

from vantage6.algorithm.tools._version import __version__

__all__ = ["__version__"]
