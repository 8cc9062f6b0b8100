"""The server as a process: port, signals, orderly end. Imported after gevent's patch only."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import gevent
from gevent.pywsgi import LoggingLogAdapter, WSGIHandler, WSGIServer
from gevent.threadpool import ThreadPool

from vantage6.common.cli import output
from vantage6.common.cli.instances import holding
from vantage6.common.config.context import InstanceContext
from vantage6.common.config.load import Settings
from vantage6.common.enums import InstanceType
from vantage6.common.errors import ConfigurationError, V6Error
from vantage6.common.log import configure_logging
from vantage6.server.services.first_start import FirstStart
from vantage6.server.startup import read_settings, start_up

__all__ = ["READY", "InFlight", "bind", "run"]

READY = " ready at http"
"""Part of the line that says that the server answers."""

_log = logging.getLogger(__name__)

_BACKLOG = 1024
_GRACE = 2.0
"""Seconds that requests have to end after the order to stop."""
_SOCKET_PATH = "/socket.io/"
_HIGHEST_PORT = 65535


def run(arguments: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        _serve(options)
    except V6Error as error:
        output.error(str(error))
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m vantage6.server.serve", description="Run a vantage6 server."
    )
    parser.add_argument("--config", required=True, help="configuration file")
    parser.add_argument("--ip", help="address to listen on, instead of the configured one")
    parser.add_argument("--port", type=int, help="port to listen on, 0 for any free one")
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument("--system", action="store_true", help="use the folders of the system")
    scope.add_argument(
        "--user", dest="system", action="store_false", help="use the folders of the user (default)"
    )
    return parser


def _serve(options: argparse.Namespace) -> None:
    stopping = _StopOrder()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stopping.give)
    context = InstanceContext.find(InstanceType.SERVER, None, options.config, options.system)
    settings = read_settings(context)
    address = options.ip or settings["ip"]
    port = settings["port"] if options.port is None else options.port
    with bind(address, port) as listener, holding(context):
        configure_logging(settings["logging"].as_dict(), context.log_file)
        _answer(listener, context, settings, stopping)


def bind(address: str, port: int) -> socket.socket:
    """Take the port, before anything else is done; nobody is answered yet.

    Raises
    ------
    ConfigurationError
        If that is not possible.
    """
    if not 0 <= port <= _HIGHEST_PORT:
        raise ConfigurationError(
            f"The server cannot listen on port {port}; choose one up to {_HIGHEST_PORT}."
        )
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(
            address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise ConfigurationError(
            f"The server cannot listen on {address}:{port}, which is no address of a machine; "
            "correct the settings ip and port."
        ) from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit this; without it answers on kept connections wait 40 ms (ADR 0001).
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(target)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _port_problem(address, port, error) from error
    return listener


def _port_problem(address: str, port: int, error: OSError) -> ConfigurationError:
    if error.errno == errno.EADDRINUSE:
        return ConfigurationError(
            f"Port {port} of {address} is in use by another program; "
            "stop that one, or choose another port with --port."
        )
    return ConfigurationError(
        f"The server cannot listen on {address}:{port} ({error.strerror}); "
        "choose another address or port with --ip and --port."
    )


def _answer(
    listener: socket.socket,
    context: InstanceContext,
    settings: Settings,
    stopping: _StopOrder,
) -> None:
    hashing = ThreadPool(os.cpu_count() or 1)
    started = start_up(context, settings, socket_mode="gevent", run_hash=hashing.apply)
    in_flight = InFlight(started.app)
    server = WSGIServer(
        listener,
        in_flight,
        log=None,
        error_log=LoggingLogAdapter(_log, logging.ERROR),
        handler_class=_Handler,
    )
    server.start()
    _tell_ready(context, settings, listener, started.first_start)
    stopping.wait()
    _log.info("stopping")
    # Sockets are simply dropped: peers then come back by themselves, to the next start.
    server.close()
    in_flight.wait_until_none(_GRACE)
    started.close()
    output.info(f"Server {context.name} stopped")


class _Handler(WSGIHandler):  # type: ignore[misc] # the library has no types
    """Ends a connection after a web socket, whose last frames are no request."""

    def handle_one_response(self) -> None:
        super().handle_one_response()
        if self.environ.get("HTTP_UPGRADE", "").lower() == "websocket":
            self.close_connection = True


def _tell_ready(
    context: InstanceContext,
    settings: Settings,
    listener: socket.socket,
    first_start: FirstStart,
) -> None:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    if first_start.generated_password is not None:
        # To the terminal only, not to the log.
        output.warning(
            "The user 'root' was created with the password "
            f"{first_start.generated_password} , which is shown only now; change it soon."
        )
    _log.info("server %s ready, process %d", context.name, os.getpid())
    output.info(f"Server {context.name}{READY}://{shown}:{port}{settings['api_path']}")
    sys.stdout.flush()


class _StopOrder:
    """What SIGTERM and SIGINT do: end a start at once, or serving in an orderly way."""

    def __init__(self) -> None:
        self._given = threading.Event()
        self._main = gevent.getcurrent()
        self._is_waited_for = False

    def give(self) -> None:
        """Give the order."""
        self._given.set()
        if not self._is_waited_for:
            # The start may be waiting, for a database for example.
            gevent.get_hub().loop.run_callback(self._main.throw, SystemExit(0))

    def wait(self) -> None:
        """Wait for the order."""
        self._is_waited_for = True
        self._given.wait()


class InFlight:
    """Counts the requests that are being answered, without sockets, which never end.

    Parameters
    ----------
    app : callable
        The WSGI application.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app
        self._count = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Pass a request on and count it until its answer is sent completely."""
        if environ.get("PATH_INFO", "").startswith(_SOCKET_PATH):
            return self._app(environ, start_response)
        return self._counted(environ, start_response)

    def _counted(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self._count += 1
        try:
            answer = self._app(environ, start_response)
            try:
                yield from answer
            finally:
                close = getattr(answer, "close", None)
                if close is not None:
                    close()
        finally:
            self._count -= 1

    def wait_until_none(self, seconds: float) -> bool:
        """Wait until nothing is being answered; tell whether that came in time."""
        deadline = time.monotonic() + seconds
        while self._count and time.monotonic() < deadline:
            time.sleep(0.02)
        return not self._count
