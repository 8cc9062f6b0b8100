"""The node's configuration."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from vantage6.common.errors import ConfigurationError
from vantage6.node.settings import NodeSettings, load_node_settings

OLD_FILE = r"""
api_key: 6fd4f2f0-0000-0000-0000-000000000000
server_url: https://server.example.org
port: 443
api_path: /api
task_dir: /var/lib/node/tasks
databases:
  - {label: default, uri: /data/patients.csv, type: csv}
encryption: {enabled: false, private_key: ""}
logging:
  level: INFO
  use_console: true
  backup_count: 5
  max_size: 1024
  format: "%(asctime)s - %(name)-14s - %(levelname)-8s - %(message)s"
  datefmt: "%Y-%m-%d %H:%M:%S"
  loggers: [{name: urllib3, level: warning}]
policies:
  allowed_algorithms:
    - ^ghcr\.io/vantage6/algorithm/[a-z0-9-]+(:[a-z0-9._-]+)?(@sha256:[0-9a-f]{64})?$
  allowed_organizations: ["4"]
images: {ssh_tunnel: x, node: y}
algorithm_env: {THREADS: 4}
node_extra_hosts: {host.docker.internal: host-gateway}
share_algorithm_logs: "true"
"""


def load(**changes: Any) -> NodeSettings:
    mapping = {**yaml.safe_load(OLD_FILE), **changes}
    return load_node_settings({k: v for k, v in mapping.items() if v != "absent"}, "a.yaml")


def test_a_file_of_the_released_node_loads_unchanged() -> None:
    settings = load()

    assert settings.base_url == "https://server.example.org:443/api"
    assert settings.origin == "https://server.example.org:443"
    assert settings["runner"] == "docker"
    assert settings["algorithm_env"] == {"THREADS": "4"}
    assert settings["share_algorithm_logs"] is True
    assert settings.policies.organizations == ("4",)
    assert settings.warnings == ()


def test_the_port_may_be_empty_and_the_path_too() -> None:
    settings = load(port=None, api_path="")

    assert settings.base_url == "https://server.example.org"


def test_logs_are_not_shared_unless_asked_for() -> None:
    assert load(share_algorithm_logs="absent")["share_algorithm_logs"] is False


def test_the_machine_around_a_container_is_this_machine_for_a_plain_process() -> None:
    mapping = {**yaml.safe_load(OLD_FILE), "server_url": "http://host.docker.internal"}

    assert load_node_settings(mapping, "a").origin == "http://localhost:443"
    inside = load_node_settings(mapping, "a", in_container=True)
    assert inside.origin == "http://host.docker.internal:443"


def test_at_least_four_runs_go_on_at_a_time_by_default() -> None:
    assert load().capacity >= 4
    assert load(max_concurrent_runs=1).capacity == 1


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"api_key": "absent"}, "api_key"),
        ({"api_key": "secret-but-no-key"}, "api_key"),
        ({"encryption": {"private_key": ""}}, "encryption.enabled"),
        ({"runner": "kubernetes"}, "docker, process"),
        ({"policies": {"allowed_algorithms": ["("]}}, "allowed_algorithms"),
        ({"algorithm_env": {"PKG_NAME": "x"}}, "PKG_NAME"),
        ({"node_extra_env": {"not a name": "x"}}, "'not a name'"),
        ({"max_concurrent_runs": 0}, "max_concurrent_runs"),
        ({"port": "many"}, "port"),
    ],
)
def test_a_mistake_is_named(change: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(**change)

    assert named in str(caught.value)
    assert "secret-but-no-key" not in str(caught.value)


def test_settings_without_effect_are_warned_about() -> None:
    warnings = " ".join(load(vpn_subnet="10.76.0.0/16", polices={}).warnings)

    assert "vpn_subnet" in warnings
    assert "did you mean policies" in warnings


def test_a_node_that_allows_nothing_says_so() -> None:
    assert "No algorithm may run" in load(policies={}).warnings[0]


def test_secrets_are_not_printed() -> None:
    assert "6fd4f2f0" not in repr(load())


@pytest.mark.parametrize("pool", ["wide", "10.0.0.1/8", "10.0.0.0/29", "fd00::/64", ""])
def test_a_range_of_addresses_that_cannot_be_used_is_named(pool: str) -> None:
    with pytest.raises(ConfigurationError, match="run_network_pool"):
        load(run_network_pool=pool)
