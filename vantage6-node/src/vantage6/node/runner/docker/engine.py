"""Reaching the Docker engine, and telling an engine that is away from one that refuses."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from docker.api.client import APIClient
from docker.errors import APIError, DockerException
from docker.utils import kwargs_from_env

from vantage6.common.errors import ConfigurationError
from vantage6.common.wire.container import Label
from vantage6.node.runner.base import RunnerUnavailableError
from vantage6.node.runner.options import RunOwner

__all__ = [
    "Purpose",
    "connect",
    "container_output",
    "engine_errors",
    "explanation",
    "is_ours",
    "label_filter",
    "our_labels",
]

_TIMEOUT = 60
_CONNECTIONS = 100  # one is kept busy by each run that is waited for
_SERVER_FAULT = 500
_FRAME_HEADER = struct.Struct(">BxxxL")


class Purpose:
    """Values of the label that tells what an object of the node is for."""

    RUN = "run"
    SLOT = "slot"
    RELAY = "relay"
    SCRATCH = "scratch"


def connect() -> Any:
    """Return a client of the engine this account uses, checked.

    Raises
    ------
    ConfigurationError
        If no engine answers.
    """
    try:
        return APIClient(
            version="auto", timeout=_TIMEOUT, max_pool_size=_CONNECTIONS, **kwargs_from_env()
        )
    except (DockerException, requests.RequestException) as error:
        raise ConfigurationError(
            f"The Docker engine does not answer ({error}); start it and let this account use it, "
            "or set runner to 'process' for a node without isolation."
        ) from error


@contextmanager
def engine_errors() -> Iterator[None]:
    """Turn the ways in which an engine can be away into one error; refusals pass through."""
    try:
        yield
    except APIError as error:  # also a RequestException, so it comes first
        if (error.status_code or 0) < _SERVER_FAULT:
            raise
        raise RunnerUnavailableError(
            f"The Docker engine failed ({explanation(error)}); see its log."
        ) from error
    except requests.RequestException as error:
        raise RunnerUnavailableError(
            f"The Docker engine does not answer ({error}); start it again."
        ) from error


@contextmanager
def container_output(api: Any, container: str, **options: Any) -> Iterator[Iterator[bytes]]:
    """Open what a container has written to both of its outputs, in pieces of any length.

    Parameters
    ----------
    api : docker.APIClient
        The engine.
    container : str
        Its id or name; it must have no terminal, as none of ours has.
    options
        Parameters of the engine's interface, for example ``follow=True``.

    Raises
    ------
    APIError
        If the engine refuses, for example `NotFound`.
    """
    url = f"{api.base_url}/v{api.api_version}/containers/{container}/logs"
    parameters = {"stdout": True, "stderr": True, **options}
    # The SDK's own reader leaves connections open.
    response = api.get(url, params=parameters, stream=True, timeout=_TIMEOUT)
    try:
        api._raise_for_status(response)
        yield _pieces(response.raw)
    finally:
        response.close()


def _pieces(stream: Any) -> Iterator[bytes]:
    """Take the engine's frames apart: a header with the length, then the piece."""
    while len(header := _exactly(stream, _FRAME_HEADER.size)) == _FRAME_HEADER.size:
        _, length = _FRAME_HEADER.unpack(header)
        yield _exactly(stream, length)


def _exactly(stream: Any, count: int) -> bytes:
    parts = []
    while count and (part := stream.read(count)):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def explanation(error: APIError) -> str:
    """Return the engine's own words, without its preface."""
    text = str(error.explanation or error).strip().rstrip(".")
    return text.removeprefix("Error response from daemon: ")


def our_labels(owner: RunOwner, purpose: str) -> dict[str, str]:
    """Return the labels that mark an object as this node's."""
    return {Label.NODE_ID: owner.instance, Label.PURPOSE: purpose, Label.NODE: owner.name}


def label_filter(owner: RunOwner, purpose: str, **more: str) -> dict[str, list[str]]:
    """Return the filter that finds this node's objects, and those of no other."""
    labels = {Label.NODE_ID: owner.instance, Label.PURPOSE: purpose, **more}
    return {"label": [f"{name}={value}" for name, value in labels.items()]}


def is_ours(labels: dict[str, str] | None, owner: RunOwner) -> bool:
    """Tell whether an object with these labels is this node's."""
    return (labels or {}).get(Label.NODE_ID) == owner.instance
