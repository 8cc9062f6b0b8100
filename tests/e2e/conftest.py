"""Networks of real processes, with both ways to run algorithms."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.networks import Researcher, lung_network
from vantage6.common.cli.local_network import LocalNetwork

RUNNERS = ["process", pytest.param("docker", marks=pytest.mark.docker)]


@pytest.fixture(params=RUNNERS, scope="module")
def network(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalNetwork]:
    """An encrypted network that the tests of a module share and leave as it is."""
    with lung_network(tmp_path_factory.mktemp("lung"), runner=request.param) as network:
        yield network


@pytest.fixture(scope="module")
def researcher(network: LocalNetwork) -> Iterator[Researcher]:
    """The user of the shared network."""
    with Researcher(network) as researcher:
        yield researcher
