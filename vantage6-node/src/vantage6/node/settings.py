"""The node's configuration: every setting, once (contract, node-config section 3)."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from vantage6.common.config.field import Field, Kind, Section
from vantage6.common.config.load import Settings, load_settings
from vantage6.common.errors import ConfigurationError
from vantage6.common.log import DEFAULT_DATE_FORMAT, DEFAULT_FORMAT
from vantage6.node.network.subnets import RUN_PREFIX
from vantage6.node.policy.gate import Policies
from vantage6.node.policy.images import Pattern

__all__ = ["NODE_SECTION", "NodeSettings", "load_node_settings"]

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_RUNNERS = ("docker", "process")
_FEWEST_RUNS = 4
_RELAY_IMAGE = "python:3.11-slim"
_CONTAINER_HOST = "host.docker.internal"
_PACKAGE_VARIABLE = "PKG_NAME"
_PROCESS_WARNING = (
    "ALGORITHMS OF THIS NODE ARE NOT ISOLATED: the setting runner is 'process', so they can read "
    "and change everything that this account can; use it for tests and development only."
)
_WITHOUT_EFFECT = {
    "vpn_subnet": "this release has no VPN between algorithms",
    "ssh-tunnels": "this release opens no SSH tunnels",
    "whitelist": "algorithms of this release reach nothing but the node's proxy",
}

_LOGGING = Section(
    "logging",
    "Where log lines go.",
    (
        Field("level", Kind.TEXT, "Lowest level that is written.", "INFO", choices=_LEVELS),
        Field("file", Kind.TEXT, "Accepted for older files; the name of the log file is fixed."),
        Field("use_console", Kind.BOOLEAN, "Also write to standard output.", default=True),
        Field("backup_count", Kind.INTEGER, "How many full log files are kept.", 5, minimum=1),
        Field("max_size", Kind.INTEGER, "Size of a log file in kilobytes.", 1024, minimum=17),
        Field("format", Kind.TEXT, "Form of a line, as Python's logging has it.", DEFAULT_FORMAT),
        Field("datefmt", Kind.TEXT, "Form of the time in a line.", DEFAULT_DATE_FORMAT),
        Field(
            "loggers",
            Kind.LIST,
            "Levels of single loggers.",
            items=Section(
                "",
                "Level of one logger.",
                (
                    Field("name", Kind.TEXT, "Name of the logger.", required=True),
                    Field("level", Kind.TEXT, "Its lowest level.", "WARNING"),
                ),
            ),
        ),
    ),
)

_ENCRYPTION = Section(
    "encryption",
    "Whether payloads are encrypted; has to agree with the collaboration.",
    (
        Field("enabled", Kind.BOOLEAN, "Whether the collaboration is encrypted.", required=True),
        Field(
            "private_key",
            Kind.TEXT,
            "File with the organization's private key; a relative path lies in the data folder, "
            "and the variable PRIVATE_KEY goes over it.",
            "",
            example="private_key.pem",
        ),
    ),
)

_POLICIES = Section(
    "policies",
    "Which runs are allowed; without a list of algorithms or stores, none are.",
    (
        Field(
            "allowed_algorithms",
            Kind.LIST,
            "Images that are allowed: names, or regular expressions that fit all of the name.",
            (),
            items=Kind.TEXT,
            example=[r"^ghcr\.io/vantage6/algorithm/average(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$"],
        ),
        Field(
            "allowed_algorithm_stores",
            Kind.LIST,
            "Addresses, or regular expressions for them, of stores whose algorithms are allowed.",
            (),
            items=Kind.TEXT,
        ),
        Field(
            "allow_either_whitelist_or_store",
            Kind.BOOLEAN,
            "Whether being on one of these two lists is enough when both are given.",
            default=False,
        ),
        Field(
            "allowed_users",
            Kind.LIST,
            "Ids of users that may start tasks; empty for all.",
            (),
            items=Kind.TEXT,
        ),
        Field(
            "allowed_organizations",
            Kind.LIST,
            "Ids or names of organizations that may start tasks; empty for all.",
            (),
            items=Kind.TEXT,
        ),
        Field(
            "allow_basics_algorithm",
            Kind.BOOLEAN,
            "Whether the image with basic functions may be allowed at all.",
            default=True,
        ),
        Field(
            "require_algorithm_pull",
            Kind.BOOLEAN,
            "Whether an image has to be pulled even if an earlier copy is at hand.",
            default=True,
        ),
    ),
)

_LIMITS = Section(
    "limits",
    "What a single run may use.",
    (
        Field("result_mb", Kind.INTEGER, "Largest result in mebibytes.", 1024, minimum=1),
        Field("log_mb", Kind.INTEGER, "How much of its log is kept, in mebibytes.", 10, minimum=1),
        Field("memory_mb", Kind.INTEGER, "Memory in mebibytes; empty for no limit.", minimum=16),
        Field("cpus", Kind.NUMBER, "Number of processors; empty for no limit.", minimum=0.01),
        Field("processes", Kind.INTEGER, "Number of processes and threads.", 1024, minimum=1),
    ),
)

_IMAGES = Section(
    "images",
    "Images that the node itself uses.",
    (
        Field(
            "relay",
            Kind.TEXT,
            "Image with python3 for the relay between algorithms and the node's proxy.",
            _RELAY_IMAGE,
        ),
        Field("node", Kind.TEXT, "Read by container set-ups."),
        Field("alpine", Kind.TEXT, "Accepted for older files."),
        Field("vpn_client", Kind.TEXT, "Accepted for older files."),
        Field("network_config", Kind.TEXT, "Accepted for older files."),
        Field("ssh-tunnel", Kind.TEXT, "Accepted for older files.", aliases=("ssh_tunnel",)),
        Field("squid", Kind.TEXT, "Accepted for older files."),
    ),
)

NODE_SECTION = Section(
    "",
    "Configuration of a vantage6 node.",
    (
        Field("api_key", Kind.TEXT, "The node's API key.", required=True, secret=True),
        Field(
            "server_url",
            Kind.TEXT,
            "Scheme and host of the server.",
            required=True,
            example="https://server.example.org",
        ),
        Field(
            "port",
            Kind.INTEGER,
            "Port of the server; empty for the usual one of the scheme.",
            nullable=True,
            minimum=1,
            maximum=65535,
            example=443,
        ),
        Field("api_path", Kind.TEXT, "Path of the server's interface.", "/api"),
        Field("task_dir", Kind.TEXT, "Accepted for older files; the data folder is used."),
        Field(
            "databases",
            Kind.ANY,
            "What the node offers: a list of mappings with label, uri, type, and optionally "
            "mount_mode (copy, ro, rw) and env.",
            (),
            example=[{"label": "default", "uri": "/data/patients.csv", "type": "csv"}],
        ),
        _ENCRYPTION,
        _POLICIES,
        Field(
            "runner",
            Kind.TEXT,
            "How algorithms run: in containers (docker), or without any isolation as processes "
            "of the node's account (process; for tests and development only).",
            "docker",
            choices=_RUNNERS,
        ),
        Field(
            "process_packages",
            Kind.MAPPING,
            "For the runner process: image name to the installed Python package run in its place.",
            {},
            items=Kind.TEXT,
        ),
        Field("process_python", Kind.TEXT, "For the runner process: the interpreter to use."),
        Field(
            "max_concurrent_runs",
            Kind.INTEGER,
            "How many runs go on at a time; subtasks have as many places of their own. By "
            "default the number of processors, at least 4.",
            minimum=1,
        ),
        _LIMITS,
        Field(
            "stop_grace_seconds",
            Kind.NUMBER,
            "How long a killed algorithm has to end by itself.",
            10.0,
            minimum=0,
        ),
        Field(
            "run_network_pool",
            Kind.TEXT,
            "Address range from which the networks of the runs are cut.",
            "198.18.0.0/15",
        ),
        Field(
            "warm_networks",
            Kind.INTEGER,
            "How many networks for runs are made before the first run asks for one.",
            1,
            minimum=0,
        ),
        Field(
            "scratch_days",
            Kind.NUMBER,
            "After how many days the scratch volume of a job is removed, when no run uses it.",
            30.0,
            minimum=0,
        ),
        Field(
            "docker_services",
            Kind.MAPPING,
            "Alias to name of existing containers that algorithms may reach.",
            {},
            items=Kind.TEXT,
        ),
        Field(
            "docker_registries",
            Kind.LIST,
            "Credentials for image registries.",
            (),
            items=Section(
                "",
                "One registry.",
                (
                    Field("registry", Kind.TEXT, "Host of the registry.", required=True),
                    Field("username", Kind.TEXT, "Login name.", required=True),
                    Field("password", Kind.TEXT, "Password.", required=True, secret=True),
                ),
            ),
        ),
        Field(
            "algorithm_env",
            Kind.MAPPING,
            "Environment variables for every algorithm.",
            {},
            items=Kind.TEXT,
        ),
        Section(
            "algorithm_device_requests",
            "Devices for every algorithm.",
            (Field("gpu", Kind.BOOLEAN, "All graphics processors.", default=False),),
        ),
        Field(
            "share_config",
            Kind.BOOLEAN,
            "Whether the server learns the node's policies, database labels and, unless the "
            "collaboration is encrypted, column names.",
            default=True,
        ),
        Field(
            "share_algorithm_logs",
            Kind.BOOLEAN,
            "Whether the end of an algorithm's log goes to the server. It may hold personal data, "
            "so by default it stays at the data station and the server gets one sentence.",
            default=False,
        ),
        Field(
            "run_context_file",
            Kind.BOOLEAN,
            "Whether each run gets a file run_context.json.",
            default=False,
        ),
        _IMAGES,
        Field(
            "node_extra_env",
            Kind.MAPPING,
            "Environment variables for the node itself.",
            {},
            items=Kind.TEXT,
        ),
        Field("node_extra_mounts", Kind.LIST, "Read by container set-ups.", (), items=Kind.TEXT),
        Field("node_extra_hosts", Kind.MAPPING, "Read by container set-ups.", {}, items=Kind.TEXT),
        Section(
            "directories",
            "Folders to use instead of the usual ones.",
            (
                Field("data", Kind.TEXT, "Folder for the node's state and its runs."),
                Field("log", Kind.TEXT, "Folder for the log file."),
            ),
        ),
        _LOGGING,
        Section(
            "debug",
            "More detail in the log.",
            (
                Field("socketio", Kind.BOOLEAN, "All traffic on the socket.", default=False),
                Field("proxy_server", Kind.BOOLEAN, "Accepted for older files.", default=False),
            ),
        ),
        Section(
            "prometheus",
            "Accepted for older files; this release sends no metrics.",
            (
                Field("enabled", Kind.BOOLEAN, "Has no effect.", default=False),
                Field("report_interval_seconds", Kind.INTEGER, "Has no effect.", 45),
            ),
        ),
        Field("vpn_subnet", Kind.TEXT, "Has no effect in this release."),
        Field("whitelist", Kind.MAPPING, "Has no effect in this release."),
        Field("ssh-tunnels", Kind.LIST, "Has no effect in this release."),
        Field("alpine", Kind.TEXT, "Accepted for older files."),
    ),
)


@dataclass(frozen=True)
class NodeSettings:
    """Checked settings, with what needs more than a look into a mapping worked out.

    Attributes
    ----------
    values : Settings
        All settings under their names.
    policies : Policies
        Which runs are allowed.
    origin, base_url : str
        Address of the server, without and with the API path.
    capacity : int
        How many runs go on at a time.
    warnings : tuple of str
        What deserves attention but is no error, one sentence each.
    """

    values: Settings
    policies: Policies
    origin: str
    base_url: str
    capacity: int
    warnings: tuple[str, ...]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def at(self, path: str) -> Any:
        """Return the setting under a dotted name."""
        return self.values.at(path)


def load_node_settings(
    mapping: Mapping[str, Any], source: str, *, in_container: bool = False
) -> NodeSettings:
    """Check a configuration and return its settings.

    Parameters
    ----------
    mapping : Mapping
        The configuration.
    source : str
        Where it comes from, for messages.
    in_container : bool, optional
        Whether the node runs in a container.

    Raises
    ------
    ConfigurationError
        If anything is missing or wrong; the one message names everything.
    """
    values = load_settings(NODE_SECTION, mapping, source)
    problems = [
        *_key_problems(values),
        *_environment_problems(values),
        *_network_problems(values),
    ]
    policies = Policies()
    try:
        policies = _policies(values)
    except ConfigurationError as error:
        problems.append(str(error))
    if problems:
        raise ConfigurationError(" ".join(problems))
    origin = _origin(values, in_container=in_container)
    return NodeSettings(
        values=values,
        policies=policies,
        origin=origin,
        base_url=f"{origin}/{str(values['api_path']).strip('/')}".rstrip("/"),
        capacity=values["max_concurrent_runs"] or max(_FEWEST_RUNS, os.cpu_count() or 1),
        warnings=(*_warnings(values, policies), *values.warnings),
    )


def _key_problems(values: Settings) -> list[str]:
    try:
        uuid.UUID(str(values["api_key"]))
    except ValueError:
        return ["The setting api_key is not a key; copy it from where the node was registered."]
    return []


def _environment_problems(values: Settings) -> list[str]:
    problems = []
    for setting in ("algorithm_env", "node_extra_env"):
        for name in values[setting]:
            if not str(name).isidentifier() or name == _PACKAGE_VARIABLE:
                problems.append(
                    f"The name {name!r} in {setting} cannot be used for a variable; use letters, "
                    f"digits and underscores, and not {_PACKAGE_VARIABLE}."
                )
    return problems


def _network_problems(values: Settings) -> list[str]:
    pool = values["run_network_pool"]
    try:
        is_wide_enough = IPv4Network(pool).prefixlen <= RUN_PREFIX
    except ValueError:
        is_wide_enough = False
    if is_wide_enough:
        return []
    sentence = (
        f"The setting run_network_pool is {pool!r}; give a range of IPv4 addresses of at least "
        f"/{RUN_PREFIX}, for example 198.18.0.0/15."
    )
    return [sentence]


def _policies(values: Settings) -> Policies:
    section = values["policies"]

    def patterns(name: str) -> tuple[Pattern, ...]:
        return tuple(Pattern.parse(text, f"policies.{name}") for text in section[name])

    def texts(name: str) -> tuple[str, ...]:
        return tuple(str(entry).strip() for entry in section[name])

    return Policies(
        algorithms=patterns("allowed_algorithms"),
        stores=patterns("allowed_algorithm_stores"),
        either_suffices=section["allow_either_whitelist_or_store"],
        users=texts("allowed_users"),
        organizations=texts("allowed_organizations"),
        allows_basics=section["allow_basics_algorithm"],
        requires_pull=section["require_algorithm_pull"],
    )


def _origin(values: Settings, *, in_container: bool) -> str:
    url = str(values["server_url"]).strip().rstrip("/")
    if not in_container:
        # This name means "the machine around the container"; outside there is none around.
        url = url.replace(f"://{_CONTAINER_HOST}", "://localhost")
    return f"{url}:{values['port']}" if values["port"] else url


def _warnings(values: Settings, policies: Policies) -> list[str]:
    warnings = [_PROCESS_WARNING] if values["runner"] == "process" else []
    warnings += [
        f"The setting {name} has no effect: {reason}."
        for name, reason in _WITHOUT_EFFECT.items()
        if values[name]
    ]
    if values.at("prometheus.enabled"):
        warnings.append("The setting prometheus has no effect: this release sends no metrics.")
    if not policies.algorithms and not policies.stores:
        warnings.append(
            "No algorithm may run at this node: set policies.allowed_algorithms or "
            "policies.allowed_algorithm_stores."
        )
    return warnings
