"""Decoding what the node sets, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vantage6.algorithm.tools.environment import (
    MissingVariableError,
    decode_environment,
    read_variable,
    requested_labels,
    require_variable,
)
from vantage6.algorithm.tools.exceptions import EnvironmentVariableError
from vantage6.algorithm.tools.util import check_envvar_value_positive, get_env_var
from vantage6.common.wire.container import encode_value

# A container's environment as the reference node sets it (contract, vector s5).
ENCODED = {
    "INPUT_FILE": "F5WW45BPMRQXIYJPORQXG2ZNGAYDAMBQGAYDCMRPNFXHA5LU",
    "TEMPORARY_FOLDER": "F5WW45BPORWXA!!!",
    "HOST": "NB2HI4B2F4XXA4TPPB4XGZLSOZSXE!!!",
    "PORT": "HAYDQMA!",
    "API_PATH": "",
    "DEFAULT_QUERY": "KNCUYRKDKQQDC!!!",
    "USER_REQUESTED_DATABASE_LABELS": "MRSWMYLVNR2A!!!!",
    "DEFAULT_DATABASE_TYPE": "MNZXM!!!",
    "FOLDERDB_DATABASE_TYPE": "N52GQZLS",
    "MY_OMOP_DB_PARAM_PASSWORD": "OA6XO!!!",
    "DB_LABELS": "MRSWMYLVNR2CYZTPNRSGK4TEMIWG26K7N5WW64A!",
    "CUSTOM": "PAQHS!!!",
    "RUN_CONTEXT_FILE": "/mnt/data/task-000000012/run_context.json",
}
DECODED = {
    "INPUT_FILE": "/mnt/data/task-000000012/input",
    "TEMPORARY_FOLDER": "/mnt/tmp",
    "HOST": "http://proxyserver",
    "PORT": "8080",
    "API_PATH": "",
    "DEFAULT_QUERY": "SELECT 1",
    "USER_REQUESTED_DATABASE_LABELS": "default",
    "DEFAULT_DATABASE_TYPE": "csv",
    "FOLDERDB_DATABASE_TYPE": "other",
    "MY_OMOP_DB_PARAM_PASSWORD": "p=w",
    "DB_LABELS": "default,folderdb,my_omop",
    "CUSTOM": "x y",
    "RUN_CONTEXT_FILE": "/mnt/data/task-000000012/run_context.json",
}


def test_the_environment_of_a_container_is_decoded():
    environment = dict(ENCODED)
    decode_environment(environment)
    assert environment == DECODED


def test_decoding_twice_changes_nothing_more():
    environment = {**ENCODED, "HOST": encode_value("MFRGGZDF")}
    decode_environment(environment)
    decode_environment(environment)
    assert environment["HOST"] == "MFRGGZDF"


@pytest.mark.parametrize("text", ["MFRGGZDF", "ABCDEFGH", "surprise!", "!", "MFRGG!!", "bash"])
def test_variables_of_the_image_are_left_alone(text):
    environment = {"SOMETHING": text, "PKG_NAME": "MFRGG!!!", "UNKNOWN_QUERY": "MFRGGZDF"}
    decode_environment(environment)
    assert environment == {
        "SOMETHING": text,
        "PKG_NAME": "MFRGG!!!",
        "UNKNOWN_QUERY": "MFRGGZDF",
    }


def test_a_value_with_a_null_character_stays_encoded():
    environment = {"CUSTOM": encode_value("a\0b")}
    decode_environment(environment)
    assert environment == {"CUSTOM": encode_value("a\0b")}


@given(st.text().filter(lambda text: "\0" not in text))
def test_settings_read_the_same_before_and_after_decoding(text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOST", encode_value(text))
        assert get_env_var("HOST") == text
        decode_environment()
        assert get_env_var("HOST") == text


def test_a_plain_value_is_read_as_it_is(monkeypatch):
    monkeypatch.setenv("PLAIN", "just text")
    assert get_env_var("PLAIN") == "just text"


def test_a_value_set_anew_is_decoded_anew(monkeypatch):
    monkeypatch.setenv("HOST", encode_value("first"))
    decode_environment()
    monkeypatch.setenv("HOST", encode_value("second"))
    assert read_variable("HOST") == "second"


def test_a_missing_setting_has_the_default():
    assert get_env_var("ABSENT_SETTING") is None
    assert get_env_var("ABSENT_SETTING", "x") == "x"
    assert get_env_var("ABSENT_SETTING", default="5", as_type="int") == 5
    assert get_env_var("ABSENT_SETTING", default="yes", as_type="bool") is True


@pytest.mark.parametrize("text", ["true", "1", "yes", "t"])
def test_words_for_true(set_encoded, text):
    set_encoded({"FLAG": text})
    assert get_env_var("FLAG", as_type="bool") is True


@pytest.mark.parametrize("text", ["false", "0", "no", "f"])
def test_words_for_false(set_encoded, text):
    set_encoded({"FLAG": text})
    assert get_env_var("FLAG", as_type="bool") is False


@pytest.mark.parametrize("value", [True, None, 1, "maybe", "True", ""])
def test_anything_else_is_no_boolean(value):
    with pytest.raises(EnvironmentVariableError, match="ABSENT_SETTING"):
        get_env_var("ABSENT_SETTING", default=value, as_type="bool")


def test_a_number_that_is_none_is_refused(set_encoded):
    set_encoded({"NUMBER": "ten"})
    with pytest.raises(EnvironmentVariableError, match="NUMBER is 'ten'; give a whole number"):
        get_env_var("NUMBER", as_type="int")
    with pytest.raises(TypeError):
        get_env_var("ABSENT_SETTING", as_type="int")


def test_an_unknown_type_gives_nothing(set_encoded):
    set_encoded({"NUMBER": "10"})
    assert get_env_var("NUMBER", as_type="float") is None


def test_a_negative_setting_is_refused():
    check_envvar_value_positive("COUNT", 0)
    with pytest.raises(EnvironmentVariableError, match="COUNT is -1"):
        check_envvar_value_positive("COUNT", -1)


def test_a_missing_variable_of_the_node_is_an_algorithm_error_and_a_key_error(monkeypatch):
    monkeypatch.delenv("INPUT_FILE", raising=False)
    with pytest.raises(MissingVariableError, match=r"^The environment variable INPUT_FILE"):
        require_variable("INPUT_FILE")
    with pytest.raises(KeyError):
        require_variable("INPUT_FILE")


def test_labels_keep_the_order_of_the_researcher(set_encoded):
    set_encoded({"USER_REQUESTED_DATABASE_LABELS": "b,A,c"})
    assert requested_labels() == ["b", "A", "c"]
    set_encoded({"USER_REQUESTED_DATABASE_LABELS": ""})
    assert requested_labels() == []
