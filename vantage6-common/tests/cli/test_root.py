"""The command v6: plug-ins, errors in one line, exit codes."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import click
import pytest

from vantage6.common import info
from vantage6.common.cli import output, root
from vantage6.common.cli.output import run_command
from vantage6.common.errors import ConfigurationError


@click.group()
def good() -> None:
    """Work well."""


@good.command()
@click.option("--name", default="x")
def greet(name: str) -> None:
    """Say hello."""
    output.info(f"Hello {name}")


@good.command()
def fail() -> None:
    """Fail as our code does."""
    raise ConfigurationError("The file x is wrong; correct it.")


not_a_command = 5


@pytest.fixture(autouse=True)
def _plug_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    sys.modules.setdefault("v6_test_plug_in", sys.modules[__name__])
    found = {
        name: EntryPoint(name, value, "vantage6.cli")
        for name, value in {
            "good": "v6_test_plug_in:good",
            "dev": "v6_test_plug_in:good",
            "missing": "v6_no_such_module:group",
            "wrong": "v6_test_plug_in:not_a_command",
            "gone": "v6_test_plug_in:no_such_name",
        }.items()
    }
    monkeypatch.setattr(root, "_found", lambda: found)


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        root.main(list(arguments))
    code = ended.value.code
    assert isinstance(code, int)
    return code


def test_groups_come_from_plug_ins(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--help") == 0

    text = capsys.readouterr().out
    assert "good" in text
    assert "Work well." in text
    assert "missing  Cannot be loaded." in text


def test_a_command_of_a_plug_in_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("good", "greet", "--name", "you") == 0
    assert capsys.readouterr().out == "[info ] - Hello you\n"


def test_an_error_of_ours_is_one_line_on_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _run("good", "fail") == 1

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "[error] - The file x is wrong; correct it.\n"


@pytest.mark.parametrize("name", ["missing", "wrong", "gone"])
def test_a_broken_plug_in_is_told_when_it_is_used(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(name, "start", "--attach") == 1
    assert f"'v6 {name}' cannot be loaded" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("nope",), ("--version",), ("good", "greet", "--nope")])
def test_wrong_usage_ends_with_two(arguments: tuple[str, ...]) -> None:
    assert _run(*arguments) == 2


def test_vdev_is_v6_dev(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["vdev", "greet"])

    with pytest.raises(SystemExit) as ended:
        root.vdev()
    assert ended.value.code == 0
    assert capsys.readouterr().out == "[info ] - Hello x\n"


def test_without_click_the_way_to_it_is_told() -> None:
    blocked = "import sys; sys.modules['click'] = None; from vantage6.common.cli import root; "

    ended = subprocess.run(
        [sys.executable, "-c", f"{blocked} root.main([])"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert "pip install 'vantage6-common[cli,config]'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_module_can_be_run() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "vantage6.common.cli.root", "no-such-group"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 2
    assert "No such command 'no-such-group'" in ended.stderr


def test_lines_have_their_level(capsys: pytest.CaptureFixture[str]) -> None:
    output.info("a")
    output.warning("b")
    output.debug("c")
    output.error("d")
    output.plain("e")
    output.echo("f", "warn")
    info("g")

    captured = capsys.readouterr()
    assert captured.out == "[info ] - a\n[warn ] - b\n[debug] - c\ne\n[warn ] - f\n[info ] - g\n"
    assert captured.err == "[error] - d\n"


@pytest.mark.parametrize(
    ("no_colour", "expected"), [(None, "\033[32minfo \033[0m"), ("1", "info ")]
)
def test_colours_are_for_terminals(
    no_colour: str | None,
    expected: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_colour:
        monkeypatch.setenv("NO_COLOR", no_colour)

    output.info("a")

    assert capsys.readouterr().out == f"[{expected}] - a\n"


def test_wrapped_functions_keep_answer_and_other_errors() -> None:
    @run_command
    def divide(a: int, b: int) -> float:
        return a / b

    assert divide(4, b=2) == 2
    with pytest.raises(ZeroDivisionError):
        divide(1, 0)
