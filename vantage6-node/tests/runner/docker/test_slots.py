"""Networks of runs on a real engine: reuse, what a killed node leaves, and orderly ends."""

from __future__ import annotations

import json
import socketserver
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

import docker
from vantage6.common.wire.container import Label
from vantage6.node.runner import RunnerOptions, RunnerUnavailableError, StartError

pytestmark = pytest.mark.docker


@pytest.fixture
def engine() -> Iterator[Any]:
    api = docker.APIClient()
    yield api
    api.close()


def networks(engine: Any, station: Any) -> list[str]:
    filters = {"label": f"{Label.NODE_ID}={station.options.owner.instance}"}
    return sorted(network["Name"] for network in engine.networks(filters=filters))


def containers(engine: Any, station: Any, purpose: str) -> list[dict[str, Any]]:
    labels = [
        f"{Label.NODE_ID}={station.options.owner.instance}",
        f"{Label.PURPOSE}={purpose}",
    ]
    found: list[dict[str, Any]] = engine.containers(all=True, filters={"label": labels})
    return found


def ended(station: Any, run_id: int) -> Any:
    handle = station.start(station.spec("echo", run_id=run_id))
    assert station.runner.wait(handle, 30).exit_code == 0
    return handle


def test_a_network_is_used_again_when_its_run_is_removed(engine: Any, docker_station: Any) -> None:
    station = docker_station()
    first = ended(station, 1)
    station.runner.remove(first)
    second = ended(station, 2)

    assert second.data["network"] == first.data["network"]
    assert len(networks(engine, station)) == 1


def test_runs_at_the_same_time_have_networks_of_their_own(engine: Any, docker_station: Any) -> None:
    station = docker_station()
    handles = [station.start(station.spec("sleep", 60, run_id=number)) for number in (1, 2)]

    assert len({handle.data["network"] for handle in handles}) == 2
    assert len(containers(engine, station, "relay")) == 1


def test_networks_are_made_ready_beforehand(engine: Any, docker_station: Any) -> None:
    station = docker_station(warm_slots=2)
    station.runner.prepare()

    ready = networks(engine, station)
    assert len(ready) == 2
    assert ended(station, 1).data["network"] in ready


def test_an_orderly_end_without_runs_leaves_nothing(engine: Any, docker_station: Any) -> None:
    station = docker_station(warm_slots=2)
    station.runner.prepare()
    station.runner.remove(ended(station, 1))
    station.runner.close()

    assert networks(engine, station) == []
    assert containers(engine, station, "relay") == []
    assert containers(engine, station, "run") == []
    station.restart()


def test_a_run_that_goes_on_keeps_its_network_and_the_relay(
    engine: Any, docker_station: Any
) -> None:
    station = docker_station(warm_slots=2)
    handle = station.start(station.spec("sleep", 60))
    station.runner.prepare()
    station.runner.close()

    assert networks(engine, station) == [handle.data["network"]]
    assert len(containers(engine, station, "relay")) == 1

    station.restart()
    station.runner.stop(handle, 0)
    station.runner.remove(handle)
    station.runner.close()
    assert networks(engine, station) == []
    assert containers(engine, station, "relay") == []
    station.restart()


def test_networks_left_by_a_killed_node_are_used_again(engine: Any, docker_station: Any) -> None:
    station = docker_station(warm_slots=2)
    station.runner.prepare()
    left = networks(engine, station)

    station.restart()

    assert ended(station, 1).data["network"] in left
    assert networks(engine, station) == left


def test_a_container_that_was_made_and_not_started_does_not_block_its_run(
    engine: Any, docker_station: Any
) -> None:
    station = docker_station()
    handle = ended(station, 1)
    details = engine.inspect_container(handle.data["container"])
    station.runner.remove(handle)
    engine.create_container(
        station.image, name=details["Name"][1:], labels=details["Config"]["Labels"]
    )

    station.restart()

    assert list(station.runner.adopt()) == []
    assert json.loads(station.finish(station.spec("echo", "fine"))[1].result) == ["fine"]


def test_a_start_whose_answer_was_lost_is_found_by_the_next_attempt(
    docker_station: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    station = docker_station()
    real = station.runner._api.start

    def started_without_answer(container: str) -> None:
        real(container)
        raise requests.ConnectionError("lost")

    spec = station.spec("count")
    station.runner.prepare()
    with monkeypatch.context() as broken:
        broken.setattr(station.runner._api, "start", started_without_answer)
        with pytest.raises(RunnerUnavailableError):
            station.runner.start(spec)

    handle = station.start(spec)
    other = station.start(station.spec("echo", run_id=2))
    station.runner.wait(handle, 30)
    assert station.runner.collect(handle, spec.folder).result == b"1"
    assert handle.data["network"] != other.data["network"]


def test_a_container_that_came_not_to_start_is_made_again(
    engine: Any, docker_station: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    station = docker_station()
    station.runner.prepare()

    def away(_: str) -> None:
        raise requests.ConnectionError("away")

    spec = station.spec("echo", "at last")
    with monkeypatch.context() as broken:
        broken.setattr(station.runner._api, "start", away)
        with pytest.raises(RunnerUnavailableError):
            station.runner.start(spec)
    assert [each["State"] for each in containers(engine, station, "run")] == ["created"]

    assert json.loads(station.finish(spec)[1].result) == ["at last"]
    assert len(networks(engine, station)) == 1


def test_a_log_that_was_read_is_kept_when_the_container_is_gone(docker_station: Any) -> None:
    station = docker_station()
    spec = station.spec("echo")
    station.finish(spec)
    station.runner.remove(station.handles[0])

    again = station.runner.collect(station.handles[0], spec.folder)

    assert again.log_file.read_text() == "hello from the algorithm\n"
    assert again.exit_code is None
    assert "removed by someone else" in again.reason


def test_a_removed_network_is_replaced(engine: Any, docker_station: Any) -> None:
    station = docker_station(warm_slots=1)
    station.runner.prepare()
    (name,) = networks(engine, station)
    (relay,) = containers(engine, station, "relay")
    engine.disconnect_container_from_network(relay["Id"], name, force=True)
    engine.remove_network(name)

    assert ended(station, 1).data["network"] != name


def test_a_removed_relay_is_made_again(engine: Any, docker_station: Any) -> None:
    station = docker_station()
    station.runner.remove(ended(station, 1))
    (relay,) = containers(engine, station, "relay")
    engine.remove_container(relay["Id"], force=True)

    ended(station, 2)
    assert containers(engine, station, "relay")[0]["State"] == "running"


def test_a_relay_of_another_image_is_replaced_and_runs_keep_their_proxy(
    engine: Any, docker_station: Any
) -> None:
    station = docker_station()
    handle = station.start(station.spec("sleep", 60))
    (before,) = containers(engine, station, "relay")
    engine.tag("vantage6/test-base:bookworm", "vantage6/test-relay", "other")
    options = station.options
    station.options = RunnerOptions(
        **{
            **options.__dict__,
            "docker": type(options.docker)(
                **{**options.docker.__dict__, "relay_image": "vantage6/test-relay:other"}
            ),
        }
    )
    try:
        station.restart()
        ended(station, 2)
    finally:
        (after,) = containers(engine, station, "relay")
        engine.remove_image("vantage6/test-relay:other", force=True)

    assert after["Id"] != before["Id"]
    details = engine.inspect_container(after["Id"])
    assert handle.data["network"] in details["NetworkSettings"]["Networks"]


def test_an_image_that_cannot_be_the_relay_is_told(docker_station: Any) -> None:
    station = docker_station(relay_image="vantage6/no-such-relay:1")

    with pytest.raises(StartError, match="no-such-relay"):
        station.start(station.spec("echo"))
    assert list(station.runner.adopt()) == []


def test_a_node_with_the_same_name_is_another_node(engine: Any, docker_station: Any) -> None:
    one, other = docker_station(), docker_station()
    first = one.start(one.spec("sleep", 60))
    second = other.start(other.spec("sleep", 60))

    assert list(one.runner.adopt()) == [first]
    assert list(other.runner.adopt()) == [second]
    names = [
        engine.inspect_container(handle.data["container"])["Name"] for handle in (first, second)
    ]
    assert names[0] == "/vantage6-alpha-user-run-1"
    assert names[1] == f"/vantage6-alpha-user-run-1-{other.options.owner.instance[:8]}"


def test_the_container_has_the_labels_and_the_name_of_the_contract(
    engine: Any, docker_station: Any
) -> None:
    station = docker_station()
    details = engine.inspect_container(ended(station, 12).data["container"])

    labels = details["Config"]["Labels"]
    assert labels.items() >= {"vantage6-type": "algorithm", "node": "alpha", "run_id": "12"}.items()
    assert details["Name"].startswith("/vantage6-alpha-user-run-12")


def test_a_linked_service_can_be_reached_under_its_alias(engine: Any, docker_station: Any) -> None:
    service = engine.create_container(
        "vantage6/test-base:bookworm", ["python3", "-m", "http.server", "8000"]
    )["Id"]
    engine.start(service)
    try:
        station = docker_station(services={"lookup": service, "absent": "no-such-container"})
        program = "__import__('urllib.request').request.urlopen('http://lookup:8000/').status"
        assert station.answer("program", program) == 200
        station.clean()
        assert networks(engine, station) == []
        station.restart()
    finally:
        engine.remove_container(service, force=True)


def test_a_run_bears_that_the_proxy_is_away_for_a_moment(
    tmp_path: Path, docker_station: Any
) -> None:
    path = tmp_path / "proxy" / "s"
    station = docker_station(socket=path)
    handle = station.start(station.spec("fetch"))
    station.runner.wait(handle, 1)

    with socketserver.UnixStreamServer(str(path), _Answer) as server:
        path.chmod(0o666)
        server.handle_request()
        assert station.runner.wait(handle, 20).exit_code == 0


class _Answer(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.request.recv(4096)
        self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
