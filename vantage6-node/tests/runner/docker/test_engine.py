"""An engine that is away, and one that refuses."""

from __future__ import annotations

import io
import struct
from types import SimpleNamespace

import pytest
import requests
from docker.errors import APIError, DockerException, NotFound

from vantage6.common.errors import ConfigurationError
from vantage6.node.runner import RunnerUnavailableError
from vantage6.node.runner.docker import engine


@pytest.mark.parametrize(
    "error",
    [
        requests.ConnectionError("refused"),
        requests.ReadTimeout("late"),
        APIError("x", SimpleNamespace(status_code=500, url="", reason=""), explanation="broken"),
    ],
)
def test_an_engine_that_does_not_work_may_work_later(error: Exception) -> None:
    with pytest.raises(RunnerUnavailableError), engine.engine_errors():
        raise error


def test_a_refusal_stays_what_it_is() -> None:
    response = SimpleNamespace(status_code=404, url="", reason="")
    with pytest.raises(NotFound), engine.engine_errors():
        raise NotFound("x", response, explanation="no such container")


def test_a_node_without_engine_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(**_: object) -> None:
        raise DockerException("connection refused")

    monkeypatch.setattr(engine, "APIClient", refused)

    with pytest.raises(ConfigurationError, match=r"The Docker engine does not answer .* start it"):
        engine.connect()


def test_frames_of_the_engine_are_taken_apart() -> None:
    class Stream(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 3))  # as a slow connection gives it

    frames = [(1, b"out"), (2, b"a longer error text"), (1, b"")]
    data = b"".join(struct.pack(">BxxxL", kind, len(text)) + text for kind, text in frames)

    assert list(engine._pieces(Stream(data))) == [text for _, text in frames]
