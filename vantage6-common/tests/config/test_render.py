"""Writing configurations, changing single settings, and the pages about them."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from vantage6.common.config.field import Field, Kind, Section
from vantage6.common.config.load import load_settings
from vantage6.common.config.render import (
    change_setting,
    reference_page,
    sample_yaml,
    to_yaml,
    write_configuration,
)
from vantage6.common.errors import ConfigurationError

_SECTION = Section(
    name="",
    doc="Settings of a test.",
    fields=(
        Field("uri", Kind.TEXT, "Address.", required=True, example="sqlite:///x.sqlite"),
        Field("port", Kind.INTEGER, "Port.", default=7601),
        Field("secret", Kind.TEXT, "Hidden | piped.", secret=True),
        Field("origins", Kind.LIST, "Origins.", default=("*",), items=Kind.TEXT),
        Field("mode", Kind.TEXT, "Mode.", choices=("copy", "ro"), aliases=("kind",)),
        Section(
            name="logging",
            doc="Log lines.",
            fields=(Field("level", Kind.TEXT, "Level.", required=True, example="INFO"),),
        ),
        Section(
            name="rabbitmq",
            doc="Queue.",
            optional=True,
            fields=(Field("uri", Kind.TEXT, "Its address.", required=True, example="amqp://"),),
        ),
        Field(
            "databases",
            Kind.LIST,
            "Data sources.",
            default=(),
            items=Section("database", "One.", (Field("label", Kind.TEXT, "Name."),)),
        ),
    ),
)
_COMMENTED = """\
# A station
api_key: old   # from the server
encryption:
  enabled: false
  private_key:
databases: []
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "node.yaml"
    path.write_text(_COMMENTED)
    return path


def test_written_files_are_sorted_private_and_complete(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "a.yaml"

    write_configuration(path, {"b": "é", "a": {"c": [1, {"d": None}]}})

    assert path.read_text() == "a:\n  c:\n  - 1\n  - d: null\nb: é\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_configuration(tmp_path / "file" / "a.yaml", {})


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("api_key", "new", "api_key: new   # from the server"),
        ("api_key", "a: b", "api_key: 'a: b'   # from the server"),
        ("api_key", None, "api_key: null   # from the server"),
        ("encryption.enabled", True, "  enabled: true"),
        ("encryption.private_key", "/key.pem", "  private_key: /key.pem"),
        ("port", 443, "port: 443"),
    ],
)
def test_one_setting_is_changed_and_comments_stay(
    name: str, value: Any, line: str, config: Path
) -> None:
    config.chmod(0o640)

    change_setting(config, name, value)

    text = config.read_text()
    assert line in text.splitlines()
    assert "# A station" in text
    expected = yaml.safe_load(_COMMENTED)
    target = expected
    *sections, last = name.split(".")
    for section in sections:
        target = target[section]
    target[last] = value
    assert yaml.safe_load(text) == expected
    assert stat.S_IMODE(config.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("encryption.new", {"enabled": False, "private_key": None, "new": "x"}),
        ("databases", "x"),
        ("a.b.c", {"b": {"c": "x"}}),
    ],
)
def test_settings_without_a_place_are_added(name: str, expected: Any, config: Path) -> None:
    change_setting(config, name, "x")

    assert yaml.safe_load(config.read_text())[name.split(".", maxsplit=1)[0]] == expected


@pytest.mark.parametrize("content", ["a: [", "- x", ""])
def test_files_that_are_no_settings_are_left_alone(content: str, config: Path) -> None:
    config.write_text(content)

    with pytest.raises(ConfigurationError):
        change_setting(config, "a", 1)
    assert config.read_text() == content


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        change_setting(tmp_path / "none.yaml", "a", 1)


def test_a_sample_holds_what_is_required_and_shows_the_rest() -> None:
    text = sample_yaml(_SECTION)
    values = yaml.safe_load(text)

    assert values == {"uri": "sqlite:///x.sqlite", "logging": {"level": "INFO"}}
    assert "# Port.\n# port: 7601\n" in text
    assert "# rabbitmq:\n" in text
    assert load_settings(_SECTION, values, "sample").warnings == ()


def test_a_sample_holds_the_values_given() -> None:
    given = {"uri": "u", "port": 1, "rabbitmq": {"uri": "amqp://q"}, "origins": ["a", "b"]}

    values = yaml.safe_load(sample_yaml(_SECTION, {**given, "databases": [{"label": "x"}]}))

    assert values == {**given, "logging": {"level": "INFO"}, "databases": [{"label": "x"}]}


def test_all_lines_of_a_sample_are_settings_when_comment_marks_go() -> None:
    settings = [
        line.replace("# ", "", 1)
        for line in sample_yaml(_SECTION).splitlines()
        if ":" in line or line.lstrip("# ").startswith("- ")
    ]

    names = {part.name for part in _SECTION.fields}
    assert set(yaml.safe_load("\n".join(settings))) == names


def test_the_reference_page_names_every_setting() -> None:
    page = reference_page(_SECTION, "Test")

    assert page.startswith("# Test\n\nSettings of a test.\n")
    for path, _ in _SECTION.walk():
        assert f"| `{path}` |" in page
    assert "| `uri` | text | required | Address. |" in page
    assert "| `port` | whole number | `7601` | Port. |" in page
    assert "| `secret` | text, secret |  | Hidden \\| piped. |" in page
    assert "| `mode` | text |  | Mode. One of `copy`, `ro`. Also read as `kind`. |" in page
    assert "| `rabbitmq` | section | off | Queue. |" in page


def test_long_texts_are_not_broken() -> None:
    assert to_yaml({"a": "word " * 60}).count("\n") == 1
