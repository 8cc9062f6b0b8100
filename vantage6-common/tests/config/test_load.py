"""Checking settings: everything wrong is told at once, the rest is filled in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vantage6.common.config.field import Field, Kind, Section
from vantage6.common.config.load import Settings, load_settings, read_yaml
from vantage6.common.errors import ConfigurationError

_SECTION = Section(
    name="",
    doc="Settings of a test.",
    fields=(
        Field("uri", Kind.TEXT, "Address of the database.", required=True),
        Field("port", Kind.INTEGER, "Port of the API.", default=7601, minimum=1, maximum=65535),
        Field("allow_drop_all", Kind.BOOLEAN, "Whether tables may be dropped.", default=False),
        Field("hours", Kind.NUMBER, "How long tokens live.", default=6.0),
        Field("jwt_secret_key", Kind.TEXT, "Secret of the tokens.", secret=True),
        Field("ssh-tunnels", Kind.LIST, "Tunnels.", default=(), aliases=("ssh_tunnels",)),
        Field("origins", Kind.LIST, "Allowed origins.", default=("*",), items=Kind.TEXT),
        Field("environment", Kind.MAPPING, "Variables.", default={}, items=Kind.TEXT),
        Field("anything", Kind.ANY, "Whatever."),
        Field("node_port", Kind.INTEGER, "Port or null.", required=True, nullable=True),
        Section(
            name="logging",
            doc="Log lines.",
            fields=(
                Field(
                    "level",
                    Kind.TEXT,
                    "Least severe level.",
                    required=True,
                    choices=("DEBUG", "INFO"),
                ),
                Field("use_console", Kind.BOOLEAN, "Also on the console.", default=True),
            ),
        ),
        Section(
            name="rabbitmq",
            doc="Message queue.",
            optional=True,
            fields=(Field("uri", Kind.TEXT, "Its address.", required=True, secret=True),),
        ),
        Field(
            "databases",
            Kind.LIST,
            "Data sources.",
            default=(),
            items=Section(
                name="database",
                doc="One data source.",
                fields=(
                    Field("label", Kind.TEXT, "Its name.", required=True),
                    Field("type", Kind.TEXT, "Its kind.", default="csv"),
                ),
            ),
        ),
    ),
)
_MINIMAL: dict[str, Any] = {"uri": "sqlite://", "node_port": None, "logging": {"level": "INFO"}}


def _load(**changes: Any) -> Settings:
    return load_settings(_SECTION, {**_MINIMAL, **changes}, "test.yaml")


def test_defaults_are_filled_in() -> None:
    settings = _load()

    assert settings["port"] == 7601
    assert settings["allow_drop_all"] is False
    assert settings["origins"] == ("*",)
    assert settings["logging"]["use_console"] is True
    assert settings["rabbitmq"] is None
    assert settings["node_port"] is None
    assert settings.warnings == ()
    assert settings.source == "test.yaml"


def test_values_are_converted_to_their_kind() -> None:
    settings = _load(
        port="8000",
        hours="0.5",
        allow_drop_all="False",
        uri=5,
        origins="https://a.test",
        environment={"A": 1},
        databases={"label": "default"},
        anything={"x": [1]},
        rabbitmq={"uri": "amqp://x"},
        node_port=443,
    )

    assert settings["port"] == 8000
    assert settings["hours"] == pytest.approx(0.5)
    assert settings["allow_drop_all"] is False
    assert settings["uri"] == "5"
    assert settings["origins"] == ["https://a.test"]
    assert settings["environment"] == {"A": "1"}
    assert [dict(item) for item in settings["databases"]] == [{"label": "default", "type": "csv"}]
    assert settings["anything"] == {"x": [1]}
    assert settings["node_port"] == 443


@pytest.mark.parametrize(
    ("text", "value"), [("yes", True), ("On", True), (1, True), ("no", False), (0, False)]
)
def test_truth_values_are_read_as_written(text: object, value: bool) -> None:
    assert _load(allow_drop_all=text)["allow_drop_all"] is value


def test_all_errors_are_told_at_once_in_one_sentence() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(
            _SECTION,
            {
                "port": "many",
                "hours": True,
                "allow_drop_all": "maybe",
                "origins": {"a": 1},
                "environment": [1],
                "logging": {"level": "LOUD"},
                "rabbitmq": {},
                "databases": [{"type": "csv"}, "text", {"label": ["x"]}],
                "node_port": 2.5,
            },
            Path("test.yaml"),
        )

    assert str(caught.value) == (
        "The configuration test.yaml cannot be used: "
        "uri is missing (address of the database); "
        "port is 'many', but it has to be a whole number; "
        "allow_drop_all is 'maybe', but it has to be true or false; "
        "hours is True, but it has to be a number; "
        "origins is {'a': 1}, but it has to be a list; "
        "environment is [1], but it has to be a mapping; "
        "node_port is 2.5, but it has to be a whole number; "
        "logging.level is 'LOUD', but it has to be one of DEBUG, INFO; "
        "rabbitmq.uri is missing (its address); "
        "databases[0].label is missing (its name); "
        "databases[1] is 'text', but it has to be a mapping of settings; "
        "databases[2].label is ['x'], but it has to be text."
    )


@pytest.mark.parametrize(("port", "words"), [(0, "at least 1"), (70000, "at most 65535")])
def test_limits_are_checked(port: int, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        _load(port=port)


def test_an_empty_required_setting_is_told() -> None:
    with pytest.raises(ConfigurationError, match="uri is empty"):
        _load(uri=None)


def test_a_section_that_is_no_mapping_is_told() -> None:
    with pytest.raises(ConfigurationError, match="logging is 'INFO', but it has to be a mapping"):
        _load(logging="INFO")


def test_secrets_are_not_shown() -> None:
    settings = _load(jwt_secret_key="top secret", rabbitmq={"uri": "amqp://u:pass@host"})

    assert "top secret" not in repr(settings)
    assert "pass" not in repr(settings)
    assert settings["jwt_secret_key"] == "top secret"
    assert settings.as_dict()["rabbitmq"] == {"uri": "amqp://u:pass@host"}
    with pytest.raises(ConfigurationError) as caught:
        _load(jwt_secret_key=["top secret"])
    assert "top secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "suggestion"),
    [
        ({"rabbitmq_uri": "x"}, "did you mean rabbitmq.uri?"),
        ({"prot": 1}, "did you mean port?"),
        ({"logging": {"level": "INFO", "usr_console": 1}}, "did you mean logging.use_console?"),
        ({"use_console": True}, "did you mean logging.use_console?"),
        ({"databases": [{"label": "x", "typ": 1}]}, "did you mean databases.type?"),
        ({"utterly_different": 1}, "remove it."),
    ],
)
def test_unknown_settings_are_warned_about(changes: dict[str, Any], suggestion: str) -> None:
    [warning] = _load(**changes).warnings

    assert "in test.yaml is unknown and has no effect" in warning
    assert warning.endswith(suggestion)


def test_other_spellings_are_read() -> None:
    settings = _load(ssh_tunnels=[1])

    assert settings["ssh-tunnels"] == [1]
    assert settings.warnings == ()


def test_dotted_names_reach_into_sections() -> None:
    settings = _load()

    assert settings.at("logging.level") == "INFO"
    assert settings.at("rabbitmq.uri", "off") == "off"
    assert settings.at("port.x") is None


def test_yaml_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 1\nb: [é]\n", encoding="utf-8")

    assert read_yaml(str(path)) == {"a": 1, "b": ["é"]}
    path.write_text("# nothing\n")
    assert read_yaml(path) == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a: 1\nb: [1\nc: 2\n", r"not valid YAML in line 3, column 2"),
        (b"a: 1\n\tb: 2\n", "not valid YAML in line 2"),
        (b"- a\n", "holds a list"),
        (b"just text", "holds a str"),
        (b"\xff\xfe\xff", "not UTF-8"),
        (b"a: \x00", "not valid YAML"),
    ],
)
def test_files_that_are_no_settings_are_told(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=words) as caught:
        read_yaml(path)
    assert str(path) in str(caught.value)


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="There is no configuration file"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_yaml(tmp_path)


def test_sections_can_be_walked_in_order() -> None:
    paths = [path for path, _ in _SECTION.walk()]

    assert paths[:2] == ["uri", "port"]
    assert paths[-6:] == [
        "logging.use_console",
        "rabbitmq",
        "rabbitmq.uri",
        "databases",
        "databases[].label",
        "databases[].type",
    ]
