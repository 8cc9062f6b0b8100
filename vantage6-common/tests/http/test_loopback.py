"""What the environment says about proxies and authorities, tried on the loopback interface."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from vantage6.common.clock import ManualClock
from vantage6.common.errors import ConnectionFailedError
from vantage6.common.http.transport import Transport
from vantage6.common.testing.crypto import private_key

_VARIABLES = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = f'{{"asked": "{self.path}"}}'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - base class
        """Say nothing."""


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A file with a key and a certificate that nobody has signed but itself."""
    key = private_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(dt.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def secure_address(server: HTTPServer, certificate: Path) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return f"https://127.0.0.1:{server.server_port}/api"


def test_a_proxy_of_the_environment_is_used(
    server: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.server_port}")

    with Transport("http://server.invalid:7601/api") as transport:
        answer = transport.get("/version")

    assert answer == {"asked": "http://server.invalid:7601/api/version"}


def test_hosts_without_proxy_are_asked_directly(
    server: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    with Transport(f"http://127.0.0.1:{server.server_port}/api") as transport:
        assert transport.get("/version") == {"asked": "/api/version"}


def test_a_certificate_nobody_vouches_for_is_refused_at_once(secure_address: str) -> None:
    clock = ManualClock()

    with (
        Transport(secure_address, clock=clock) as transport,
        pytest.raises(ConnectionFailedError, match="SSL_CERT_FILE"),
    ):
        transport.get("/version")
    assert clock.monotonic() == 0


def test_an_authority_can_be_given(secure_address: str, certificate: Path) -> None:
    with Transport(secure_address, verify=str(certificate)) as transport:
        assert transport.get("/version") == {"asked": "/api/version"}


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environment_can_name_an_authority(
    variable: str, secure_address: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(certificate))

    with Transport(secure_address) as transport:
        assert transport.get("/version") == {"asked": "/api/version"}


def test_certificates_can_be_left_unchecked(secure_address: str) -> None:
    with Transport(secure_address, verify=False) as transport:
        assert transport.get("/version") == {"asked": "/api/version"}
