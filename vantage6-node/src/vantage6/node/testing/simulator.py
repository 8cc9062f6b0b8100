"""A server for tests of nodes: as strict as the released one, and able to misbehave."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx

from vantage6.common.status import RunStatus, is_finished
from vantage6.common.testing.http import html_reply, json_reply, no_connection
from vantage6.common.testing.tokens import make_token

__all__ = ["API_KEY", "ServerSimulator"]

API_KEY = "6fd4f2f0-1111-4222-8333-444455556666"
_API_PATH = "/api"
_STRICT_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(\+00:00)?")
_RUN_KEYS = frozenset({"started_at", "finished_at", "log", "result", "status"})
_CREATED_AT = "2026-11-01T08:00:00.000001"
_NODE_ID = 7


class ServerSimulator(httpx.BaseTransport):
    """One collaboration, as the node sees it over REST.

    ``PATCH /run`` follows the released server to the letter: only known keys, times with six
    fraction digits, absent keys reset, nothing after the end (contract, node section 3).

    Parameters
    ----------
    encrypted : bool
        Whether the collaboration is.
    page_size : int
        Most runs on a page, whatever is asked for.

    Attributes
    ----------
    runs : dict
        Runs by id, as the server keeps them.
    results : Counter
        How often a result was accepted, by run id.
    statuses : dict
        Statuses in the order they were accepted, by run id.
    keys : dict
        Public keys by organization id.
    calls : list of str
        Method and path of each request.
    is_down, shows_page : bool
        Whether nobody answers, or a proxy does instead.
    """

    def __init__(self, *, encrypted: bool = False, page_size: int = 2) -> None:
        self.encrypted = encrypted
        self.runs: dict[int, dict[str, Any]] = {}
        self.tasks: dict[int, dict[str, Any]] = {}
        self.results: Counter[int] = Counter()
        self.statuses: dict[int, list[str]] = {}
        self.keys: dict[int, str] = {1: "", 2: ""}
        self.names = {1: "Hospital", 2: "Registry"}
        self.stores: dict[int, str] = {}
        self.blobs: dict[str, bytes] = {}
        self.calls: list[str] = []
        self.is_down = False
        self.shows_page = False
        self.largest_body = 10**9
        self.api_key = API_KEY
        self.before: Callable[[str], None] = lambda _call: None
        self._page_size = page_size
        self._valid: set[str] = set()
        self._lock = threading.RLock()

    # -- set-up -------------------------------------------------------------------------------

    def add_run(
        self,
        run_id: int,
        *,
        task_id: int | None = None,
        input_text: str | None = None,
        image: str = "img:1",
        **task: Any,
    ) -> None:
        """Create a task with one run for this node."""
        task_id = task_id or 100 + run_id
        self.tasks[task_id] = {
            "id": task_id,
            "job_id": task_id,
            "image": image,
            "init_org": {"id": 2},
            "init_user": {"id": 5},
            "databases": [],
            "parent": None,
            "algorithm_store": None,
            "created_at": _CREATED_AT,
            **task,
        }
        plain = json.dumps({"method": "m"}).encode()
        self.runs[run_id] = {
            "id": run_id,
            "status": RunStatus.PENDING.value,
            "input": base64.b64encode(plain).decode() if input_text is None else input_text,
            "log": None,
            "result": None,
            "started_at": None,
            "finished_at": None,
            "blob_storage_used": False,
            "task_id": task_id,
        }

    def finish(self, run_id: int, status: str = RunStatus.KILLED.value) -> None:
        """End a run at the server, as a kill does."""
        self.runs[run_id].update(status=status, finished_at=_CREATED_AT)

    def forget_tokens(self) -> None:
        """Refuse all tokens given so far, as after a restart without a fixed secret."""
        self._valid.clear()

    # -- the network --------------------------------------------------------------------------

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        body = request.read()
        call = f"{request.method} {request.url.path.removeprefix(_API_PATH)}"
        with self._lock:
            self.before(f"before {call}")
            self.calls.append(call)
            if self.is_down:
                raise no_connection()
            if self.shows_page:
                return html_reply(502)
            if len(body) > self.largest_body:
                return html_reply(413)
            answer = self._answer(call, request, body)
            self.before(f"after {call}")
            return answer

    def _answer(self, call: str, request: httpx.Request, body: bytes) -> httpx.Response:
        if call == "POST /token/node":
            return self._log_in(json.loads(body))
        if call == "POST /token/refresh":
            return json_reply({"msg": "expired"}, 401)
        if request.headers.get("authorization") not in self._valid:
            return json_reply({"msg": "bad token"}, 422)
        for pattern, handler in self._routes():
            match = re.fullmatch(pattern, call)
            if match:
                return handler(request, body, *match.groups())
        return html_reply(404)

    def _routes(self) -> list[tuple[str, Callable[..., httpx.Response]]]:
        return [
            (r"GET /version", lambda _request, _body: json_reply({"version": "4.15.2"})),
            (r"GET /node/(\d+)", self._get_node),
            (r"GET /organization/(\d+)", self._get_organization),
            (r"PATCH /organization/(\d+)", self._patch_organization),
            (r"GET /organization", self._get_organizations),
            (r"GET /collaboration/(\d+)", self._get_collaboration),
            (r"GET /run", self._get_runs),
            (r"GET /run/(\d+)", self._get_run),
            (r"PATCH /run/(\d+)", self._patch_run),
            (r"POST /token/container", self._container_token),
            (r"POST /blobstream", self._post_blob),
            (r"GET /blobstream/([\w-]+)", self._get_blob),
            (r"GET /algorithmstore/(\d+)", self._get_store),
        ]

    def _log_in(self, body: dict[str, Any]) -> httpx.Response:
        if body.get("api_key") != self.api_key:
            return json_reply({"msg": "unknown key"}, 401)
        token = make_token(21_600, sub=_NODE_ID, jti=str(uuid4()))
        self._valid.add(f"Bearer {token}")
        return json_reply(
            {
                "access_token": token,
                "refresh_token": "refresh",
                "refresh_url": "/api/token/refresh",
                "node_url": f"/api/node/{_NODE_ID}",
            }
        )

    def _get_node(self, _request: httpx.Request, _body: bytes, _id: str) -> httpx.Response:
        node = {"id": _NODE_ID, "name": "Node A", "organization": {"id": 1}}
        return json_reply({**node, "collaboration": {"id": 1}})

    def _get_organization(self, _request: httpx.Request, _body: bytes, id_: str) -> httpx.Response:
        return json_reply(self._organization(int(id_)))

    def _patch_organization(self, _request: httpx.Request, body: bytes, id_: str) -> httpx.Response:
        self.keys[int(id_)] = json.loads(body)["public_key"]
        return json_reply(self._organization(int(id_)))

    def _get_organizations(self, request: httpx.Request, _body: bytes) -> httpx.Response:
        wanted = request.url.params.get("name", "").lower()
        found = [id_ for id_, name in self.names.items() if name.lower() == wanted]
        return json_reply({"data": [self._organization(id_) for id_ in found], "links": {}})

    def _organization(self, id_: int) -> dict[str, Any]:
        return {"id": id_, "name": self.names[id_], "public_key": self.keys[id_]}

    def _get_collaboration(self, _request: httpx.Request, _body: bytes, _id: str) -> httpx.Response:
        return json_reply({"id": 1, "name": "study", "encrypted": self.encrypted})

    def _get_store(self, _request: httpx.Request, _body: bytes, id_: str) -> httpx.Response:
        if int(id_) not in self.stores:
            return json_reply({"msg": "unknown store"}, 404)
        return json_reply({"id": int(id_), "url": self.stores[int(id_)]})

    def _get_runs(self, request: httpx.Request, _body: bytes) -> httpx.Response:
        query = request.url.params
        if query.get("state") != "open" or query.get("node_id") != str(_NODE_ID):
            return json_reply({"msg": "the test server lists open runs of node 7 only"}, 400)
        found = [
            self._run(run, with_task=query.get("include") == "task")
            for run in sorted(self.runs.values(), key=lambda run: -run["id"])
            if run["finished_at"] is None and query.get("task_id") in {None, str(run["task_id"])}
        ]
        page = int(query.get("page", 1))
        size = min(self._page_size, int(query.get("per_page", 10)))
        links = {"self": f"/api/run?page={page}"}
        if page * size < len(found):
            links["next"] = f"/api/run?state=open&node_id=7&include=task&page={page + 1}"
        return json_reply({"data": found[(page - 1) * size : page * size], "links": links})

    def _get_run(self, _request: httpx.Request, _body: bytes, id_: str) -> httpx.Response:
        run = self.runs.get(int(id_))
        if run is None:
            return json_reply({"msg": "unknown run"}, 404)
        return json_reply(self._run(run, with_task=False))

    def _run(self, run: dict[str, Any], *, with_task: bool) -> dict[str, Any]:
        shown = {key: value for key, value in run.items() if key not in {"result", "task_id"}}
        task = self.tasks[run["task_id"]]
        return {**shown, "task": task if with_task else {"id": task["id"]}}

    def _patch_run(self, _request: httpx.Request, body: bytes, id_: str) -> httpx.Response:
        run = self.runs.get(int(id_))
        if run is None:
            return json_reply({"msg": "unknown run"}, 404)
        change = json.loads(body)
        if set(change) - _RUN_KEYS or None in change.values():
            return json_reply({"msg": "Request body is incorrect", "errors": {}}, 400)
        if change.get("status", run["status"]) not in {status.value for status in RunStatus}:
            return json_reply({"msg": "unknown status"}, 400)
        if run["finished_at"] is not None:
            return json_reply({"msg": "Cannot update an already finished algorithm run!"}, 400)
        for key in ("started_at", "finished_at"):
            if key in change and not _STRICT_TIME.fullmatch(change[key]):
                return json_reply({"msg": "internal error"}, 500)
        run.update(
            status=change.get("status", run["status"]),
            started_at=change.get("started_at", run["started_at"]),
            log=change.get("log"),
            result=change.get("result"),
            finished_at=change.get("finished_at"),
        )
        self.statuses.setdefault(run["id"], []).append(run["status"])
        if "finished_at" in change:
            self.results[run["id"]] += 1
        return json_reply(self._run(run, with_task=False))

    def _container_token(self, _request: httpx.Request, body: bytes) -> httpx.Response:
        wanted = json.loads(body)
        task = self.tasks.get(wanted["task_id"])
        if task is None:
            return json_reply({"msg": "unknown task"}, 400)
        if task["image"] != wanted["image"]:
            return json_reply({"msg": "wrong image"}, 401)
        runs = [run for run in self.runs.values() if run["task_id"] == task["id"]]
        if all(is_finished(run["status"]) for run in runs):
            return json_reply({"msg": "Task is already finished!"}, 400)
        return json_reply({"container_token": make_token(None, task_id=task["id"])})

    def _post_blob(self, _request: httpx.Request, body: bytes) -> httpx.Response:
        uuid = str(uuid4())
        self.blobs[uuid] = body
        return json_reply({"uuid": uuid}, 201)

    def _get_blob(self, _request: httpx.Request, _body: bytes, uuid: str) -> httpx.Response:
        if uuid not in self.blobs:
            return json_reply({"msg": "no such blob"}, 404)
        headers = {"content-type": "application/octet-stream"}
        return httpx.Response(200, content=self.blobs[uuid], headers=headers)
