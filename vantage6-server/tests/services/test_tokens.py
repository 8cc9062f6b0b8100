"""API keys of nodes."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import bcrypt
import pytest
from sqlalchemy import select

from vantage6.server.models import Node, ServerSecret
from vantage6.server.services.errors import Unauthenticated
from vantage6.server.services.passwords import Passwords
from vantage6.server.services.tokens import ensure_pepper, find_node_by_key, give_api_key


def _find(world: Any, passwords: Passwords, key: UUID | str) -> int:
    return find_node_by_key(world.services.work, passwords, UUID(str(key)))


def test_a_key_finds_its_node(world: Any, passwords: Passwords) -> None:
    assert _find(world, passwords, world.api_keys["alpha-plain"]) == 2
    assert _find(world, passwords, world.api_keys["gamma-enc"]) == 5


def test_an_unknown_key_finds_none(world: Any, passwords: Passwords) -> None:
    with pytest.raises(Unauthenticated):
        _find(world, passwords, uuid4())


def test_the_key_itself_is_not_stored(world: Any) -> None:
    key = world.api_keys["alpha-plain"]
    with world.services.work(write=False) as work:
        node = work.session.get_one(Node, 2)
    assert node.api_key is None
    assert node.api_key_digest is not None
    assert key not in node.api_key_digest


def test_a_new_key_replaces_the_old_one(world: Any, passwords: Passwords) -> None:
    with world.session() as session:
        key = give_api_key(session, session.get_one(Node, 2))
    assert _find(world, passwords, key) == 2
    with pytest.raises(Unauthenticated):
        _find(world, passwords, world.api_keys["alpha-plain"])


def test_a_node_of_an_older_release_gets_a_digest_at_its_first_login(
    world: Any, passwords: Passwords
) -> None:
    key = uuid4()
    with world.session() as session:
        node = session.get_one(Node, 3)
        node.api_key_digest = None
        node.api_key = bcrypt.hashpw(str(key).encode(), bcrypt.gensalt(4)).decode()
    assert _find(world, passwords, key) == 3
    with world.services.work(write=False) as work:
        node = work.session.get_one(Node, 3)
    assert node.api_key is None
    assert node.api_key_digest is not None
    assert _find(world, passwords, key) == 3


def test_finding_a_node_takes_the_same_statements_however_many_there_are(
    world: Any, passwords: Passwords
) -> None:
    def count() -> int:
        with world.counting_statements() as statements:
            _find(world, passwords, world.api_keys["alpha-plain"])
        return len(statements)

    before = count()
    with world.session() as session:
        for number in range(20):
            node = Node(name=f"n{number}", organization_id=2)
            give_api_key(session, node)
            session.add(node)
    assert count() == before


def test_the_pepper_is_made_once(world: Any) -> None:
    def pepper() -> str:
        with world.services.work(write=False) as work:
            value: str = work.session.scalars(select(ServerSecret.value)).one()
        return value

    before = pepper()
    with world.session() as session:
        ensure_pepper(session)
    assert pepper() == before
    assert len(bytes.fromhex(before)) == 32
