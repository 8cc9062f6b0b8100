"""The configuration of a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from vantage6.common.errors import ConfigurationError
from vantage6.server.mail.smtp import SmtpMailer, SmtpServer
from vantage6.server.settings import load_server_settings, recovery_lifetime, token_lifetimes
from vantage6.server.wiring import build

# The example of the contract, configuration section 4.
CONTRACT_EXAMPLE = """
description: Registry study, production
server_name: registry
ip: 0.0.0.0
port: 7601
api_path: /api
server_url: https://v6.example.org/api
uri: postgresql://v6:secret@db.example.org:5432/v6
allow_drop_all: false
jwt_secret_key: 0c1d7a52-4a0e-4b41-9a0c-1f0f7c9a2d11
two_factor_auth: true
rabbitmq:
  uri: amqp://v6:secret@queue.example.org:5672/v6
  start_with_server: false
cors_allowed_origins:
  - https://portal.example.org
logging:
  level: INFO
  file: registry.log
  use_console: true
  backup_count: 5
  max_size: 1024
  format: "%(asctime)s - %(name)-14s - %(levelname)-8s - %(message)s"
  datefmt: "%Y-%m-%d %H:%M:%S"
  loggers:
    - {name: sqlalchemy.engine, level: warning}
"""


def load(**given: Any) -> Any:
    return load_server_settings(given, "the file", {})


def test_the_example_of_the_contract_is_understood_without_warnings() -> None:
    settings = load(**yaml.safe_load(CONTRACT_EXAMPLE))
    assert settings.warnings == ()
    assert settings["port"] == 7601
    assert settings["logging"]["loggers"][0]["name"] == "sqlalchemy.engine"
    assert settings["password_policy"]["max_failed_attempts"] == 5


def test_an_empty_configuration_gives_a_server_of_its_own() -> None:
    settings = load()
    assert settings["uri"] == "sqlite:///default.sqlite"
    assert settings["api_path"] == "/api"
    assert settings["ip"] == "127.0.0.1"


def test_secrets_are_not_shown() -> None:
    shown = repr(load(jwt_secret_key="hush", smtp={"password": "quiet"}))
    assert "hush" not in shown
    assert "quiet" not in shown


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(port="many", allow_drop_all="perhaps", logging={"level": "LOUD"})
    for part in ("the file", "port", "allow_drop_all", "logging.level"):
        assert part in str(caught.value)


def test_a_misspelt_key_is_pointed_out() -> None:
    (warning,) = load(rabbitmq_uri="amqp://x").warnings
    assert "rabbitmq.uri" in warning


@pytest.mark.parametrize("api_path", ["api", "/api/", "/"])
def test_the_prefix_has_one_form(api_path: str) -> None:
    with pytest.raises(ConfigurationError, match="api_path"):
        load(api_path=api_path)


def test_the_environment_names_another_database() -> None:
    settings = load_server_settings(
        {"uri": "sqlite:///a.sqlite"}, "x", {"VANTAGE6_DB_URI": "sqlite:///b.sqlite"}
    )
    assert settings["uri"] == "sqlite:///b.sqlite"


@pytest.mark.parametrize(
    ("access", "refresh", "seconds"),
    [
        (6, 48, (21_600, 172_800)),
        ("1.5", "2", (5_400, 7_200)),
        (0.4, 48, (21_600, 172_800)),
        ("soon", None, (21_600, 172_800)),
        (6, 6, (21_600, 172_800)),
        (50, 49, (180_000, 180_001)),
        (float("nan"), float("inf"), (21_600, 172_800)),
    ],
)
def test_lifetimes_that_make_no_sense_are_replaced(
    access: Any, refresh: Any, seconds: tuple[float, float]
) -> None:
    settings = load(token_expires_hours=access, refresh_token_expires_hours=refresh)
    assert token_lifetimes(settings)[:2] == seconds


class TestSecret:
    def test_it_is_made_once_and_only_the_owner_reads_it(self, tmp_path: Path) -> None:
        first = build(load(), tmp_path / "data")
        second = build(load(), tmp_path / "data")
        assert first.jwt_secret == second.jwt_secret
        assert len(first.jwt_secret) >= 32
        (kept,) = tmp_path.glob("data/jwt*")
        assert kept.stat().st_mode & 0o777 == 0o600
        assert build(load(), tmp_path / "other").jwt_secret != first.jwt_secret

    def test_a_configured_one_is_not_written_anywhere(self, tmp_path: Path) -> None:
        assert build(load(jwt_secret_key="k" * 32), tmp_path).jwt_secret == "k" * 32
        assert not list(tmp_path.glob("jwt*"))

    def test_an_empty_file_is_reported(self, tmp_path: Path) -> None:
        (tmp_path / "jwt_secret").touch()
        with pytest.raises(ConfigurationError, match="empty"):
            build(load(), tmp_path)


def test_features_that_are_left_off_are_named(tmp_path: Path) -> None:
    settings = load(
        rabbitmq={"uri": "amqp://x"},
        prometheus={"enabled": True},
        large_result_store={"container_name": "c"},
    )
    text = " ".join(build(settings, tmp_path).warnings)
    assert all(name in text for name in ("rabbitmq", "prometheus", "large_result_store"))


@pytest.mark.parametrize(
    ("given", "minutes"),
    [
        ({}, 60),
        ({"smtp": {}}, 60),
        ({"smtp": {"email_token_validity_minutes": 5}}, 5),
        ({"email_token_validity_minutes": 7}, 7),
        ({"email_token_validity_minutes": 7, "smtp": {"server": "h"}}, 7),
        ({"email_token_validity_minutes": 7, "smtp": {"email_token_validity_minutes": 5}}, 5),
    ],
)
def test_the_life_of_recovery_tokens_is_read_from_both_places(
    given: dict[str, Any], minutes: int
) -> None:
    assert recovery_lifetime(load(**given)) == 60.0 * minutes


def test_mails_go_to_the_configured_server(tmp_path: Path) -> None:
    smtp = {"server": "mail.example.org", "port": 587, "username": "u", "password": "p"}
    services = build(load(smtp=smtp), tmp_path)
    services.close()
    assert isinstance(services.mailer, SmtpMailer)
    assert services.mailer.server == SmtpServer(
        "mail.example.org", 587, "noreply@vantage6.ai", "u", "p", starttls=True, tls=False
    )


@pytest.mark.parametrize(("given", "reaches"), [({}, False), ({"dev": {}}, True)])
def test_without_mail_server_only_a_development_set_up_shows_mails(
    tmp_path: Path, given: dict[str, Any], reaches: bool
) -> None:
    services = build(load(**given), tmp_path)
    services.close()
    assert services.mailer.reaches_users is reaches
