"""Handlers of the namespace ``/tasks``; thin (contract, socket-events sections 2 to 7)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from flask import request
from flask_jwt_extended.exceptions import JWTExtendedException
from flask_socketio import Namespace
from jwt.exceptions import ExpiredSignatureError, InvalidSignatureError, PyJWTError

from vantage6.common.enums import ClientType
from vantage6.common.wire.socket import ALL_NODES_ROOM, NAMESPACE, ServerEvent
from vantage6.server.gateway.presence import Presence
from vantage6.server.resources.auth import socket_identity
from vantage6.server.services import connections
from vantage6.server.services.connections import Peer
from vantage6.server.wiring import Services

__all__ = ["TasksNamespace"]

_log = logging.getLogger(__name__)

_SCHEME = "Bearer "


class TasksNamespace(Namespace):  # type: ignore[misc] # the library has no types
    """Connects nodes and users.

    Parameters
    ----------
    services : Services
        What handlers work with.
    presence : Presence
        Who is connected to this process.
    """

    def __init__(self, services: Services, presence: Presence) -> None:
        super().__init__(NAMESPACE)
        self._services = services
        self._presence = presence

    def on_connect(self, _auth: Any = None) -> None:
        """Let a peer in, then find out who it is."""
        sid = _sid()
        identity = self._identify(sid)
        if identity is None:
            return
        with self._presence.changing:
            with self._services.work() as work:
                peer = connections.come_online(work, identity)
            if peer is None:
                return
            self._presence.add(sid, peer)
        _log.info("%s %d connected", peer.kind, peer.identity)
        if peer.kind is ClientType.NODE:
            self._send(ServerEvent.SYNC, None, sid)
            self._announce(ServerEvent.NODE_ONLINE, peer)
        self._enter_rooms(sid, peer)

    def _identify(self, sid: str) -> int | None:
        """Return whose token the handshake carried; tell the peer if it is expired or forged."""
        header = request.headers.get("Authorization", "")
        if not header.startswith(_SCHEME):
            return None
        try:
            return socket_identity(header.removeprefix(_SCHEME))
        except ExpiredSignatureError:
            self._send(ServerEvent.EXPIRED_TOKEN, None, sid)
        except InvalidSignatureError:
            self._send(ServerEvent.INVALID_TOKEN, None, sid)
        except (PyJWTError, JWTExtendedException):
            _log.info("a socket came with something that is no access token")
        return None

    def _enter_rooms(self, sid: str, peer: Peer) -> None:
        kind = "Node" if peer.kind is ClientType.NODE else "User"
        for room in peer.rooms:
            self._server.enter_room(sid, room, namespace=NAMESPACE)
            if room != ALL_NODES_ROOM:
                self._send(ServerEvent.MESSAGE, f"{kind} <{peer.name}> joined room <{room}>", room)

    def on_disconnect(self, _reason: Any = None) -> None:
        """Take a peer out; it is offline only when its last connection ended."""
        sid = _sid()
        peer = self._presence.remove(sid)
        if peer is None:
            return
        for room in peer.rooms:
            self._server.leave_room(sid, room, namespace=NAMESPACE)
            if room != ALL_NODES_ROOM:
                self._send(ServerEvent.MESSAGE, f"{peer.name} left room {room}", room)
        with self._presence.changing:
            if self._presence.is_connected(peer.identity):
                return
            with self._services.work() as work:
                connections.go_offline(work, peer.identity)
        _log.info("%s %d disconnected", peer.kind, peer.identity)
        if peer.kind is ClientType.NODE:
            self._announce(ServerEvent.NODE_OFFLINE, peer)

    def _announce(self, event: str, node: Peer) -> None:
        """Tell the node's collaboration; the reference tells the nodes of all others, too."""
        payload = {"id": node.identity, "name": node.name, "org_id": node.organization_id}
        for room in node.rooms:
            if room != ALL_NODES_ROOM:
                self._send(event, payload, room)

    def on_ping(self, *_: Any) -> None:
        """Note that a peer is still there."""
        peer = self._presence.of(_sid())
        if peer is None:
            return
        with self._services.work() as work:
            connections.note_ping(work, peer.identity, self._services.clock.now())

    def on_node_info_update(self, info: Any = None, *_: Any) -> None:
        """Store what a node shares about itself."""

        def store(node: Peer) -> bool:
            if not isinstance(info, Mapping):
                return False
            with self._services.work() as work:
                connections.replace_config(work, node.identity, connections.flatten(info))
            return True

        self._for_node("node_info_update", store)

    def on_algorithm_status_change(self, payload: Any = None, *_: Any) -> None:
        """Pass on what a node tells about a run; the record changes by REST only."""

        def relay(node: Peer) -> bool:
            with self._services.work(write=False) as work:
                event = connections.read_status_report(work, node, payload)
            if event is not None:
                self._services.bus.publish(event)
            return event is not None

        self._for_node("algorithm_status_change", relay)

    def on_algorithm_log(self, payload: Any = None, *_: Any) -> None:
        """Store a piece of a run's log and pass it on."""

        def append(node: Peer) -> bool:
            with self._services.work() as work:
                return connections.append_log(work, node, payload)

        self._for_node("algorithm_log", append)

    def on_node_metrics_update(self, metrics: Any = None, *_: Any) -> None:
        """Accept metrics; this server exports none."""
        self._for_node("node_metrics_update", lambda _node: isinstance(metrics, Mapping))

    def on_message(self, *_: Any) -> None:
        """Note that a peer said something; what it said is not for the log."""
        _log.debug("a peer sent a message")

    def on_error(self, *_: Any) -> None:
        """Note that a peer has a problem."""
        _log.warning("a peer reports an error")

    def _for_node(self, event: str, handle: Callable[[Peer], bool]) -> None:
        peer = self._presence.of(_sid())
        if peer is None:
            _log.debug("%s without identity is ignored", event)
        elif peer.kind is not ClientType.NODE:
            _log.warning("%s of %s %d is ignored", event, peer.kind, peer.identity)
        elif not handle(peer):
            _log.warning("%s of node %d is ignored, because it is not valid", event, peer.identity)

    def _send(self, event: str, payload: Any, room: str) -> None:
        self._server.emit(event, payload, to=room, namespace=NAMESPACE)

    @property
    def _server(self) -> Any:
        return self.socketio.server


def _sid() -> str:
    return str(request.sid)  # type: ignore[attr-defined] # added by the socket library
