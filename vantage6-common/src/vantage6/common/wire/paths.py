"""Paths of the REST interface, relative to the API path."""

from __future__ import annotations

__all__ = ["Path"]


class Path:
    """Path templates; fill the fields in braces with ``str.format``."""

    VERSION = "/version"
    HEALTH = "/health"
    TOKEN_USER = "/token/user"  # noqa: S105 - a path
    TOKEN_NODE = "/token/node"  # noqa: S105 - a path
    TOKEN_CONTAINER = "/token/container"  # noqa: S105 - a path
    TOKEN_REFRESH = "/token/refresh"  # noqa: S105 - a path
    ORGANIZATIONS = "/organization"
    ORGANIZATION = "/organization/{id}"
    COLLABORATIONS = "/collaboration"
    COLLABORATION = "/collaboration/{id}"
    COLLABORATION_ORGANIZATIONS = "/collaboration/{id}/organization"
    COLLABORATION_NODES = "/collaboration/{id}/node"
    STUDIES = "/study"
    STUDY = "/study/{id}"
    STUDY_ORGANIZATIONS = "/study/{id}/organization"
    NODES = "/node"
    NODE = "/node/{id}"
    USERS = "/user"
    USER = "/user/{id}"
    ROLES = "/role"
    ROLE = "/role/{id}"
    ROLE_RULE = "/role/{id}/rule/{rule_id}"
    RULES = "/rule"
    RULE = "/rule/{id}"
    TASKS = "/task"
    TASK = "/task/{id}"
    TASK_STATUS = "/task/{id}/status"
    RUNS = "/run"
    RUN = "/run/{id}"
    RESULTS = "/result"
    RESULT = "/result/{id}"
    KILL_TASK = "/kill/task"
    KILL_NODE_TASKS = "/kill/node/tasks"
    BLOBS = "/blobstream"
    BLOB = "/blobstream/{id}"
    BLOB_STATUS = "/blobstream/status"
    PORTS = "/port"
    ALGORITHM_ADDRESSES = "/vpn/algorithm/addresses"
    PASSWORD_CHANGE = "/password/change"  # noqa: S105 - a path
    RECOVER_PASSWORD = "/recover/lost"  # noqa: S105 - a path
    RESET_PASSWORD = "/recover/reset"  # noqa: S105 - a path
    RECOVER_SECOND_FACTOR = "/recover/2fa/lost"
    RESET_SECOND_FACTOR = "/recover/2fa/reset"
    ALGORITHM_STORES = "/algorithmstore"
    ALGORITHM_STORE = "/algorithmstore/{id}"
    VPN = "/vpn"
    VPN_UPDATE = "/vpn/update"
