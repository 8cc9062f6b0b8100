"""The server's configuration: every setting, once (contract, configuration section 4)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from vantage6.common.config.field import Field, Kind, Section
from vantage6.common.config.load import Settings, load_settings
from vantage6.common.errors import ConfigurationError
from vantage6.common.log import DEFAULT_DATE_FORMAT, DEFAULT_FORMAT

__all__ = [
    "DATABASE_VARIABLE",
    "SERVER_SECTION",
    "load_server_settings",
    "recovery_lifetime",
    "token_lifetimes",
]

DATABASE_VARIABLE = "VANTAGE6_DB_URI"
"""Environment variable that overrides `uri`."""

_HOUR = 3600.0
_SHORTEST_TOKEN = 1800.0
_DEFAULT_TOKEN = 6 * _HOUR
_DEFAULT_REFRESH = 48 * _HOUR
_MINUTE = 60.0
_DEFAULT_RECOVERY_MINUTES = 60
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

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

_PASSWORD_POLICY = Section(
    "password_policy",
    "When users are locked out.",
    (
        Field("max_failed_attempts", Kind.INTEGER, "Failed logins before the block.", 5, minimum=1),
        Field("inactivation_minutes", Kind.NUMBER, "Length of the block.", 15, minimum=0),
        Field(
            "between_user_emails_minutes",
            Kind.NUMBER,
            "Shortest time between two mails of a kind to a user.",
            60,
            minimum=0,
        ),
    ),
)

_SMTP = Section(
    "smtp",
    "The mail server; without it no mail is sent and passwords cannot be recovered by mail.",
    (
        Field("server", Kind.TEXT, "Host name.", "localhost"),
        Field("port", Kind.INTEGER, "Port.", 1025, minimum=1, maximum=65535),
        Field("username", Kind.TEXT, "Login name.", "support@vantage6.ai"),
        Field("password", Kind.TEXT, "Password.", "", secret=True),
        Field("MAIL_USE_TLS", Kind.BOOLEAN, "Whether to use STARTTLS.", default=True),
        Field("MAIL_USE_SSL", Kind.BOOLEAN, "Whether to use TLS from the start.", default=False),
        Field("email_from", Kind.TEXT, "Sender.", "noreply@vantage6.ai"),
        Field(
            "email_token_validity_minutes",
            Kind.NUMBER,
            "Life of recovery tokens.",
            _DEFAULT_RECOVERY_MINUTES,
            minimum=1,
        ),
    ),
    optional=True,
)

_RABBITMQ = Section(
    "rabbitmq",
    "Message broker that connects several server instances.",
    (
        Field("uri", Kind.TEXT, "Address, amqp://user:password@host:port/vhost.", secret=True),
        Field("start_with_server", Kind.BOOLEAN, "Read by container set-ups.", default=False),
    ),
    optional=True,
)

_LARGE_RESULT_STORE = Section(
    "large_result_store",
    "Storage for inputs and results outside the database.",
    (
        Field("type", Kind.TEXT, "Kind of storage.", "azure"),
        Field("container_name", Kind.TEXT, "Existing container.", required=True),
        Field("connection_string", Kind.TEXT, "Address with its key.", secret=True),
        Field("tenant_id", Kind.TEXT, "Tenant of the service principal."),
        Field("client_id", Kind.TEXT, "Id of the service principal."),
        Field("client_secret", Kind.TEXT, "Its secret.", secret=True),
        Field("storage_account_name", Kind.TEXT, "Name of the storage account."),
    ),
    optional=True,
)

_VPN_SERVER = Section(
    "vpn_server",
    "Portal that gives nodes their VPN configuration.",
    (
        Field("url", Kind.TEXT, "Address of the portal.", required=True),
        Field("redirect_url", Kind.TEXT, "Redirect address of the client.", required=True),
        Field("client_id", Kind.TEXT, "Id of the client.", required=True),
        Field("client_secret", Kind.TEXT, "Secret of the client.", required=True, secret=True),
        Field("portal_username", Kind.TEXT, "Login name at the portal.", required=True),
        Field("portal_userpass", Kind.TEXT, "Password.", required=True, secret=True),
    ),
    optional=True,
)

SERVER_SECTION = Section(
    "",
    "Configuration of a vantage6 server.",
    (
        Field("description", Kind.TEXT, "What this server is for.", ""),
        Field("server_name", Kind.TEXT, "Name that authenticator apps show.", "cotopaxi"),
        Field("ip", Kind.TEXT, "Address the server listens on.", "127.0.0.1"),
        Field("port", Kind.INTEGER, "Port the server listens on.", 7601, minimum=0, maximum=65535),
        Field("api_path", Kind.TEXT, "Prefix of all REST paths.", "/api"),
        Field("server_url", Kind.TEXT, "Address of this server as others see it."),
        Field("uri", Kind.TEXT, "Database; SQLite in the data folder.", "sqlite:///default.sqlite"),
        Field("allow_drop_all", Kind.BOOLEAN, "Whether imports may drop tables.", default=False),
        Field(
            "jwt_secret_key",
            Kind.TEXT,
            "Secret that signs tokens; without it one is made once and kept in the data folder.",
            secret=True,
        ),
        Field("token_expires_hours", Kind.ANY, "Life of access tokens.", 6),
        Field("refresh_token_expires_hours", Kind.ANY, "Life of refresh tokens.", 48),
        Field("two_factor_auth", Kind.BOOLEAN, "Ask users for a second factor.", default=False),
        Field("support_email", Kind.TEXT, "Address shown in mails.", "support@vantage6.ai"),
        Field(
            "cors_allowed_origins",
            Kind.LIST,
            "Origins of web pages that may call the server.",
            ("*",),
            items=Kind.TEXT,
        ),
        Field("runs_data_cleanup_days", Kind.INTEGER, "Age at which results are wiped."),
        Field("runs_data_cleanup_include_input", Kind.BOOLEAN, "Also wipe inputs.", default=False),
        _PASSWORD_POLICY,
        _LOGGING,
        Section(
            "directories",
            "Folders, if not the usual ones.",
            (
                Field("data", Kind.TEXT, "Data folder."),
                Field("log", Kind.TEXT, "Log folder."),
            ),
        ),
        _SMTP,
        _RABBITMQ,
        _LARGE_RESULT_STORE,
        _VPN_SERVER,
        Section(
            "prometheus",
            "Metrics exporter.",
            (
                Field("enabled", Kind.BOOLEAN, "Whether it runs.", default=False),
                Field("exporter_port", Kind.INTEGER, "Its port.", 7603),
                Field("start_with_server", Kind.BOOLEAN, "Read by container set-ups."),
            ),
        ),
        Field("prometheus_port", Kind.INTEGER, "Older place of prometheus.exporter_port."),
        Field(
            "email_token_validity_minutes",
            Kind.NUMBER,
            "Older place of the one under smtp.",
            minimum=1,
        ),
        Section(
            "debug",
            "More log lines.",
            (
                Field("flask", Kind.BOOLEAN, "Of the web framework.", default=False),
                Field("socketio", Kind.BOOLEAN, "Of the sockets.", default=False),
            ),
        ),
        Section(
            "dev",
            "Set-ups on one machine.",
            (Field("host_uri", Kind.TEXT, "Address of the host as containers see it."),),
            optional=True,
        ),
        Field("algorithm_stores", Kind.LIST, "Written by the questionnaire; not used."),
        Field("images", Kind.MAPPING, "Read by container set-ups."),
        Field("image", Kind.TEXT, "Read by container set-ups."),
        Field("ui", Kind.MAPPING, "Read by container set-ups."),
    ),
)


def load_server_settings(
    mapping: Mapping[str, Any], source: str, environment: Mapping[str, str] = os.environ
) -> Settings:
    """Check a configuration and fill in defaults; the environment may name another database.

    Raises
    ------
    ConfigurationError
        Naming everything that is wrong.
    """
    given = dict(mapping)
    if environment.get(DATABASE_VARIABLE):
        given["uri"] = environment[DATABASE_VARIABLE]
    settings = load_settings(SERVER_SECTION, given, source)
    _check_api_path(settings["api_path"], source)
    return settings


def _check_api_path(api_path: str, source: str) -> None:
    if not api_path.startswith("/") or api_path.endswith("/"):
        raise ConfigurationError(
            f"The configuration {source} cannot be used: api_path is {api_path!r}, "
            "but it has to start with a slash and not end with one, like '/api'."
        )


def token_lifetimes(settings: Settings) -> tuple[float, float, tuple[str, ...]]:
    """Return the life of access and refresh tokens in seconds, and what was wrong about them.

    A value that makes no sense is replaced by the default (contract, rest-api section 3).
    """
    warnings = []
    access = _seconds(settings["token_expires_hours"])
    if access is None or access < _SHORTEST_TOKEN:
        warnings.append(
            "The setting token_expires_hours has to be a number of at least 0.5; 6 is used."
        )
        access = _DEFAULT_TOKEN
    refresh = _seconds(settings["refresh_token_expires_hours"])
    if refresh is None or refresh < access + 1:
        warnings.append(
            "The setting refresh_token_expires_hours has to be a number above "
            "token_expires_hours; 48 is used."
        )
        refresh = _DEFAULT_REFRESH
    return access, max(refresh, access + 1), tuple(warnings)


def recovery_lifetime(settings: Settings) -> float:
    """Return the life of recovery tokens in seconds.

    The older place of the setting counts where the newer one has its default.
    """
    newer = settings.at("smtp.email_token_validity_minutes", _DEFAULT_RECOVERY_MINUTES)
    older = settings["email_token_validity_minutes"]
    minutes = older if older and newer == _DEFAULT_RECOVERY_MINUTES else newer
    return float(minutes) * _MINUTE


def _seconds(hours: Any) -> float | None:
    try:
        seconds = float(hours) * _HOUR
    except (TypeError, ValueError):
        return None
    return seconds if 0 < seconds < 1e9 else None  # noqa: PLR2004 - also refuses nan and infinity
