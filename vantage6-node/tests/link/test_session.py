"""Logging in, with a server that is away or refuses."""

from __future__ import annotations

import threading

import pytest

from vantage6.common.http.auth import NodeAuth
from vantage6.common.http.retry import RetryPolicy
from vantage6.common.http.transport import Transport
from vantage6.node.link.session import Session
from vantage6.node.supervisor import FatalError, NodeStoppedError
from vantage6.node.testing.simulator import API_KEY, ServerSimulator


def session_with(
    server: ServerSimulator, stop: threading.Event | None = None, api_key: str = API_KEY
) -> tuple[Session, list[Exception]]:
    auth = NodeAuth(api_key)
    transport = Transport(
        "http://server.test/api", auth=auth, handler=server, retry=RetryPolicy(attempts=1)
    )
    told: list[Exception] = []
    session = Session(
        auth,
        transport,
        stop or threading.Event(),
        on_first_failure=told.append,
        first_pause=0.001,
    )
    return session, told


def test_the_node_learns_who_it_is() -> None:
    session, told = session_with(ServerSimulator(encrypted=True))
    identity = session.log_in()

    assert (identity.node_id, identity.node_name) == (7, "Node A")
    assert (identity.organization_id, identity.organization_name) == (1, "Hospital")
    assert (identity.collaboration_id, identity.encrypted) == (1, True)
    assert told == []


def test_a_wrong_key_ends_the_node_with_one_sentence() -> None:
    session, _ = session_with(ServerSimulator(), api_key="6fd4f2f0-0000-4000-8000-000000000000")
    with pytest.raises(FatalError, match=r"does not accept the API key.*set-api-key"):
        session.log_in()


def test_a_server_that_is_away_is_waited_for_and_said_once() -> None:
    server = ServerSimulator()
    server.is_down = True
    attempts: list[str] = []

    def come_back(moment: str) -> None:
        attempts.append(moment)
        server.is_down = len(attempts) < 4

    server.before = come_back
    session, told = session_with(server)

    assert session.log_in().node_id == 7
    assert len(told) == 1


def test_a_page_of_a_proxy_is_waited_out_too() -> None:
    server = ServerSimulator()
    server.shows_page = True
    server.before = lambda moment: setattr(server, "shows_page", len(server.calls) < 2)
    session, told = session_with(server)

    assert session.log_in().node_id == 7
    assert len(told) == 1


def test_a_node_told_to_stop_does_not_wait_for_the_server() -> None:
    server, stop = ServerSimulator(), threading.Event()
    server.is_down = True
    stop.set()
    session, _ = session_with(server, stop)
    with pytest.raises(NodeStoppedError):
        session.log_in()
