"""Log lines: where they go, and whom they are about."""

from __future__ import annotations

import logging
import os
import stat
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vantage6.common.errors import ConfigurationError
from vantage6.common.log import DETACHED_VARIABLE, bind, bound_identities, configure_logging

_SETTINGS: dict[str, Any] = {"level": "INFO", "format": "%(levelname)-8s|%(message)s"}


@pytest.fixture(autouse=True)
def _clean_logging() -> Iterator[None]:
    root = logging.getLogger()
    level = root.level
    yield
    configure_logging({}, None, console=False)
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    for name in ("quiet", "loud", "httpx", "httpcore", "docker", "socketio", "engineio", "urllib3"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def _log(tmp_path: Path, **settings: Any) -> Path:
    path = tmp_path / "logs" / "node_user.log"
    configure_logging({**_SETTINGS, **settings}, path, console=False)
    return path


def test_identities_stand_in_front_of_each_line(tmp_path: Path) -> None:
    path = _log(tmp_path)

    with bind(task_id=3, run_id=7):
        logging.getLogger("any.library").info("Started %s", "now")
        with bind(request_id="r1", run_id=None):
            logging.getLogger().warning("Inside")
    logging.getLogger().info("After")

    assert path.read_text().splitlines() == [
        "INFO    |[task 3, run 7] Started now",
        "WARNING |[task 3, request r1] Inside",
        "INFO    |After",
    ]


def test_identities_belong_to_one_thread_and_can_be_handed_on(tmp_path: Path) -> None:
    path = _log(tmp_path)

    def work(identities: dict[str, object]) -> None:
        logging.getLogger().info("alone")
        with bind(**identities):
            logging.getLogger().info("together")

    with bind(run_id=7):
        thread = threading.Thread(target=work, args=(bound_identities(),))
        thread.start()
        thread.join()

    assert path.read_text().splitlines() == ["INFO    |alone", "INFO    |[run 7] together"]


def test_identities_end_with_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), bind(run_id=7):
        raise RuntimeError
    assert bound_identities() == {}


def test_a_message_cannot_pretend_to_be_a_line_of_its_own(tmp_path: Path) -> None:
    path = _log(tmp_path)

    logging.getLogger().info("name\r\nINFO    |forged")

    assert path.read_text().splitlines() == ["INFO    |name", "    | INFO    |forged"]


def test_rotation_keeps_permissions_and_number_of_files(tmp_path: Path) -> None:
    path = _log(tmp_path, max_size=1, backup_count=2)
    path.chmod(0o640)

    for number in range(200):
        logging.getLogger().info("A line of some length, number %s", number)

    files = sorted(file.name for file in path.parent.iterdir())
    assert files == ["node_user.log", "node_user.log.1", "node_user.log.2"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.stat().st_size <= 1024


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="Only root can give a file away"
)
def test_rotation_keeps_the_owner(tmp_path: Path) -> None:
    path = _log(tmp_path, max_size=1)
    os.chown(path, 1234, 4321)

    for number in range(50):
        logging.getLogger().info("A line of some length, number %s", number)

    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)


def test_single_loggers_have_their_own_levels(tmp_path: Path) -> None:
    path = _log(
        tmp_path, loggers=[{"name": "quiet", "level": "error"}, {"name": "loud", "level": "DEBUG"}]
    )

    logging.getLogger("quiet").warning("no")
    logging.getLogger("loud").debug("yes")
    logging.getLogger("other").debug("no")

    assert path.read_text() == "DEBUG   |yes\n"


def test_libraries_that_tell_every_request_are_quiet_unless_named(tmp_path: Path) -> None:
    path = _log(tmp_path, level="DEBUG", loggers=[{"name": "httpx", "level": "INFO"}])

    logging.getLogger("httpcore.http11").debug("response headers with a token")
    logging.getLogger("httpcore").warning("b")
    logging.getLogger("httpx").info("c")

    assert path.read_text().splitlines() == ["WARNING |b", "INFO    |c"]


def test_a_second_set_up_replaces_the_first_and_leaves_others_alone(tmp_path: Path) -> None:
    foreign = logging.NullHandler()
    logging.getLogger().addHandler(foreign)
    first = _log(tmp_path)
    second = tmp_path / "second.log"

    configure_logging(_SETTINGS, second, console=False)
    logging.getLogger().info("x")

    assert first.read_text() == ""
    assert second.read_text() == "INFO    |x\n"
    assert foreign in logging.getLogger().handlers
    logging.getLogger().removeHandler(foreign)


@pytest.mark.parametrize(
    ("use_console", "console", "printed"),
    [(True, None, True), (False, None, False), (False, True, True), (True, False, False)],
)
def test_the_console_is_used_as_asked(
    use_console: bool, console: bool | None, printed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging({**_SETTINGS, "use_console": use_console}, None, console)

    logging.getLogger().info("x")

    assert capsys.readouterr().out == ("INFO    |x\n" if printed else "")


def test_levels_are_coloured_on_a_terminal_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    configure_logging(_SETTINGS, None, console=True)

    logging.getLogger().info("x")

    assert capsys.readouterr().out == "\033[32mINFO    \033[0m|x\n"


def test_warnings_of_python_are_logged(tmp_path: Path) -> None:
    path = _log(tmp_path)

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        configure_logging(_SETTINGS, path, console=False)
        warnings.warn("old", DeprecationWarning, stacklevel=1)

    assert "DeprecationWarning: old" in path.read_text()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"level": "LOUD"}, "logging.level is 'LOUD'"),
        ({"level": "NOTSET"}, "one of DEBUG, INFO"),
        ({"loggers": [{"level": "INFO"}]}, "name and level"),
        ({"loggers": [{"name": "x", "level": "LOUD"}]}, "logging.loggers, x is 'LOUD'"),
        ({"format": "%(nothing"}, "logging.format"),
    ],
)
def test_wrong_settings_are_told(settings: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=words.replace("(", r"\(")):
        configure_logging({**_SETTINGS, **settings}, tmp_path / "x.log", console=False)


def test_a_log_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be written"):
        configure_logging(_SETTINGS, tmp_path, console=False)


def test_a_process_in_the_background_writes_to_its_file_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(DETACHED_VARIABLE, "1")
    configure_logging({**_SETTINGS, "use_console": True}, tmp_path / "x.log")
    logging.getLogger("a").warning("said")

    assert capsys.readouterr().out == ""
    assert "said" in (tmp_path / "x.log").read_text()
