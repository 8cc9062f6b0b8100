"""Public keys when the server answers, refuses, or is away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from vantage6.common.errors import (
    AuthenticationError,
    ConnectionFailedError,
    NotFoundError,
    TransportError,
)
from vantage6.node.link.keyring import KeyRing
from vantage6.node.link.rest import OrganizationDetails, ServerApi
from vantage6.node.runs.journal import Journal
from vantage6.node.store import Store


class Api(ServerApi):
    """Answers with a key, or fails."""

    def __init__(self) -> None:
        self.key = "key"
        self.failure: TransportError | None = None

    def organization(self, organization_id: int) -> OrganizationDetails:
        if self.failure is not None:
            raise self.failure
        return OrganizationDetails(organization_id, "Registry", self.key)


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def ring(api: Api, tmp_path: Path) -> Iterator[KeyRing]:
    store = Store(tmp_path / "s")
    yield KeyRing(api, Journal(store))
    store.close()


def test_the_newest_key_is_used(api: Api, ring: KeyRing) -> None:
    ring.note(2)
    api.key = "new key"

    assert ring.current(2) == "new key"


@pytest.mark.parametrize(
    "failure",
    [ConnectionFailedError("nobody is there"), AuthenticationError("no such node", 401)],
)
def test_a_known_key_serves_while_the_server_gives_none(
    api: Api, ring: KeyRing, failure: TransportError
) -> None:
    ring.note(2)
    api.failure = failure

    assert ring.current(2) == "key"


def test_without_a_known_key_the_failure_is_told(api: Api, ring: KeyRing) -> None:
    api.failure = ConnectionFailedError("nobody is there")

    with pytest.raises(ConnectionFailedError):
        ring.current(2)


def test_an_organization_that_is_gone_has_no_key(api: Api, ring: KeyRing) -> None:
    ring.note(2)
    api.failure = NotFoundError("gone", 404)

    assert ring.current(2) == ""
