"""What gives out VPN configurations."""

from __future__ import annotations

from typing import Protocol

__all__ = ["VpnPortal"]


class VpnPortal(Protocol):
    """Gives out VPN configurations. Takes seconds, so no transaction is open meanwhile."""

    def configuration(self) -> str:
        """Return a new OpenVPN configuration.

        Raises
        ------
        Unavailable
            If the portal does not answer.
        Misconfigured
            If it does not let this server in, or is no such portal.
        """
        ...
