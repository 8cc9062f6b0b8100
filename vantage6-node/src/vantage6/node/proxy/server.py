"""Serving the proxy on a unix socket, a TCP port, or both."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from flask import Flask
from waitress import create_server, wasyncore

from vantage6.common.errors import ConfigurationError
from vantage6.node.runner.options import ProxyAddress

__all__ = ["ProxyServer"]

_LOOPBACK = "127.0.0.1"
_THREADS = 16
_CONNECTIONS = 1000
_LARGEST_BODY = 16 * 1024**3  # larger ones than 512 KiB wait on disk, not in memory
_SOCKET_MODE = 0o666  # its folder is open to the relay only
_LONGEST_ADDRESS = 100
_LOOP_TIMEOUT = 30.0

_log = logging.getLogger(__name__)


class ProxyServer:
    """The proxy's listeners and threads.

    Parameters
    ----------
    app : Flask
        The proxy.
    socket_path : Path, optional
        Unix socket to listen on, in a folder with nothing else in it.
    port : int, optional
        TCP port to listen on; 0 for the one of last time, or else a free one.
    host : str
        Address to listen on with TCP; the loopback one unless runs come over a network.
    port_file : Path, optional
        Where the port is remembered, so that algorithms that outlive the node find it again.
    threads : int
        Requests handled at the same time.
    """

    def __init__(
        self,
        app: Flask,
        *,
        socket_path: Path | None = None,
        port: int | None = None,
        host: str = _LOOPBACK,
        port_file: Path | None = None,
        threads: int = _THREADS,
    ) -> None:
        self._app = app
        self._socket_path = socket_path
        self._port = port
        self._host = host
        self._port_file = port_file
        self._threads = threads
        self._map: dict[int, Any] = {}
        self._servers: list[Any] = []
        self._stopping = threading.Event()
        self._loop = threading.Thread(target=self._serve, name="proxy", daemon=True)

    @property
    def address(self) -> ProxyAddress:
        """Where the proxy listens; with the real port once it listens."""
        return ProxyAddress(self._socket_path, self._port)

    def start(self) -> None:
        """Begin to answer.

        Raises
        ------
        ConfigurationError
            If a port or socket cannot be had.
        """
        if not self._servers:
            self.listen()
        self._loop.start()

    def listen(self) -> None:
        """Take port and socket; who connects has to wait for `start`.

        Raises
        ------
        ConfigurationError
            If a port or socket cannot be had.
        """
        for listener in self._listeners():
            self._servers.append(
                create_server(
                    self._app,
                    map=self._map,
                    sockets=[listener],
                    threads=self._threads,
                    connection_limit=_CONNECTIONS,
                    max_request_body_size=_LARGEST_BODY,
                    ident=None,
                    clear_untrusted_proxy_headers=True,
                )
            )

    def close(self) -> None:
        """Stop listening; requests under way are given up."""
        self._stopping.set()
        if self._loop.is_alive():
            self._servers[0].trigger.pull_trigger()
            self._loop.join()
        for server in self._servers:
            server.task_dispatcher.shutdown(cancel_pending=True, timeout=1)
        wasyncore.close_all(self._map)
        self._servers.clear()
        if self._socket_path is not None:
            self._socket_path.unlink(missing_ok=True)

    def _listeners(self) -> list[socket.socket]:
        listeners = []
        if self._socket_path is not None:
            listeners.append(_unix_listener(self._socket_path))
        if self._port is not None:
            listener = self._tcp_listener()
            self._port = int(listener.getsockname()[1])
            listeners.append(listener)
            if self._port_file is not None:
                self._port_file.write_text(str(self._port), encoding="ascii")
        return listeners

    def _tcp_listener(self) -> socket.socket:
        remembered = self._remembered_port()
        if not self._port and remembered:
            with suppress(OSError):
                return socket.create_server((self._host, remembered))
        try:
            return socket.create_server((self._host, self._port or 0))
        except OSError as error:
            raise ConfigurationError(
                f"The proxy cannot listen on {self._host}:{self._port} ({error.strerror}); free "
                "the port, or set another one."
            ) from error

    def _remembered_port(self) -> int | None:
        if self._port_file is None:
            return None
        with suppress(OSError, ValueError):
            return int(self._port_file.read_text(encoding="ascii"))
        return None

    def _serve(self) -> None:
        while not self._stopping.is_set():
            wasyncore.loop(timeout=_LOOP_TIMEOUT, map=self._map, use_poll=True, count=1)


def _unix_listener(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _bind(listener, path)
        path.chmod(_SOCKET_MODE)
        listener.listen()
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"The proxy cannot make its socket {path} ({error}); check that the folder is there "
            "and that this account may write to it."
        ) from error
    return listener


def _bind(listener: socket.socket, path: Path) -> None:
    """Bind to a path, also to one that is longer than the system takes."""
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS or sys.platform != "linux":
        listener.bind(str(path))
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        listener.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)
