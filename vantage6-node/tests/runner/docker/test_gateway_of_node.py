"""A node in a container joins the networks of its runs itself."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any

import pytest

import docker
from vantage6.node.network.gateways import NodeGateway
from vantage6.node.network.isolated import SlotPool
from vantage6.node.runner import RunOwner
from vantage6.node.runner.docker.volumes import HostPaths

pytestmark = pytest.mark.docker

_IMAGE = "vantage6/test-base:bookworm"
_FETCH = "import urllib.request as r; print(r.urlopen('http://proxyserver:80/', timeout=5).status)"


@pytest.fixture
def engine() -> Iterator[Any]:
    api = docker.APIClient()
    yield api
    api.close()


@pytest.fixture
def node(engine: Any) -> Iterator[str]:
    """Start a container that stands for the node's, with a web server for its proxy."""
    container = engine.create_container(_IMAGE, ["python3", "-m", "http.server", "80"])["Id"]
    engine.start(container)
    yield container
    engine.remove_container(container, force=True)


def test_runs_reach_the_node_under_the_proxy_s_name(engine: Any, node: str) -> None:
    owner = RunOwner("alpha", "user", uuid.uuid4().hex)
    pool = SlotPool(engine, owner, NodeGateway(engine, node, 80), IPv4Network("198.18.0.0/15"))
    slot = pool.take()
    run = engine.create_container(
        _IMAGE,
        ["python3", "-c", _FETCH],
        host_config=engine.create_host_config(network_mode=slot.name),
    )["Id"]
    try:
        engine.start(run)
        assert engine.wait(run)["StatusCode"] == 0, engine.logs(run)
    finally:
        engine.remove_container(run, force=True)
        pool.release(slot.name)
        pool.close()
    assert engine.networks(names=[slot.name]) == []
    assert "bridge" in engine.inspect_container(node)["NetworkSettings"]["Networks"]


def test_a_restarted_node_takes_over_the_networks_it_is_on(engine: Any, node: str) -> None:
    owner = RunOwner("alpha", "user", uuid.uuid4().hex)
    range_ = IPv4Network("198.18.0.0/15")
    first = SlotPool(engine, owner, NodeGateway(engine, node, 80), range_)
    slot = first.take()

    second = SlotPool(engine, owner, NodeGateway(engine, node, 80), range_)
    second.load([])
    try:
        assert second.take() == slot
    finally:
        second.release(slot.name)
        second.close()
    assert engine.networks(names=[slot.name]) == []


def test_paths_of_the_node_become_paths_of_the_machine(engine: Any, tmp_path: Any) -> None:
    mounts = [docker.types.Mount("/mnt/data", str(tmp_path), type="bind")]
    container = engine.create_container(
        _IMAGE, ["true"], host_config=engine.create_host_config(mounts=mounts)
    )["Id"]
    try:
        paths = HostPaths.of_container(engine.inspect_container(container))
    finally:
        engine.remove_container(container)

    assert paths.on_machine(tmp_path.__class__("/mnt/data/runs/x")) == f"{tmp_path}/runs/x"
