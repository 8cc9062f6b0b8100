"""The names that notebooks and algorithms import (contract, client-api section 1)."""

from __future__ import annotations

import io
import sys
from importlib import import_module
from pathlib import Path

import pytest

from vantage6 import common
from vantage6.common import ClickLogger, Singleton, WhoAmI
from vantage6.common import globals as constants
from vantage6.common.client.utils import print_qr_code
from vantage6.common.config import context
from vantage6.common.exceptions import AuthenticationException
from vantage6.common.task_status import TaskStatus, has_task_failed, has_task_finished

_NAMES = {
    "vantage6.common": (
        "info warning error debug echo ClickLogger bytes_to_base64s base64s_to_bytes WhoAmI "
        "Singleton logger_name generate_apikey is_ip_address get_database_config get_config_path "
        "ensure_config_dir_writable split_rabbitmq_uri STRING_ENCODING APPNAME __version__"
    ),
    "vantage6.common.globals": (
        "STRING_ENCODING APPNAME DEFAULT_API_PATH ENV_VAR_EQUALS_REPLACEMENT MAX_INTERVAL "
        "INTERVAL_MULTIPLIER REQUEST_TIMEOUT DEFAULT_CHUNK_SIZE PING_INTERVAL_SECONDS "
        "NODE_CLIENT_REFRESH_BEFORE_EXPIRES_SECONDS DATABASE_TYPES MAIN_VERSION_NAME "
        "InstanceType NodePolicy Ports AuthStatus"
    ),
    "vantage6.common.task_status": "TaskStatus has_task_failed has_task_finished",
    "vantage6.common.exceptions": "AuthenticationException",
    "vantage6.common.client.client_base": "ClientBase",
    "vantage6.common.client.node_client": "NodeClient",
    "vantage6.common.client.utils": "print_qr_code show_qr_code_image is_uuid",
    "vantage6.common.encryption": (
        "RSACryptor DummyCryptor CryptorBase SEPARATOR SHARED_ENCRYPT_KEY_LENGTH IV_LENGTH"
    ),
    "vantage6.common.serialization": "serialize",
}


@pytest.mark.parametrize("module", _NAMES)
def test_all_names_are_there(module: str) -> None:
    loaded = import_module(module)

    for name in _NAMES[module].split():
        assert hasattr(loaded, name), name


def test_unknown_names_are_refused_as_usual() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = common.no_such_name
    assert set(common.__all__) == set(dir(common))


def test_constants_have_the_contracts_values() -> None:
    expected = {
        "STRING_ENCODING": "utf-8",
        "APPNAME": "vantage6",
        "DEFAULT_API_PATH": "/api",
        "ENV_VAR_EQUALS_REPLACEMENT": "!",
        "MAX_INTERVAL": 300,
        "INTERVAL_MULTIPLIER": 1.5,
        "REQUEST_TIMEOUT": 300,
        "DEFAULT_CHUNK_SIZE": 1048576,
        "PING_INTERVAL_SECONDS": 60,
        "NODE_CLIENT_REFRESH_BEFORE_EXPIRES_SECONDS": 600,
        "DATABASE_TYPES": ["csv", "parquet", "sql", "sparql", "excel", "other"],
        "MAIN_VERSION_NAME": "cotopaxi",
    }

    assert {name: getattr(constants, name) for name in expected} == expected
    assert [status.value for status in constants.AuthStatus] == ["online", "offline"]
    assert str(constants.NodePolicy.ALLOWED_ALGORITHMS) == "allowed_algorithms"
    assert int(constants.Ports.DEV_SERVER) == 7601


@pytest.mark.parametrize(
    ("status", "failed", "finished"),
    [
        ("pending", False, False),
        ("initializing", False, False),
        ("active", False, False),
        ("completed", False, True),
        ("crashed", True, True),
        ("never heard of", True, True),
        (None, True, True),
    ],
)
def test_statuses_are_judged_as_the_contract_does(
    status: str | None, failed: bool, finished: bool
) -> None:
    assert has_task_failed(status) is failed
    assert has_task_finished(status) is finished
    assert TaskStatus("killed by user") == "killed by user"


def test_who_is_logged_in_is_a_named_tuple() -> None:
    who = WhoAmI(type_="user", id_=1, name="Ann", organization_name="North", organization_id=2)

    assert repr(who) == "<WhoAmI name=Ann, type=user, organization=North, (id=1)>"
    assert who[4] == who.organization_id == 2


def test_click_logger_prints(capsys: pytest.CaptureFixture[str]) -> None:
    ClickLogger.info("a")
    ClickLogger.warn("b")

    assert capsys.readouterr().out == "[info ] - a\n[warn ] - b\n"


def test_singletons_have_one_object_per_class() -> None:
    class One(metaclass=Singleton):
        pass

    class Other(metaclass=Singleton):
        pass

    objects: list[object] = [One(), One(), Other()]
    assert objects[0] is objects[1]
    assert objects[0] is not objects[2]


def test_small_helpers() -> None:
    assert common.bytes_to_base64s(b"{}") == "e30="
    assert common.base64s_to_bytes("e30=") == b"{}"
    assert common.logger_name("vantage6.node.proxy") == "proxy"
    assert len(common.logger_name("a.very_long_name_of_a_module")) == 14
    assert len(common.generate_apikey()) == 36
    assert common.generate_apikey() != common.generate_apikey()
    assert common.is_ip_address("::1")
    assert common.is_ip_address("10.0.0.1")
    assert not common.is_ip_address("server.test")
    databases = [{"label": "a", "uri": "x"}, {"label": "b", "uri": "y"}]
    assert common.get_database_config(databases, "b") == {"label": "b", "uri": "y"}
    assert common.get_database_config(databases, "c") is None
    assert issubclass(AuthenticationException, Exception)


def test_queue_addresses_are_split() -> None:
    assert common.split_rabbitmq_uri("amqp://us%40er:p%2Fw@host.test:5672/vhost") == {
        "user": "us@er",
        "password": "p/w",
        "host": "host.test",
        "port": "5672",
        "vhost": "vhost",
    }
    with pytest.raises(ValueError, match="lacks user, password, vhost"):
        common.split_rabbitmq_uri("amqp://host.test:5672")


def test_configuration_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "inside_container", lambda: False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    assert common.get_config_path("node") == tmp_path / "config" / "vantage6" / "node"
    assert common.get_config_path("server", system_folders=True) == Path("/etc/vantage6/server")
    assert common.ensure_config_dir_writable()
    assert (tmp_path / "config" / "vantage6").is_dir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    (tmp_path / "file").write_text("")
    assert not common.ensure_config_dir_writable()


def test_a_second_factor_is_shown_with_code_and_secret() -> None:
    out = io.StringIO()

    print_qr_code({"qr_uri": "otpauth://totp/x?secret=ABC", "otp_secret": "ABC"}, out)

    assert "authenticator app" in out.getvalue()
    assert "Secret, for apps that cannot scan: ABC" in out.getvalue()
    assert "█" in out.getvalue()


def test_a_second_factor_is_shown_without_the_library_for_codes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "qrcode", None)

    print_qr_code({"qr_uri": "otpauth://totp/x?secret=ABC", "otp_secret": "ABC"})

    assert "otpauth://totp/x?secret=ABC" in capsys.readouterr().out
