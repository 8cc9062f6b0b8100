"""The algorithm client against a scripted proxy."""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qs

import httpx
import pytest

import vantage6.algorithm.client as package
from vantage6.algorithm.client import AlgorithmClient
from vantage6.algorithm.tools.exceptions import (
    ClientError,
    CollectOrganizationError,
    CollectResultsError,
    SubtakCreationError,
)
from vantage6.common.clock import ManualClock
from vantage6.common.errors import ConnectionFailedError
from vantage6.common.http.auth import StaticTokenAuth
from vantage6.common.http.retry import RetryPolicy
from vantage6.common.http.transport import Transport

INPUT = {"method": "partial", "kwargs": {"column": "é"}}


class Proxy:
    """Answers requests as scripted, by method and path, and keeps them."""

    def __init__(self, **identity):
        self.identity = identity
        self.answers = {("GET", "/blobstream/status"): {"blob_store_enabled": False}}
        self.requests = []
        self.clock = ManualClock()

    def answer(self, method, path, body, status=200):
        self.answers[method, path] = body if callable(body) else (status, body)

    def __call__(self, request):
        request.read()
        self.requests.append(request)
        found = self.answers.get((request.method, request.url.path), (404, {"msg": "not there"}))
        found = found(request) if callable(found) else found
        if isinstance(found, httpx.Response):
            return found
        status, body = found if isinstance(found, tuple) else (200, found)
        if isinstance(body, bytes):
            headers = {"Content-Type": "application/octet-stream"}
            return httpx.Response(status, content=body, headers=headers)
        # The reference proxy sends the JSON of a new task as text/html.
        return httpx.Response(status, html=json.dumps(body))

    def bodies(self, method, path):
        return [
            json.loads(request.content)
            for request in self.requests
            if (request.method, request.url.path) == (method, path)
        ]

    def paths(self):
        return [f"{request.method} {request.url.path}" for request in self.requests]


@pytest.fixture
def proxy():
    return Proxy()


@pytest.fixture
def make_client(proxy, make_token):
    def make(**identity):
        token = make_token(**identity)
        transport = Transport(
            "http://proxyserver:80",
            auth=StaticTokenAuth(token),
            retry=RetryPolicy(attempts=3),
            handler=httpx.MockTransport(proxy),
            clock=proxy.clock,
        )
        return AlgorithmClient(
            token, "http://proxyserver", 80, "", transport=transport, clock=proxy.clock
        )

    return make


@pytest.fixture
def client(make_client):
    return make_client()


def inline(value):
    return base64.b64encode(json.dumps(value).encode()).decode()


def page(*items, following=None):
    links = {"self": "/api/x"} | ({"next": following} if following else {})
    return {"data": list(items), "links": links}


def test_identities_come_from_the_token(client):
    assert (client.node_id, client.organization_id, client.collaboration_id) == (7, 2, 1)
    assert (client.study_id, client.store_id) == (None, None)
    assert (client.image, client.databases) == ("registry/image:1", [{"label": "default"}])
    assert (client.whoami, client.cryptor) == (None, None)
    assert client.headers == {"Authorization": f"Bearer {client.token}"}


@pytest.mark.parametrize(
    ("port", "path", "expected"),
    [(80, "/api", "http://h:80/api"), ("8080", "", "http://h:8080"), (None, "", "http://h")],
)
def test_the_address_is_put_together(make_token, port, path, expected):
    assert AlgorithmClient(make_token(), "http://h", port, path).base_path == expected


@pytest.mark.parametrize("token", ["", "a.b.c", "nonsense"])
def test_a_token_that_is_none_is_refused(token):
    with pytest.raises(ClientError):
        AlgorithmClient(token, "http://h", 80)


def test_a_subtask_is_created_as_the_contract_says(proxy, client):
    proxy.answer("POST", "/task", {"id": 9}, status=201)
    assert client.task.create(INPUT, [3, 4], name="n", description="d") == {"id": 9}
    (body,) = proxy.bodies("POST", "/task")
    text = base64.b64encode(b'{"method": "partial", "kwargs": {"column": "\\u00e9"}}').decode()
    assert list(body.items()) == [
        ("name", "n"),
        ("image", "registry/image:1"),
        ("collaboration_id", 1),
        ("description", "d"),
        ("organizations", [{"id": 3, "input": text}, {"id": 4, "input": text}]),
        ("databases", [{"label": "default"}]),
    ]
    assert proxy.requests[-1].headers["authorization"] == f"Bearer {client.token}"


def test_study_and_store_are_passed_on_and_names_have_defaults(proxy, make_client):
    proxy.answer("POST", "/task", {"id": 9}, status=201)
    make_client(study_id=5, store_id=6).task.create(INPUT, [3])
    (body,) = proxy.bodies("POST", "/task")
    assert (body["study_id"], body["store_id"]) == (5, 6)
    assert (body["name"], body["description"]) == ("subtask", "task from container on node_id=7")


def test_inputs_go_to_the_blob_storage_where_there_is_one(proxy, client):
    proxy.answer("GET", "/blobstream/status", {"blob_store_enabled": True})
    proxy.answer("GET", "/organization/3", {"id": 3, "public_key": "a2V5"})
    proxy.answer("GET", "/organization/4", {"id": 4, "public_key": ""})
    proxy.answer("POST", "/blobstream", {"uuid": "u"}, status=201)
    proxy.answer("POST", "/task", {"id": 9}, status=201)
    client.task.create({"method": "m", "args": ["x" * 3_000_000]}, [3, 4])
    (body,) = proxy.bodies("POST", "/task")
    assert body["organizations"] == [{"id": 3, "input": "u"}, {"id": 4, "input": "u"}]
    first, second = (r for r in proxy.requests if r.url.path == "/blobstream")
    assert json.loads(first.content)["args"] == ["x" * 3_000_000]
    assert first.headers["transfer-encoding"] == "chunked"
    assert first.headers["x-public-key"] == "a2V5"
    assert "x-public-key" not in second.headers


@pytest.mark.parametrize("answer", [(404, {"msg": "no"}), (500, {"msg": "no"}), (200, {})])
def test_servers_without_blob_storage_get_inputs_inline(proxy, client, answer):
    proxy.answers["GET", "/blobstream/status"] = answer
    proxy.answer("POST", "/task", {"id": 9}, status=201)
    assert client.task.create(INPUT, [3])["id"] == 9


def test_a_refused_subtask_tells_what_the_server_said(proxy, client):
    proxy.answer("POST", "/task", {"msg": "Node 3 has no such database."}, status=400)
    with pytest.raises(SubtakCreationError, match="'n' was not created: Node 3 has no such"):
        client.task.create(INPUT, [3], name="n")


def test_without_organizations_the_server_decides(proxy, client):
    proxy.answer("POST", "/task", {"msg": "Organizations missing from input"}, status=400)
    with pytest.raises(SubtakCreationError, match="Organizations missing"):
        client.task.create(INPUT)
    assert proxy.bodies("POST", "/task")[0]["organizations"] == []


def test_an_input_that_is_no_json_is_not_sent(proxy, client):
    with pytest.raises(TypeError, match="the input of the subtask"):
        client.task.create({"method": "m", "args": [object()]}, [3])
    assert proxy.requests == []


def test_a_broken_connection_repeats_the_request_recognisably(proxy, client):
    def break_once(request):
        if len(proxy.bodies("POST", "/task")) == 1:
            raise httpx.ReadError("reset")
        return 201, {"id": 9}

    proxy.answer("POST", "/task", break_once)
    assert client.task.create(INPUT, [3])["id"] == 9
    keys = {r.headers["idempotency-key"] for r in proxy.requests if r.method == "POST"}
    assert len(keys) == 1


def test_results_come_parsed_from_all_pages_without_empty_ones(proxy, client):
    first = page(
        {"id": 3, "result": inline({"x": 3})},
        {"id": 2, "result": None},
        following="/api/result?task_id=9&page=2",
    )
    second = page({"id": 1, "result": ""}, {"id": 0, "result": inline(None)})

    def results(request):
        query = parse_qs(request.url.query.decode())
        assert query["task_id"] == ["9"]
        return second if query.get("page") == ["2"] else first

    proxy.answer("GET", "/result", results)
    assert client.result.from_task(9) == [{"x": 3}, None]


def test_results_in_the_blob_storage_are_fetched(proxy, client):
    proxy.answer("GET", "/result", page({"id": 3, "result": "uuid", "blob_storage_used": True}))
    proxy.answer("GET", "/blobstream/uuid", b'{"x": 3}')
    assert client.result.from_task(9) == [{"x": 3}]


@pytest.mark.parametrize("text", ["%%%", "AAA", base64.b64encode(b"\xff").decode()])
def test_a_result_that_cannot_be_read_is_none(proxy, client, text):
    proxy.answer("GET", "/result", page({"id": 3, "result": text}, {"id": 2, "result": inline(1)}))
    assert client.result.from_task(9) == [None, 1]


def test_one_result_can_be_got(proxy, client):
    proxy.answer("GET", "/result/4", {"id": 4, "result": inline([1])})
    proxy.answer("GET", "/result/5", {"id": 5, "result": None})
    assert (client.result.get(4), client.result.get(5)) == ([1], None)
    with pytest.raises(CollectResultsError, match="Result 6 is not available: not there"):
        client.result.get(6)


def finishing_after(proxy, seconds):
    start = proxy.clock.monotonic()

    def status(_):
        ended = proxy.clock.monotonic() - start >= seconds
        return {"status": "completed" if ended else "active"}

    return status


@pytest.mark.parametrize("seconds", [0.3, 2, 60, 3600, 100_000])
def test_waiting_ends_soon_after_the_task_and_asks_seldom(proxy, client, seconds):
    proxy.answer("GET", "/task/9/status", finishing_after(proxy, seconds))
    proxy.answer("GET", "/result", page({"id": 3, "result": inline(1)}))
    assert client.wait_for_results(9) == [1]
    late = proxy.clock.monotonic() - seconds
    assert late <= max(0.06, min(seconds * 0.111, 300))
    assert len(proxy.requests) < 500


def test_pauses_stay_within_the_limit_of_the_contract(proxy, client, monkeypatch):
    pauses = []
    monkeypatch.setattr(proxy.clock, "sleep", lambda s: (pauses.append(s), proxy.clock.advance(s)))
    proxy.answer("GET", "/task/9/status", finishing_after(proxy, 20_000))
    proxy.answer("GET", "/result", page())
    client.wait_for_results(task_id=9, interval=0.2)
    assert min(pauses) == 0.05
    assert max(pauses) == 300
    assert all(pause <= max(0.05, 0.2 * 1.5**n) for n, pause in enumerate(pauses))


@pytest.mark.parametrize("status", ["failed", "crashed", "killed by user", "something new"])
def test_waiting_ends_with_any_final_status(proxy, client, status):
    proxy.answer("GET", "/task/9/status", {"status": status})
    proxy.answer("GET", "/result", page())
    assert client.wait_for_results(9) == []


def test_waiting_for_no_task_or_an_unknown_one_is_an_error(client):
    with pytest.raises(CollectResultsError, match="id is None"):
        client.wait_for_results(None)
    with pytest.raises(CollectResultsError, match="status of task 9 is not available: not there"):
        client.wait_for_results(9)


def test_a_node_that_comes_back_is_waited_for(proxy, client):
    def away_twice(_):
        if len(proxy.requests) < 3:
            raise httpx.ConnectError("refused")
        return {"id": 1, "name": "c"}

    proxy.answer("GET", "/collaboration/1", away_twice)
    assert client.collaboration.get()["name"] == "c"


def test_a_node_that_stays_away_is_an_error(proxy, client):
    def away(_):
        raise httpx.ConnectError("refused")

    proxy.answer("GET", "/collaboration/1", away)
    with pytest.raises(ClientError, match="The collaboration is not available"):
        client.collaboration.get()
    with pytest.raises(ConnectionFailedError):
        client.request("collaboration/1")


def test_organizations_of_the_collaboration_are_listed_over_all_pages(proxy, client):
    def organizations(request):
        query = parse_qs(request.url.query.decode())
        assert query["collaboration_id"] == ["1"]
        if query.get("page") == ["2"]:
            return page({"id": 2})
        return page({"id": 1}, following="/api/organization?collaboration_id=1&page=2")

    proxy.answer("GET", "/organization", organizations)
    assert [o["id"] for o in client.organization.list()] == [1, 2]


def test_organizations_of_a_study_are_listed_if_there_is_one(proxy, make_client):
    proxy.answer("GET", "/organization", page({"id": 1}))
    make_client(study_id=5).organization.list()
    assert proxy.requests[-1].url.params["study_id"] == "5"
    assert "collaboration_id" not in proxy.requests[-1].url.params


def test_single_things_can_be_got(proxy, client):
    for path in ("/organization/3", "/task/4", "/run/5", "/study/6"):
        proxy.answer("GET", path, {"id": int(path[-1])})
    assert client.organization.get(3)["id"] == 3
    assert client.task.get(4)["id"] == 4
    assert client.run.get(5)["id"] == 5
    assert client.study.get(6)["id"] == 6
    with pytest.raises(CollectOrganizationError, match="Organization 9 is not available"):
        client.organization.get(9)


def test_runs_and_studies_are_listed(proxy, client):
    proxy.answer("GET", "/run", page({"id": 1, "input": "as it is"}))
    proxy.answer("GET", "/study", page({"id": 2}))
    assert client.run.from_task(4) == [{"id": 1, "input": "as it is"}]
    assert proxy.requests[-1].url.params["task_id"] == "4"
    assert client.study.list() == [{"id": 2}]
    assert proxy.requests[-1].url.params["collaboration_id"] == "1"


@pytest.mark.parametrize(
    ("call", "query"),
    [
        (lambda vpn: vpn.get_addresses(), {}),
        (lambda vpn: vpn.get_addresses(True, label="x"), {"only_children": "1", "label": "x"}),
        (lambda vpn: vpn.get_addresses(include_parent=True), {"include_parent": "1"}),
        (lambda vpn: vpn.get_own_address(), {"only_self": "1"}),
        (lambda vpn: vpn.get_parent_address(), {"only_parent": "1"}),
        (lambda vpn: vpn.get_child_addresses(), {"only_children": "1"}),
        (lambda vpn: vpn.get_sibling_addresses(), {"only_siblings": "1"}),
    ],
)
def test_addresses_are_asked_for_with_the_flags_that_are_set(proxy, client, call, query):
    proxy.answer("GET", "/vpn/algorithm/addresses", {"addresses": [{"ip": "10.0.0.1"}]})
    assert call(client.vpn) == [{"ip": "10.0.0.1"}]
    assert dict(proxy.requests[-1].url.params) == query


def test_addresses_that_are_not_to_be_had_are_a_message(proxy, client):
    proxy.answer("GET", "/vpn/algorithm/addresses", {"msg": "no VPN"}, status=501)
    assert client.vpn.get_addresses() == {"message": "no VPN"}


def test_a_plain_request_gives_what_the_server_says(proxy, client):
    proxy.answer("GET", "/port", {"data": []})
    assert client.request("port", params={"label": None, "flag": True}) == {"data": []}
    assert dict(proxy.requests[-1].url.params) == {"flag": "True"}
    assert client.request("/absent", method="patch", json={"a": 1}) == {"msg": "not there"}
    assert (proxy.requests[-1].method, proxy.requests[-1].content) == ("PATCH", b'{"a": 1}')
    client.request("port", method="wish")
    assert proxy.requests[-1].method == "GET"
    with pytest.raises(TypeError):
        client.request("port", retry=True)


def test_logging_in_is_answered_with_an_error_object(client):
    assert isinstance(client.authenticate("u", "p"), NotImplementedError)
    assert isinstance(client.refresh_token(), NotImplementedError)


def test_the_connection_is_made_when_it_is_needed(make_token):
    client = AlgorithmClient(make_token(), "http://proxyserver", "80", "")
    assert client.transport.base_url == "http://proxyserver:80"
    assert client.transport is client.transport
    client.transport.close()


def test_the_package_says_its_version():
    assert package.__version__.startswith("4.15.")
