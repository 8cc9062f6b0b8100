"""A scripted server, and clients that talk to it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from vantage6.client import UserClient
from vantage6.common.clock import ManualClock
from vantage6.common.testing.server import ScriptedServer

USER_ID = 8
ORGANIZATION_ID = 2


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def server() -> ScriptedServer:
    return ScriptedServer()


@pytest.fixture
def new_client(server: ScriptedServer, clock: ManualClock) -> Iterator[Callable[..., UserClient]]:
    """Make clients of the scripted server that are not logged in."""
    made = []

    def make(**options: Any) -> UserClient:
        options = {"handler": server.handler, "clock": clock, **options}
        client = UserClient("http://server.test", 7601, **options)
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(server: ScriptedServer, new_client: Callable[..., UserClient]) -> UserClient:
    """Return a client of user 8 of organization 2, logged in just now."""
    server.accept_user(USER_ID, ORGANIZATION_ID)
    client = new_client()
    client.authenticate("ada", "Passw0rd!")
    server.seen.clear()
    return client


@pytest.fixture(autouse=True)
def _library_logger_as_found() -> Iterator[None]:
    logger = logging.getLogger("vantage6.client")
    level, handlers = logger.level, [*logger.handlers]
    yield
    logger.setLevel(level)
    logger.handlers[:] = handlers
