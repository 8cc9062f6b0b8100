"""Compare ways to run the server's process: greenlets or operating system threads.

What is measured, per model, with one process:

* memory per idle websocket (Socket.IO on the websocket transport, `--sockets` of them);
* time of a light GET, alone and while passwords are hashed (argon2id, `--logins` per second) and
  one client slowly reads a large download;
* time until the last of the sockets has an event that goes to all of them.

Run it with the environment of the server package::

    python tests/bench/concurrency_model.py measure --models gevent,threads --out result.json

The model ``threads`` needs gunicorn. Memory is read from ``/proc`` (Linux).
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

DOWNLOAD_BYTES = 200 * 2**20
CHUNK = b"x" * 65536
PASSWORD = "a password nobody uses"


def build_app(async_mode: str, hash_in_pool: Callable[[Callable[[], Any]], Any]) -> Any:
    """Make the application that is measured: sockets, a light GET, a login, a download."""
    from argon2 import PasswordHasher
    from flask import Flask, Response
    from flask_socketio import Namespace, SocketIO

    app = Flask(__name__)
    sockets = SocketIO(app, async_mode=async_mode, cors_allowed_origins="*")
    sockets.on_namespace(Namespace("/tasks"))
    hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
    stored = hasher.hash(PASSWORD)

    @app.get("/version")
    def version() -> dict[str, str]:
        return {"version": "1"}

    @app.post("/login")
    def login() -> dict[str, bool]:
        return {"ok": hash_in_pool(lambda: hasher.verify(stored, PASSWORD))}

    @app.post("/emit")
    def emit() -> dict[str, bool]:
        sockets.emit("new_task", {"id": 1, "parent_id": None}, namespace="/tasks")
        return {"ok": True}

    @app.get("/download")
    def download() -> Response:
        def chunks() -> Iterator[bytes]:
            for _ in range(DOWNLOAD_BYTES // len(CHUNK)):
                yield CHUNK

        return Response(chunks(), mimetype="application/octet-stream")

    return app


def serve_gevent(port: int, *, pool: bool) -> None:
    """Serve with greenlets; hashing in gevent's native threads, or (to compare) in the loop."""
    from gevent import monkey

    monkey.patch_all()
    from gevent.pywsgi import WSGIServer
    from gevent.threadpool import ThreadPool

    threads = ThreadPool(os.cpu_count() or 1)

    def in_pool(work: Callable[[], Any]) -> Any:
        return threads.apply(work) if pool else work()

    app = build_app("gevent", in_pool)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections inherit this. Without it every answer on a kept connection waits 40 ms for the
    # acknowledgement of its header.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(1024)
    listener.setblocking(False)
    WSGIServer(listener, app, log=None).serve_forever()


def serve_threads(port: int) -> None:
    """Serve with one operating system thread per request or socket (gunicorn's gthread)."""
    from gunicorn.app.base import BaseApplication

    class Application(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            self.cfg.set("bind", f"127.0.0.1:{port}")
            self.cfg.set("worker_class", "gthread")
            self.cfg.set("workers", 1)
            self.cfg.set("threads", 600)
            self.cfg.set("timeout", 0)

        def load(self) -> Any:
            return build_app("threading", lambda work: work())

    Application().run()


def free_port() -> int:
    """Find a port nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def process_tree(pid: int) -> list[int]:
    """List a process and its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            children.setdefault(int(stat.rsplit(")", 1)[1].split()[1]), []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def memory_kib(pid: int) -> int:
    """Sum the proportional memory of a process tree, in KiB."""
    total = 0
    for member in process_tree(pid):
        for line in Path(f"/proc/{member}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total


def cpu_seconds(pid: int) -> float:
    """Sum the processor time of a process tree, in seconds."""
    total = 0
    for member in process_tree(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


class IdleSocket:
    """A Socket.IO client that joins ``/tasks`` over a websocket and then says nothing."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            (
                "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
                f"Host: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
            ).encode()
        )
        self.wait_for(b'"sid"')
        self._send(b"40/tasks,")
        self.wait_for(b"40/tasks,")

    def wait_for(self, text: bytes) -> None:
        """Read until the text has come."""
        received = b""
        while text not in received:
            part = self._socket.recv(4096)
            if not part:
                raise ConnectionError(f"closed after {received!r}")
            received += part

    def _send(self, text: bytes) -> None:
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(text))
        self._socket.sendall(bytes([0x81, 0x80 | len(text)]) + mask + masked)

    def close(self) -> None:
        """Drop the connection."""
        self._socket.close()


def light_gets(port: int, seconds: float) -> list[float]:
    """Ask for ``/version`` over one connection for a while; return the times in milliseconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    times = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.perf_counter()
        connection.request("GET", "/version")
        connection.getresponse().read()
        times.append(1000 * (time.perf_counter() - start))
        time.sleep(0.005)
    connection.close()
    return times


def fan_out(port: int, sockets: list[IdleSocket]) -> float:
    """Send one event to all sockets; return when the last has it, in milliseconds."""
    start = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/emit")
    for idle in sockets:
        idle.wait_for(b"new_task")
    elapsed = 1000 * (time.perf_counter() - start)
    connection.getresponse().read()
    connection.close()
    return elapsed


def summary(times: list[float]) -> dict[str, float]:
    """Reduce times to median, 95th percentile and maximum."""
    ordered = sorted(times)
    return {
        "n": len(ordered),
        "p50_ms": round(statistics.median(ordered), 2),
        "p95_ms": round(ordered[int(0.95 * (len(ordered) - 1))], 2),
        "max_ms": round(ordered[-1], 2),
    }


class Load:
    """Logins at a fixed rate and one slow download, until stopped."""

    def __init__(self, port: int, logins_per_second: float) -> None:
        self._port = port
        self._interval = 1 / logins_per_second
        self._stop = threading.Event()
        self.logins: list[float] = []
        self._threads = [
            threading.Thread(target=self._download),
            threading.Thread(target=self._rate),
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _rate(self) -> None:
        pending = []
        due = time.monotonic()
        while not self._stop.is_set():
            pending.append(threading.Thread(target=self._login))
            pending[-1].start()
            due += self._interval
            time.sleep(max(0.0, due - time.monotonic()))
        for thread in pending:
            thread.join()

    def _login(self) -> None:
        start = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request("POST", "/login")
        connection.getresponse().read()
        connection.close()
        self.logins.append(1000 * (time.perf_counter() - start))

    def _download(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request("GET", "/download")
        answer = connection.getresponse()
        while not self._stop.is_set() and answer.read(2**20):
            time.sleep(0.1)
        connection.close()


def wait_until_up(port: int) -> None:
    """Wait until the server answers."""
    for _ in range(200):
        try:
            light_gets(port, 0.0)
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/version")
            connection.getresponse().read()
            connection.close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the server did not start within 20 s")


def measure(model: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Start one model in a process of its own, load it and collect the figures."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, __file__, "serve", model, str(port)], stderr=subprocess.DEVNULL
    )
    try:
        wait_until_up(port)
        light_gets(port, 0.5)
        result: dict[str, Any] = {"model": model, "idle_kib": memory_kib(process.pid)}
        result["alone"] = summary(light_gets(port, arguments.seconds))
        sockets = [IdleSocket(port) for _ in range(arguments.sockets)]
        time.sleep(1)
        grown = memory_kib(process.pid) - result["idle_kib"]
        result["kib_per_socket"] = round(grown / max(1, arguments.sockets), 1)
        result["fan_out"] = summary([fan_out(port, sockets) for _ in range(5)])
        cpu = cpu_seconds(process.pid)
        with Load(port, arguments.logins) as load:
            result["loaded"] = summary(light_gets(port, arguments.seconds))
        result["logins"] = summary(load.logins)
        result["cpu_s"] = round(cpu_seconds(process.pid) - cpu, 1)
        for idle in sockets:
            idle.close()
        return result
    finally:
        process.terminate()
        process.wait(timeout=30)


def main() -> None:
    """Serve one model, or measure several."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve")
    serve.add_argument("model", choices=["gevent", "gevent-inline", "threads"])
    serve.add_argument("port", type=int)
    run = commands.add_parser("measure")
    run.add_argument("--models", default="gevent,gevent-inline,threads")
    run.add_argument("--sockets", type=int, default=500)
    run.add_argument("--logins", type=float, default=10.0)
    run.add_argument("--seconds", type=float, default=10.0)
    run.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "serve":
        if arguments.model == "threads":
            serve_threads(arguments.port)
        else:
            serve_gevent(arguments.port, pool=arguments.model == "gevent")
        return
    results = []
    for model in arguments.models.split(","):
        results.append(measure(model, arguments))
        print(json.dumps(results[-1]), flush=True)
    report = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "results": results,
    }
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
