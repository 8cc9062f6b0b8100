"""Instances as processes of the machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from vantage6.common.cli import instances
from vantage6.common.cli.instances import InstanceError
from vantage6.common.config import context as context_module
from vantage6.common.config.context import InstanceContext
from vantage6.common.enums import InstanceType
from vantage6.common.errors import ConfigurationError

_PROGRAM = """
import os, pathlib, signal, sys, time
from vantage6.common.cli.instances import holding
from vantage6.common.config.context import InstanceContext
from vantage6.common.enums import InstanceType

mode, data, log = sys.argv[1:]
context = InstanceContext(
    InstanceType.NODE, "n", "user", pathlib.Path("n.yaml"), pathlib.Path(data), pathlib.Path(log)
)
if mode == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if mode == "fails":
    sys.exit("The port is taken")
if mode == "explains":
    sys.exit("a line of its log\\n[error] - The port is taken; choose another.")
with holding(context):
    print("detached:", os.environ.get("VANTAGE6_DETACHED"))
    print("silent" if mode == "silent" else "[info ] - Node n ready", flush=True)
    while True:
        time.sleep(0.05)
"""


@pytest.fixture
def context(tmp_path: Path) -> Iterator[InstanceContext]:
    context = InstanceContext(
        InstanceType.NODE, "n", "user", tmp_path / "n.yaml", tmp_path / "data", tmp_path / "log"
    )
    yield context
    process = instances.running(context)
    if process and process.pid and process.pid != os.getpid():
        os.kill(process.pid, signal.SIGKILL)


def _command(context: InstanceContext, mode: str = "good") -> list[str]:
    return [sys.executable, "-c", _PROGRAM, mode, str(context.data_dir), str(context.log_dir)]


def _start(context: InstanceContext, mode: str = "good", timeout: float = 30) -> int:
    return instances.start_detached(
        context, _command(context, mode), "Node n ready", timeout=timeout
    ).pid


def test_an_instance_starts_in_the_background_and_stops(context: InstanceContext) -> None:
    pid = _start(context)

    process = instances.running(context)
    assert process is not None
    assert process.pid == pid != os.getpid()
    assert process.started_at.startswith("20")
    assert os.getsid(pid) == pid
    assert instances.stop(context)
    assert instances.running(context) is None
    assert not instances.stop(context)


def test_an_instance_in_the_background_knows_that_it_is(context: InstanceContext) -> None:
    _start(context)

    assert "detached: 1" in (context.log_dir / "node_user.out").read_text()


def test_an_instance_runs_only_once(context: InstanceContext) -> None:
    _start(context)

    with pytest.raises(InstanceError, match="already running"):
        _start(context)
    with pytest.raises(InstanceError, match="already running"), instances.holding(context):
        pass


def test_a_killed_instance_is_not_running_and_starts_again(context: InstanceContext) -> None:
    os.kill(_start(context), signal.SIGKILL)
    _wait_until_gone(context)

    _start(context)

    assert instances.stop(context)


def test_an_instance_that_does_not_end_is_killed(context: InstanceContext) -> None:
    _start(context, "deaf")

    assert instances.stop(context, timeout=0.3)
    assert instances.running(context) is None


def test_an_instance_is_killed_at_once_on_demand(context: InstanceContext) -> None:
    _start(context, "deaf")
    before = time.monotonic()

    assert instances.stop(context, timeout=20, force=True)
    assert time.monotonic() - before < 10


def test_an_instance_that_fails_tells_why(context: InstanceContext) -> None:
    with pytest.raises(InstanceError, match="exit code 1:\nThe port is taken"):
        _start(context, "fails")
    assert instances.running(context) is None


def test_the_sentence_with_which_an_instance_ends_is_passed_on_alone(
    context: InstanceContext,
) -> None:
    with pytest.raises(InstanceError, match=r"^The port is taken; choose another\.$"):
        _start(context, "explains")


def test_an_instance_that_is_never_ready_is_stopped(context: InstanceContext) -> None:
    with pytest.raises(InstanceError, match=r"not ready within 1 s and was stopped"):
        _start(context, "silent", timeout=0.7)
    _wait_until_gone(context)


def test_a_foreground_instance_counts_as_running(context: InstanceContext) -> None:
    with instances.holding(context):
        process = instances.running(context)
        assert process is not None
        assert process.pid == os.getpid()
    assert instances.running(context) is None


def test_an_instance_of_another_user_cannot_be_stopped(
    context: InstanceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(pid: int, number: int) -> None:
        raise PermissionError

    with instances.holding(context), monkeypatch.context() as patch:
        patch.setattr(os, "kill", refuse)
        with pytest.raises(InstanceError, match="belongs to another user"):
            instances.stop(context)


def test_the_log_is_followed_until_the_instance_ends(
    context: InstanceContext, capsys: pytest.CaptureFixture[str]
) -> None:
    with instances.holding(context):
        context.log_file.write_text("first\nsec")
        follower = threading.Thread(target=instances.attach, args=(context,))
        follower.start()
        seen: list[str] = []
        _wait_until(lambda: "first" in _all(seen, capsys))
        with context.log_file.open("a") as file:
            file.write("ond\n")
        context.log_file.rename(context.log_file.with_suffix(".1"))
        context.log_file.write_text("after rotation\n")
        _wait_until(lambda: "after rotation" in _all(seen, capsys))
    follower.join(timeout=10)

    assert not follower.is_alive()


def _all(seen: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    seen.append(capsys.readouterr().out)
    return "".join(seen)


def test_following_an_instance_that_is_not_running_is_told(
    context: InstanceContext, capsys: pytest.CaptureFixture[str]
) -> None:
    instances.attach(context)

    assert "is not running; start it with" in capsys.readouterr().err


def test_the_table_shows_all_instances(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _use_folders(tmp_path, monkeypatch)
    folder = tmp_path / "config" / "vantage6" / "node"
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text("x: 1")
    (folder / "b.yaml").write_text(f"directories: {{data: {tmp_path}/moved}}")
    (folder / "broken.yaml").write_text("x: [")

    with instances.holding(InstanceContext.find(InstanceType.NODE, "b")):
        instances.list_instances(InstanceType.NODE)

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == ""
    assert lines[1].split() == ["Name", "Status", "System/User"]
    assert lines[2] == "-" * 53
    assert lines[3].split() == ["a", "Not", "running", "User"]
    assert lines[4].split() == ["b", "Running", "User"]
    assert lines[4].index("Running") == 25
    assert lines[5].split() == ["broken", "Invalid", "User"]
    assert "not valid YAML" in lines[6]
    assert lines[7] == "-" * 53


def test_files_are_listed_in_the_contracts_layout(
    context: InstanceContext, capsys: pytest.CaptureFixture[str]
) -> None:
    instances.files(context, [("Database", "sqlite:///x")])

    assert capsys.readouterr().out == (
        f"[info ] - Configuration file = {context.config_file}\n"
        f"[info ] - Log file           = {context.log_file}\n"
        "[info ] - Database           = sqlite:///x\n"
    )


def test_options_choose_an_instance() -> None:
    @click.command()
    @instances.context_options(default_system=True)
    def show(name: str | None, config: str | None, system: bool) -> None:
        click.echo(f"{name} {config} {system}")

    run = CliRunner().invoke

    assert run(show, []).output == "None None True\n"
    assert run(show, ["-n", "a", "-c", "b", "--user"]).output == "a b False\n"
    assert run(show, ["--user", "--system"]).output == "None None True\n"
    assert "(default: system)" in run(show, ["--help"]).output


def test_a_user_at_a_terminal_chooses_among_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _use_folders(tmp_path, monkeypatch)
    folder = tmp_path / "config" / "vantage6" / "node"
    folder.mkdir(parents=True)
    for name in ("a", "b"):
        (folder / f"{name}.yaml").write_text("")
    with pytest.raises(ConfigurationError, match="several"):
        instances.select(InstanceType.NODE, None, None, system=False)

    @click.command()
    def choose() -> None:
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
        click.echo(instances.select(InstanceType.NODE, None, None, system=False).name)

    result = CliRunner().invoke(choose, input="2\n")

    assert result.output.endswith("b\n")


def test_names_are_not_asked_for_when_they_are_given(context: InstanceContext) -> None:
    context.config_file.write_text("")

    found = instances.select(InstanceType.NODE, None, str(context.config_file), system=False)

    assert found.config_file == context.config_file


def test_a_lock_survives_neither_crash_nor_fork(context: InstanceContext) -> None:
    """A child that the instance started does not keep it looking alive."""
    with instances.holding(context):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    try:
        assert instances.running(context) is None
    finally:
        child.kill()
        child.wait()


def _use_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_module, "inside_container", lambda: False)
    monkeypatch.setattr(
        context_module,
        "_system_folders",
        lambda: context_module.RootFolders(tmp_path / "s", tmp_path / "s", tmp_path / "s"),
    )
    for name in ("CONFIG", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))


def _wait_until_gone(context: InstanceContext) -> None:
    _wait_until(lambda: instances.running(context) is None)


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
