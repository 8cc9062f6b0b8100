"""A proxy in front of a server that is a table of answers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from flask.testing import FlaskClient

from vantage6.common.clock import ManualClock
from vantage6.common.crypto.base import Cryptor
from vantage6.common.crypto.plain import PlainCryptor
from vantage6.common.crypto.rsa import RsaCryptor
from vantage6.common.http.transport import Transport
from vantage6.node.proxy import ProxyServices, create_app
from vantage6.node.runs.tokens import ActiveRun, TokenRegistry

TOKEN = "the.run.token"
RUN = ActiveRun(run_id=7, task_id=3, job_id=2, image="image:1")


@dataclass
class FakeServer:
    """Answers by method and path; keeps what it was asked."""

    answers: dict[str, Any] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.bodies.append(request.read())
        answer = self.answers.get(f"{request.method} {request.url.path.removeprefix('/api')}")
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if answer is None:
            return httpx.Response(404, json={"msg": "not here"})
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return httpx.Response(
                answer.status_code, headers=answer.headers, content=answer.content
            )
        return httpx.Response(200, json=answer)

    @property
    def asked(self) -> list[str]:
        return [
            f"{each.method} {each.url.raw_path.decode().removeprefix('/api')}"
            for each in self.requests
        ]

    def sent(self, number: int = -1) -> Any:
        return json.loads(self.bodies[number])


@dataclass
class Proxy:
    """The proxy of a node, and the server behind it."""

    server: FakeServer
    cryptor: Cryptor
    client: FlaskClient
    tokens: TokenRegistry

    def request(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {TOKEN}", **options.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> Any:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Any:
        return self.request("POST", path, **options)


def make_proxy(cryptor: Cryptor, *, tasks_repeatable: bool = True) -> Proxy:
    server = FakeServer()
    tokens = TokenRegistry()
    tokens.register(TOKEN, RUN)
    services = ProxyServices(
        connect=lambda auth: Transport(
            "http://server.test/api",
            auth=auth,
            handler=httpx.MockTransport(server),
            clock=ManualClock(),
        ),
        tokens=tokens,
        cryptor=cryptor,
        tasks_repeatable=tasks_repeatable,
    )
    return Proxy(server, cryptor, create_app(services).test_client(), tokens)


@pytest.fixture(scope="session")
def own_key() -> RsaCryptor:
    return RsaCryptor(rsa.generate_private_key(65537, 2048))


@pytest.fixture(scope="session")
def other_key() -> RsaCryptor:
    return RsaCryptor(rsa.generate_private_key(65537, 2048))


@pytest.fixture
def proxy() -> Proxy:
    """Return the proxy of a collaboration without encryption."""
    return make_proxy(PlainCryptor())


@pytest.fixture
def encrypting(own_key: RsaCryptor) -> Proxy:
    """Return the proxy of an encrypted collaboration."""
    return make_proxy(own_key)


@pytest.fixture
def cautious() -> Proxy:
    """Return a proxy in front of a server that does not recognize repeated requests."""
    return make_proxy(PlainCryptor(), tasks_repeatable=False)
