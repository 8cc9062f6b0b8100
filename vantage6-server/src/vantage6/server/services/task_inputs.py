"""What `POST /task` is asked to create, and checks that need nothing but their arguments."""

from __future__ import annotations

import base64
import binascii
import codecs
import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from vantage6.server.policy.principal import ContainerPrincipal, Principal, UserPrincipal

__all__ = [
    "NewTask",
    "RunInput",
    "admits",
    "input_problem",
    "lacking_node",
    "outside",
    "stored_key",
]

_CHECKED_TEXT = 2**20
"""Characters of an input that are looked at; more would hold up other requests."""


@dataclass(frozen=True)
class RunInput:
    """One organization that shall run the task, as posted, and its input."""

    organization_id: Any
    input: str | None


@dataclass(frozen=True)
class NewTask:
    """A task that shall be created.

    Attributes
    ----------
    databases : tuple of (label, parameters)
        The parameters are compact JSON text, as they are stored.
    idempotency_key : str or None
        Repeating a request with the same key gives the task of the first one.
    """

    image: str
    runs: tuple[RunInput, ...]
    collaboration_id: int | None = None
    study_id: int | None = None
    name: str = ""
    description: str = ""
    databases: tuple[tuple[str, str], ...] = ()
    store_id: int | None = None
    server_url: str | None = None
    idempotency_key: str | None = None


def stored_key(principal: Principal, key: str | None) -> str | None:
    """Return the form in which a caller's idempotency key is kept: its own, and of fixed length."""
    if key is None:
        return None
    digest = hashlib.sha256(key.encode()).hexdigest()
    if isinstance(principal, UserPrincipal):
        return f"user {principal.user_id} {digest}"
    if isinstance(principal, ContainerPrincipal):
        return f"task {principal.task_id} run {principal.run_id} {digest}"
    return f"node {principal.node_id} {digest}"


def outside(runs: Iterable[RunInput], members: Collection[int]) -> list[Any]:
    """Return the posted organization ids that are no member; text is never one."""
    return [
        run.organization_id
        for run in runs
        if type(run.organization_id) is not int or run.organization_id not in members
    ]


def lacking_node(runs: Iterable[RunInput], nodes: Mapping[int, int]) -> list[int]:
    """Return the organizations for which the collaboration has no node for each listing.

    One that is listed twice is lacking too: it has only one node.
    """
    listed = Counter(run.organization_id for run in runs)
    return [identity for identity, times in listed.items() if times > 1 or identity not in nodes]


def admits(policy: Iterable[tuple[str, str]], user: UserPrincipal, organization_name: str) -> bool:
    """Tell whether what a node shared lets the user send it tasks.

    Parameters
    ----------
    policy : iterable of (key, value)
        Its rows ``allowed_users`` (user id or name) and ``allowed_orgs`` (organization id or
        name); without any, everybody may.
    """
    rows = list(policy)
    accepted = {
        "allowed_users": {str(user.user_id), user.username},
        "allowed_orgs": {str(user.organization_id), organization_name},
    }
    return not rows or any(value in accepted.get(key, ()) for key, value in rows)


def input_problem(text: str | None, *, encrypted: bool) -> str | None:
    """Say what is wrong with an input, or None.

    A plain collaboration takes base64 of UTF-8 text. An encrypted one must not get readable text
    by mistake; whether it is well encrypted only the node can tell.
    """
    if text is None:
        return "is missing"
    sample = text[:_CHECKED_TEXT]
    is_cut = len(sample) < len(text)
    try:
        decoded = base64.b64decode(sample)
    except (binascii.Error, ValueError):
        return None if is_cut and text.isascii() else "is not base64"
    readable = _is_utf8(decoded, is_cut=is_cut)
    if encrypted and readable:
        return (
            "is readable, but the collaboration is encrypted; encrypt it with the public key of "
            "the organization"
        )
    if not encrypted and not readable:
        return "is not base64 of text, as a collaboration without encryption needs it"
    return None


def _is_utf8(data: bytes, *, is_cut: bool) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, final=not is_cut)
    except UnicodeDecodeError:
        return False
    return True
