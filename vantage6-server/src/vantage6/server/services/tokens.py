"""API keys of nodes: making them, and finding the node a key belongs to."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from vantage6.server.models import Node, ServerSecret
from vantage6.server.repositories.unit_of_work import OpenWork
from vantage6.server.services.errors import Unauthenticated
from vantage6.server.services.passwords import Passwords

__all__ = ["ensure_pepper", "find_node_by_key", "give_api_key"]

_PEPPER = "api_key_pepper"


def ensure_pepper(session: Session) -> None:
    """Make the secret that API keys are digested with, unless there is one."""
    if session.get(ServerSecret, _PEPPER) is None:
        session.add(ServerSecret(name=_PEPPER, value=secrets.token_hex(32)))


def give_api_key(session: Session, node: Node) -> str:
    """Give a node a new key and return it; it is stored nowhere, so show it once.

    The old key stops working with the commit.
    """
    key = uuid4()
    node.api_key_digest = _digest(session, key)
    node.api_key = None
    return str(key)


def find_node_by_key(open_work: OpenWork, passwords: Passwords, api_key: UUID) -> int:
    """Return the id of the node a key belongs to.

    Keys are random and 122 bits long, so a fast digest is safe, and finding the node takes one
    look-up however many there are. Nodes of older releases have a bcrypt hash instead, until they
    log in for the first time.

    Raises
    ------
    Unauthenticated
        If no node has this key.
    """
    with open_work(write=False) as work:
        digest = _digest(work.session, api_key)
        found = work.session.scalar(select(Node.id).where(Node.api_key_digest == digest))
        if found is not None:
            return found
        older = work.session.execute(
            select(Node.id, Node.api_key).where(
                Node.api_key.is_not(None), Node.api_key_digest.is_(None)
            )
        ).all()
    for node_id, stored in older:
        if passwords.verify(str(api_key), stored):
            _remember(open_work, node_id, stored, digest)
            return node_id
    raise Unauthenticated(
        "No node has this API key; copy the key that was shown when the node was created, "
        "or ask for a new one."
    )


def _remember(open_work: OpenWork, node_id: int, stored: str | None, digest: str) -> None:
    with open_work() as work:
        node = work.session.get(Node, node_id)
        if node is not None and node.api_key == stored:
            node.api_key_digest = digest
            node.api_key = None
        work.commit()


def _digest(session: Session, key: UUID) -> str:
    pepper = session.get_one(ServerSecret, _PEPPER).value
    return hmac.new(bytes.fromhex(pepper), str(key).encode(), hashlib.sha256).hexdigest()
