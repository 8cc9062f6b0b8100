"""Reading what the server answers."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from vantage6.common.errors import NotAnApiError
from vantage6.common.http.auth import StaticTokenAuth
from vantage6.common.http.retry import RetryPolicy
from vantage6.common.http.transport import Transport
from vantage6.common.testing.http import json_reply, no_connection
from vantage6.common.testing.server import ScriptedServer, page
from vantage6.node.datasources.requests import RequestedDatabase
from vantage6.node.link.rest import ServerApi, run_from_wire

ONE_TRY = RetryPolicy(attempts=1)


def api_of(server: ScriptedServer, store: ScriptedServer | None = None) -> ServerApi:
    transport = Transport(
        "http://server.test:80/api",
        auth=StaticTokenAuth("node-token"),
        handler=server.handler,
        retry=ONE_TRY,
    )
    handler = (store or ScriptedServer()).handler
    return ServerApi(transport, lambda url: Transport(url, handler=handler, retry=ONE_TRY))


def wire_run(**changes: Any) -> dict[str, Any]:
    task = {
        "id": 4,
        "job_id": 3,
        "image": "img:1",
        "init_org": {"id": 2, "link": "/api/organization/2"},
        "init_user": {"id": 9},
        "parent": None,
        "algorithm_store": {"id": 6},
        "created_at": "2026-11-01T00:00:00",
        "databases": [{"label": "default", "parameters": '{"query": "select 1"}'}],
    }
    return {"id": 5, "input": "text", "blob_storage_used": None, "task": task, **changes}


def test_a_run_with_its_task_is_understood() -> None:
    offered = run_from_wire(wire_run())

    assert offered is not None
    assert offered.input_text == "text"
    facts = offered.facts
    assert (facts.run_id, facts.task_id, facts.job_id) == (5, 4, 3)
    assert (facts.init_org_id, facts.init_user_id, facts.store_id) == (2, 9, 6)
    assert facts.databases == (RequestedDatabase("default", query="select 1"),)
    assert not facts.is_subtask
    assert not facts.has_blob


@pytest.mark.parametrize("body", [{"id": 5}, wire_run(task=None), wire_run(id="x")])
def test_a_run_that_cannot_be_understood_is_skipped(body: dict[str, Any]) -> None:
    assert run_from_wire(body) is None


def test_open_runs_are_asked_for_as_the_contract_has_it() -> None:
    server = ScriptedServer()
    server.on("GET", "/run", page(wire_run()))
    runs = list(api_of(server).open_runs(7, task_id=4))

    assert len(runs) == 1
    query = server.last().query
    assert query["state"] == "open"
    assert query["node_id"] == "7"
    assert query["include"] == "task"
    assert query["task_id"] == "4"


def test_organizations_are_matched_by_their_whole_name() -> None:
    server = ScriptedServer()
    server.on("GET", "/organization", page({"id": 1, "name": "ACME"}, {"id": 2, "name": "Acme"}))

    assert api_of(server).organizations_named("Acme") == [2]


def test_a_large_report_is_sent_in_pieces_with_its_length() -> None:
    server = ScriptedServer()
    server.on("PATCH", "/run/5", {})
    body = [b'{"result":', b' "x"}']
    api_of(server).report_large_run(5, body, sum(map(len, body)))

    assert server.last().body == {"result": "x"}
    assert server.last().headers["content-length"] == "15"


def test_an_answer_that_is_no_object_is_no_answer() -> None:
    server = ScriptedServer()
    server.on("GET", "/node/7", ["unexpected"])
    with pytest.raises(NotAnApiError):
        api_of(server).node(7)


def test_a_store_is_asked_with_the_nodes_token_and_the_servers_address() -> None:
    store = ScriptedServer()
    store.reply("GET", "/algorithm", lambda _: json_reply({"data": [{"id": 1}]}))

    assert api_of(ScriptedServer(), store).store_offers("http://store.test/api", "img:1")
    headers = store.last().headers
    assert headers["authorization"] == "Bearer node-token"
    assert headers["server-url"] == "http://server.test:80/api"
    assert headers["client-type"] == "node"
    assert store.last().query == {"image": "img:1"}


def test_a_store_on_localhost_of_the_server_is_asked_at_the_servers_host() -> None:
    store = ScriptedServer()
    store.reply("GET", "/algorithm", lambda _: json_reply({"data": []}))

    assert not api_of(ScriptedServer(), store).store_offers("http://localhost:7602/api", "img")
    assert store.last().url.host == "server.test"
    assert store.last().url.port == 7602


def test_a_store_that_does_not_answer_offers_nothing() -> None:
    store = ScriptedServer()

    def away(_: Any) -> httpx.Response:
        raise no_connection()

    store.reply("GET", "/algorithm", away)
    assert not api_of(ScriptedServer(), store).store_offers("http://store.test/api", "img")


def test_databases_with_unreadable_parameters_make_a_run_unusable() -> None:
    body = wire_run()
    body["task"]["databases"] = [{"label": "default", "parameters": json.dumps([1])}]

    assert run_from_wire(body) is None
