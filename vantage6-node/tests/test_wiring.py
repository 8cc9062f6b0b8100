"""From settings to the runner's options and the proxy's listeners."""

from __future__ import annotations

from pathlib import Path

import pytest

from vantage6.common.config.context import InstanceContext
from vantage6.common.crypto.plain import PlainCryptor
from vantage6.common.enums import InstanceType
from vantage6.common.errors import ConfigurationError
from vantage6.node.identity import NodeFolders
from vantage6.node.runner.options import ProxyAddress, RegistryLogin
from vantage6.node.runs.tokens import TokenRegistry
from vantage6.node.testing.station import settings_for_tests
from vantage6.node.wiring import open_proxy, runner_options


def test_settings_reach_the_runner(tmp_path: Path) -> None:
    settings = settings_for_tests(
        limits={"memory_mb": 512, "cpus": 1.5, "result_mb": 2},
        docker_registries=[{"registry": "reg.test", "username": "u", "password": "p"}],
        policies={"allowed_algorithms": ["x"], "require_algorithm_pull": False},
        images={"relay": "relay:1"},
        algorithm_device_requests={"gpu": True},
        docker_services={"db": "my-db"},
        process_packages={"img": "pkg"},
        run_network_pool="10.9.0.0/16",
    )
    context = InstanceContext(
        InstanceType.NODE, "clinic", "system", tmp_path / "c.yaml", tmp_path, tmp_path
    )
    options = runner_options(
        settings, context, NodeFolders(tmp_path), "instance", ProxyAddress(port=5)
    )

    assert (options.kind, options.owner.name, options.owner.scope) == (
        "docker",
        "clinic",
        "system",
    )
    assert options.limits.memory_bytes == 512 * 1024**2
    assert options.limits.result_bytes == 2 * 1024**2
    assert options.limits.cpus == 1.5
    assert options.docker.registries == (RegistryLogin("reg.test", "u", "p"),)
    assert options.docker.require_pull is False
    assert options.docker.relay_image == "relay:1"
    assert options.docker.gpu is True
    assert options.docker.services == {"db": "my-db"}
    assert options.docker.slot_pool == "10.9.0.0/16"
    assert options.process.packages == {"img": "pkg"}
    assert options.log_folder == tmp_path / "runs"
    assert options.proxy.port == 5


@pytest.mark.parametrize(("runner", "has_port"), [("docker", False), ("process", True)])
def test_the_proxy_listens_where_the_runner_needs_it(
    tmp_path: Path, runner: str, has_port: bool
) -> None:
    folders = NodeFolders(tmp_path)
    folders.create()
    proxy = open_proxy(
        settings_for_tests(runner=runner),
        folders,
        PlainCryptor(),
        TokenRegistry(),
        tasks_repeatable=False,
    )
    try:
        assert proxy.address.socket == tmp_path / "proxy" / "proxy.sock"
        assert (proxy.address.port is not None) is has_port
    finally:
        proxy.close()


def test_a_port_that_is_no_number_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXY_SERVER_PORT", "eighty")
    with pytest.raises(ConfigurationError, match="PROXY_SERVER_PORT"):
        open_proxy(
            settings_for_tests(),
            NodeFolders(tmp_path),
            PlainCryptor(),
            TokenRegistry(),
            tasks_repeatable=False,
        )
