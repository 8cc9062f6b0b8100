"""Names on the socket: namespace, rooms and events (contract, socket-events)."""

from __future__ import annotations

__all__ = [
    "ALL_NODES_ROOM",
    "NAMESPACE",
    "PING_INTERVAL",
    "ClientEvent",
    "ServerEvent",
    "collaboration_room",
    "organization_room",
]

NAMESPACE = "/tasks"
ALL_NODES_ROOM = "all_nodes"
PING_INTERVAL = 60.0
"""Seconds between two pings of a node."""


class ServerEvent:
    """Events the server sends."""

    SYNC = "sync"
    EXPIRED_TOKEN = "expired_token"  # noqa: S105 - the name of an event
    INVALID_TOKEN = "invalid_token"  # noqa: S105 - the name of an event
    MESSAGE = "message"
    NODE_ONLINE = "node-online"
    NODE_OFFLINE = "node-offline"
    NEW_TASK = "new_task"
    STATUS_UPDATE = "status_update"
    ALGORITHM_STATUS_CHANGE = "algorithm_status_change"
    ALGORITHM_LOG = "algorithm_log"
    KILL_CONTAINERS = "kill_containers"


class ClientEvent:
    """Events that nodes and users send."""

    PING = "ping"
    NODE_INFO_UPDATE = "node_info_update"
    ALGORITHM_STATUS_CHANGE = "algorithm_status_change"
    ALGORITHM_LOG = "algorithm_log"
    NODE_METRICS_UPDATE = "node_metrics_update"
    MESSAGE = "message"
    ERROR = "error"


def collaboration_room(collaboration_id: int) -> str:
    """Name the room of a collaboration."""
    return f"collaboration_{collaboration_id}"


def organization_room(collaboration_id: int, organization_id: int) -> str:
    """Name the room of one organization in a collaboration."""
    return f"collaboration_{collaboration_id}_organization_{organization_id}"
