"""A server and an engine for the life of a node."""

from __future__ import annotations

import pytest

from vantage6.node.runner.base import RunSpec
from vantage6.node.testing.engine import FakeEngine
from vantage6.node.testing.simulator import ServerSimulator


def done(_spec: RunSpec) -> tuple[int, bytes]:
    return 0, b'"done"'


@pytest.fixture
def server() -> ServerSimulator:
    return ServerSimulator()


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(done)
