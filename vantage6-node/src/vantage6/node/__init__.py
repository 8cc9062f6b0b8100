"""The data station: picks up runs, checks them, runs them, and delivers their results."""

from __future__ import annotations

from vantage6.node._version import __version__

__all__ = ["__version__"]
