"""The commands ``v6 node …``."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from vantage6.common.cli import instances
from vantage6.common.crypto import keys as crypto_keys
from vantage6.common.crypto.keys import fingerprint, load_private_key, public_key_text
from vantage6.common.http.auth import UserAuth
from vantage6.common.http.transport import Transport
from vantage6.common.testing.server import ScriptedServer
from vantage6.node import serve
from vantage6.node.cli import keys
from vantage6.node.cli.main import node

KEY = "6fd4f2f0-1111-4222-8333-444455556666"
NEW_KEY = "0b6a3f0e-58d3-4f0e-9c8e-2f3f9d1c7b42"


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CONFIG", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    return tmp_path


def write_config(folders: Path, name: str = "clinic", **changes: Any) -> Path:
    path = folders / "config" / "vantage6" / "node" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "api_key": KEY,
        "server_url": "http://server.test",
        "port": 80,
        "api_path": "/api",
        "databases": [{"label": "default", "uri": "http://data.test", "type": "sparql"}],
        "encryption": {"enabled": True, "private_key": ""},
        **changes,
    }
    path.write_text(yaml.safe_dump(content))
    return path


def v6(*arguments: str, answers: str = "") -> Result:
    return CliRunner().invoke(node, arguments, input=answers)


def test_files_are_listed_with_the_databases(folders: Path) -> None:
    path = write_config(folders)
    result = v6("files", "--name", "clinic")

    assert result.exit_code == 0
    assert f"[info ] - Configuration file = {path}" in result.output
    assert "[info ] -  - default         = http://data.test (type: sparql)" in result.output
    assert f"data folders       = {folders / 'data/vantage6/node/clinic'}" in result.output


def test_list_shows_configurations_and_their_state(folders: Path) -> None:
    write_config(folders)
    result = v6("list")

    assert result.exit_code == 0
    assert "clinic                   Not running      User" in result.output


def test_version_prints_both_versions() -> None:
    shown = ast.literal_eval(v6("version").output)

    assert set(shown) == {"node", "cli"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"api_key": "no key"}, "api_key"),
        ({"databases": [{"label": "x", "uri": "/absent.csv", "type": "csv"}]}, "/absent.csv"),
        ({"databases": [{"label": "1x", "uri": "/absent.csv", "type": "csv"}]}, "1x"),
    ],
)
@pytest.mark.parametrize("mode", ["--attach", "--detach"])
def test_a_wrong_configuration_ends_the_start_with_one_line(
    folders: Path, change: dict[str, Any], named: str, mode: str
) -> None:
    write_config(folders, **change)
    result = v6("start", "--name", "clinic", mode)

    assert result.exit_code == 1
    assert result.stderr.startswith("[error] - ")
    assert named in result.stderr
    assert "Traceback" not in result.output


def test_a_configuration_that_does_not_exist_is_named() -> None:
    result = v6("start", "--name", "nowhere")

    assert result.exit_code == 1
    assert "nowhere" in result.stderr


def test_a_node_in_the_foreground_is_served(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_config(folders)
    served: list[Path] = []
    monkeypatch.setattr(serve, "serve", lambda context: served.append(context.config_file))

    assert v6("start", "--config", str(path), "--attach").exit_code == 0
    assert served == [path]


def test_a_node_in_the_background_is_started_with_its_file(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_config(folders)
    commands: list[list[str]] = []

    def start(_context: Any, command: list[str], *, ready: str) -> instances.RunningProcess:
        assert ready in "[info ] - Node clinic ready"
        commands.append(command)
        return instances.RunningProcess(42, "now")

    monkeypatch.setattr(instances, "start_detached", start)
    result = v6("start", "--name", "clinic", "--image", "some:image")

    assert result.exit_code == 0
    assert commands[0][1:] == ["-m", "vantage6.node.serve", "--config", str(path)]
    assert "process 42" in result.output
    assert "--image has no effect" in result.output


def test_stopping_a_node_that_does_not_run_is_no_failure(folders: Path) -> None:
    write_config(folders)
    result = v6("stop", "--name", "clinic")

    assert result.exit_code == 0
    assert "not running" in result.output


def test_restarting_leaves_a_stopped_node_stopped(folders: Path) -> None:
    write_config(folders)
    result = v6("restart", "--name", "clinic")

    assert result.exit_code == 0
    assert "not started" in result.output


def test_the_api_key_is_replaced_and_nothing_else(folders: Path) -> None:
    path = write_config(folders)
    path.write_text("# a comment\n" + path.read_text())
    before = path.read_text()
    result = v6("set-api-key", "--name", "clinic", "--api-key", NEW_KEY)

    assert result.exit_code == 0
    assert path.read_text() == before.replace(KEY, NEW_KEY)


def test_a_text_that_is_no_key_is_refused(folders: Path) -> None:
    path = write_config(folders)
    result = v6("set-api-key", "--name", "clinic", answers="rubbish\n")

    assert result.exit_code == 1
    assert KEY in path.read_text()


# -- private keys -------------------------------------------------------------------------------


@pytest.fixture
def small_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    make = crypto_keys.create_private_key
    monkeypatch.setattr(
        crypto_keys, "create_private_key", lambda path, **options: make(path, bits=2048, **options)
    )


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    server = ScriptedServer()
    server.accept_user(4, 2)
    server.on("PATCH", "/organization/2", {})
    monkeypatch.setattr(
        keys,
        "_connection",
        lambda settings: Transport(settings.base_url, auth=UserAuth(), handler=server.handler),
    )
    return server


def key_file(folders: Path, name: str) -> Path:
    return folders / "data" / "vantage6" / "node" / f"privkey_{name}.pem"


def test_a_private_key_is_made_noted_and_its_fingerprint_shown(
    folders: Path, small_keys: None
) -> None:
    config = write_config(folders)
    result = v6("create-private-key", "-n", "clinic", "--no-upload", "-o", "Big/Clinic")

    assert result.exit_code == 0, result.output
    path = key_file(folders, "Big_Clinic")
    assert path.stat().st_mode & 0o777 == 0o600
    assert fingerprint(public_key_text(load_private_key(path))) in result.output
    assert yaml.safe_load(config.read_text())["encryption"]["private_key"] == str(path)


def test_an_existing_key_is_kept_unless_it_may_be_overwritten(
    folders: Path, small_keys: None
) -> None:
    write_config(folders)
    command = ("create-private-key", "-n", "clinic", "--no-upload", "-o", "Clinic")
    v6(*command)
    first = key_file(folders, "Clinic").read_bytes()

    again = v6(*command)
    assert again.exit_code == 0
    assert "is used" in again.output
    assert key_file(folders, "Clinic").read_bytes() == first

    assert v6(*command, "--force").exit_code == 0
    assert key_file(folders, "Clinic").read_bytes() != first


def test_the_public_key_is_registered_after_a_login(
    folders: Path, small_keys: None, server: ScriptedServer
) -> None:
    write_config(folders)
    result = v6("create-private-key", "-n", "clinic", answers="ann\nsecret\n")

    assert result.exit_code == 0, result.output
    path = key_file(folders, "organization 2")
    assert server.last().body == {"public_key": public_key_text(load_private_key(path))}
    assert "secret" not in result.output


# -- new and remove -----------------------------------------------------------------------------


def test_a_new_configuration_is_valid_and_private(folders: Path) -> None:
    answers = [
        KEY,
        "http://127.0.0.1",
        "9",
        "/api",
        "y",
        "default",
        "/data/patients.csv",
        "csv",
        "n",
        "y",
        "ghcr.io/a/alg",
        "n",
        "n",
        "y",
        "",
    ]
    result = v6("new", "--name", "clinic", answers="\n".join(answers) + "\n")

    assert result.exit_code == 0, result.output
    path = folders / "config" / "vantage6" / "node" / "clinic.yaml"
    assert path.stat().st_mode & 0o777 == 0o600
    content = yaml.safe_load(path.read_text())
    assert content["api_key"] == KEY
    assert content["databases"] == [
        {"label": "default", "uri": "/data/patients.csv", "type": "csv"}
    ]
    assert content["policies"]["allowed_algorithms"] == ["ghcr.io/a/alg"]
    assert content["encryption"]["enabled"] is True


def test_an_existing_configuration_is_not_overwritten(folders: Path) -> None:
    path = write_config(folders)
    before = path.read_text()

    assert v6("new", "--name", "clinic").exit_code == 1
    assert path.read_text() == before


def test_a_removed_node_takes_no_files_of_others_along(folders: Path, tmp_path: Path) -> None:
    data, log = tmp_path / "tables", tmp_path / "logs"
    write_config(folders, directories={"data": str(data), "log": str(log)})
    for folder in (data, log):
        folder.mkdir()
    for name in ("node.sqlite", "node.sqlite-wal", "instance", "patients.csv"):
        (data / name).touch()
    (data / "runs" / "task-000000001").mkdir(parents=True)
    (log / "node_user.log.1").touch()

    result = v6("remove", "--name", "clinic", "--force")

    assert result.exit_code == 0, result.output
    assert [path.name for path in data.iterdir()] == ["patients.csv"]
    assert not log.exists()
    assert f"{data} stays" in " ".join(result.output.split())


def test_a_node_is_removed_only_after_a_yes(folders: Path) -> None:
    path = write_config(folders)
    data = folders / "data" / "vantage6" / "node" / "clinic"
    data.mkdir(parents=True)

    assert v6("remove", "--name", "clinic", answers="n\n").exit_code == 0
    assert path.exists()
    assert v6("remove", "--name", "clinic", "--force").exit_code == 0
    assert not path.exists()
    assert not data.exists()
