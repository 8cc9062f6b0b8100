"""Who is connected to this process, and over which sockets."""

from __future__ import annotations

import threading

from vantage6.server.services.connections import Peer

__all__ = ["Presence"]


class Presence:
    """Remembers the peer of every socket.

    Attributes
    ----------
    changing : threading.Lock
        Hold it while storing that somebody came or left. A node often reconnects before the end
        of its old connection is noticed; with the lock the two are stored one after the other,
        and the late end sees the new connection.
    """

    def __init__(self) -> None:
        self._peers: dict[str, Peer] = {}
        self.changing = threading.Lock()

    def add(self, sid: str, peer: Peer) -> None:
        """Note a new socket."""
        self._peers[sid] = peer

    def remove(self, sid: str) -> Peer | None:
        """Forget a socket; return whose it was."""
        return self._peers.pop(sid, None)

    def of(self, sid: str) -> Peer | None:
        """Return who is at the other end of a socket; None before or without a valid token."""
        return self._peers.get(sid)

    def is_connected(self, identity: int) -> bool:
        """Tell whether a node or user has any socket left."""
        return any(peer.identity == identity for peer in self._peers.values())
