"""Where the files of instances lie, and how their configurations are found."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from vantage6.common.config import context as module
from vantage6.common.config.context import InstanceContext, check_name, inside_container
from vantage6.common.enums import InstanceType
from vantage6.common.errors import ConfigurationError

_NODE, _SERVER = InstanceType.NODE, InstanceType.SERVER


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, and a machine that is no container of ours."""
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_DATA_DIRS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module, "inside_container", lambda: False)
    monkeypatch.setattr(sys, "platform", "linux")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    return home


def _write(home: Path, name: str, content: str = "", kind: str = "node") -> Path:
    path = home / ".config" / "vantage6" / kind / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_folders_of_a_user(home: Path) -> None:
    context = InstanceContext.at_default(_NODE, "clinic")

    assert context.config_file == home / ".config/vantage6/node/clinic.yaml"
    assert context.data_dir == home / ".local/share/vantage6/node/clinic"
    assert context.log_dir == home / ".cache/vantage6/log/node/clinic"
    assert context.log_file == context.log_dir / "node_user.log"


def test_folders_of_the_system() -> None:
    context = InstanceContext.at_default(_SERVER, "hospital", system=True)

    assert context.config_file == Path("/etc/vantage6/server/hospital.yaml")
    assert context.data_dir == Path("/usr/local/share/vantage6/server/hospital")
    assert context.log_dir == context.data_dir
    assert context.log_file.name == "server_system.log"


def test_folders_follow_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CONFIG_HOME", "DATA_HOME", "CACHE_HOME"):
        monkeypatch.setenv(f"XDG_{name}", str(tmp_path / name))
    monkeypatch.setenv("XDG_DATA_DIRS", f"{tmp_path / 'share'}:/other")

    user = InstanceContext.at_default(_NODE, "n")
    system = InstanceContext.at_default(_NODE, "n", system=True)

    assert user.config_file == tmp_path / "CONFIG_HOME/vantage6/node/n.yaml"
    assert user.data_dir == tmp_path / "DATA_HOME/vantage6/node/n"
    assert user.log_dir == tmp_path / "CACHE_HOME/vantage6/log/node/n"
    assert system.data_dir == tmp_path / "share/vantage6/node/n"


def test_folders_inside_a_container_are_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "inside_container", lambda: True)

    context = InstanceContext.at_default(_NODE, "n")
    moved = context.with_folders_of({"directories": {"data": "/host/data"}})

    assert context.config_file == Path("/mnt/config/n.yaml")
    assert (context.data_dir, context.log_dir) == (Path("/mnt/data"), Path("/mnt/log"))
    assert moved == context


def test_a_container_without_our_mounts_is_none_of_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mark, config = tmp_path / "dockerenv", tmp_path / "config.yaml"
    monkeypatch.setattr(module, "_CONTAINER_MARK", mark)
    monkeypatch.setattr(module, "_CONTAINER_CONFIG", (config,))

    mark.touch()
    assert not inside_container()
    config.touch()
    assert inside_container()
    mark.unlink()
    assert not inside_container()


def test_macos_folders(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    system = InstanceContext.at_default(_NODE, "n", system=True)

    root = Path("/Library/Application Support/vantage6/node")
    assert system.config_file == root / "n.yaml"
    assert system.data_dir == system.log_dir == root / "n"


def test_windows_folders_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("PROGRAMDATA", "/ProgramData")

    system = InstanceContext.at_default(_NODE, "n", system=True)

    assert system.config_file == Path("/ProgramData/vantage6/node/n.yaml")


def test_a_configuration_is_found_by_name(home: Path) -> None:
    path = _write(home, "clinic")

    context = InstanceContext.find(_NODE, "clinic")

    assert context.config_file == path
    assert (context.name, context.kind, context.scope) == ("clinic", _NODE, "user")
    assert context.exists


def test_a_configuration_in_the_current_folder_is_found_second(home: Path) -> None:
    here = Path.cwd() / "clinic.yaml"
    here.write_text("")

    assert InstanceContext.find(_NODE, "clinic").config_file == here
    first = _write(home, "clinic")
    assert InstanceContext.find(_NODE, "clinic").config_file == first


def test_a_configuration_is_found_by_its_path(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "any where" / "station.yaml"
    path.parent.mkdir()
    path.write_text("a: 1")
    path.rename(path.with_name("north.yaml"))

    context = InstanceContext.find(_NODE, "ignored", "../any where/north.yaml", system=True)

    assert context.name == "north"
    assert context.config_file == tmp_path / "any where" / "north.yaml"
    assert context.data_dir == Path("/usr/local/share/vantage6/node/north")
    assert context.read() == {"a": 1}


def test_the_only_configuration_needs_no_name(home: Path) -> None:
    _write(home, "clinic")

    assert InstanceContext.find(_NODE).name == "clinic"


def test_without_a_configuration_the_way_to_one_is_told(home: Path) -> None:
    with pytest.raises(ConfigurationError, match="v6 node new"):
        InstanceContext.find(_NODE)


def test_among_several_configurations_one_has_to_be_chosen(home: Path) -> None:
    _write(home, "b")
    _write(home, "a")
    _write(home, "not a name")
    _write(home, "server", kind="server")

    with pytest.raises(ConfigurationError, match=r"\(a, b\); choose one with --name"):
        InstanceContext.find(_NODE)
    assert [context.name for context in InstanceContext.available(_NODE)] == ["a", "b"]


@pytest.mark.parametrize(("system", "other"), [(False, "--system"), (True, "--user")])
def test_a_name_that_does_not_exist_is_told(system: bool, other: str) -> None:
    with pytest.raises(ConfigurationError, match=f"'gone'.*{other}"):
        InstanceContext.find(_NODE, "gone", system=system)


def test_a_path_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.yaml; check the path"):
        InstanceContext.find(_NODE, config=tmp_path / "gone.yaml")


@pytest.mark.parametrize("name", ["", "a b", "../x", "a/b", "ä", "a\n"])
def test_names_with_other_characters_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be used"):
        check_name(name)


def test_the_configuration_may_move_data_and_logs(home: Path, tmp_path: Path) -> None:
    _write(home, "both", f"directories: {{data: {tmp_path}/d, log: {tmp_path}/l}}")
    _write(home, "one", "directories: {data: ~/d}")
    _write(home, "none", "directories:")

    both = InstanceContext.find(_NODE, "both")
    one = InstanceContext.find(_NODE, "one")

    assert (both.data_dir, both.log_dir) == (tmp_path / "d", tmp_path / "l")
    assert one.data_dir == home / "d"
    assert one.log_dir == home / ".cache/vantage6/log/node/one"
    assert InstanceContext.find(_NODE, "none").data_dir == home / ".local/share/vantage6/node/none"


def test_a_broken_configuration_is_told_with_its_line(home: Path) -> None:
    _write(home, "broken", "a: 1\nb: [")

    with pytest.raises(ConfigurationError, match="line 2"):
        InstanceContext.find(_NODE, "broken")


def test_data_folders_are_for_their_owner_only(home: Path) -> None:
    context = InstanceContext.at_default(_NODE, "clinic")

    context.make_folders()
    context.make_folders()

    assert stat.S_IMODE(context.data_dir.stat().st_mode) == 0o700
    assert context.log_dir.is_dir()


def test_folders_that_cannot_be_made_are_told(home: Path) -> None:
    home.write_text("a file")

    with pytest.raises(ConfigurationError, match="cannot be made"):
        InstanceContext.at_default(_NODE, "clinic").make_folders()
