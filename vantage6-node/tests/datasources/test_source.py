"""Single data sources: what is accepted, and how a run sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

from vantage6.common.errors import ConfigurationError
from vantage6.node.datasources import DataSource, DataSourceError
from vantage6.node.runner.base import Bind


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "patients.csv"
    path.write_text("age,sex\n1,f\n")
    return path


def source(**entry: object) -> DataSource:
    return DataSource.from_settings({"label": "default", "type": "csv", **entry})


def test_a_file_is_mounted_read_only_under_its_label_in_the_data_folder(table: Path) -> None:
    assert source(uri=str(table)).seen_by_run() == Bind(table, "/mnt/data/default.csv")


def test_a_file_with_mode_ro_is_mounted_beside_the_data_folder(table: Path) -> None:
    bind = source(uri=str(table), mount_mode="ro").seen_by_run()

    assert bind == Bind(table, "/mnt/default.csv", read_only=True)


@pytest.mark.parametrize(("mode", "read_only"), [("copy", True), ("ro", True), ("rw", False)])
def test_a_folder_is_writable_only_if_the_settings_say_so(
    tmp_path: Path, mode: str, read_only: bool
) -> None:
    bind = source(uri=str(tmp_path), type="folder", mount_mode=mode).seen_by_run()

    assert bind == Bind(tmp_path, "/mnt/default", read_only=read_only)


def test_an_sqlite_file_is_mounted_and_keeps_its_extension(tmp_path: Path) -> None:
    file = tmp_path / "cohort.sqlite"
    file.touch()

    assert source(uri=str(file), type="sql").seen_by_run() == Bind(file, "/mnt/data/default.sqlite")


@pytest.mark.parametrize(
    ("type_", "uri"),
    [
        ("sql", "postgresql://user:pw@host/db"),
        ("sparql", "https://example.org/sparql"),
        ("omop", "jdbc:postgresql://host:5432/db"),
        ("other", "x" * 5000),
        ("something-new", "s3://bucket"),
    ],
)
def test_an_address_is_passed_on_as_text(type_: str, uri: str) -> None:
    assert source(uri=uri, type=type_).seen_by_run() == uri


@pytest.mark.parametrize("label", ["", "1st", "with space", "a-b", "é"])
def test_a_label_that_is_no_name_is_refused(label: str, table: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"label .* cannot be used; choose one of letters"):
        source(label=label, uri=str(table))


@pytest.mark.parametrize("label", ["data", "tmp"])
def test_a_folder_may_not_take_the_place_of_the_run_s_own_files(label: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"'{label}' would be mounted at /mnt/{label}"):
        source(label=label, uri=str(tmp_path), type="folder")


def test_a_file_labelled_data_does_not_collide(table: Path) -> None:
    assert source(label="data", uri=str(table)).seen_by_run() == Bind(table, "/mnt/data/data.csv")


def test_a_missing_file_is_told_with_its_label_and_path(tmp_path: Path) -> None:
    path = tmp_path / "absent.csv"

    with pytest.raises(
        ConfigurationError, match=f"The file of database 'default' does not exist: {path}"
    ):
        source(uri=str(path))


def test_a_file_where_a_folder_is_configured_is_refused(table: Path) -> None:
    with pytest.raises(ConfigurationError, match="The folder of database 'default'"):
        source(uri=str(table), type="folder")


def test_a_folder_where_a_file_is_configured_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not a file; correct its uri, or set its type"):
        source(uri=str(tmp_path))


def test_a_file_that_went_after_the_start_is_told_when_a_run_needs_it(table: Path) -> None:
    present = source(uri=str(table))
    table.unlink()

    with pytest.raises(DataSourceError, match="does not exist"):
        present.seen_by_run()


def test_mode_ro_needs_a_path() -> None:
    with pytest.raises(ConfigurationError, match="its uri is no path"):
        source(uri="postgresql://host/db", type="sql", mount_mode="ro")


def test_mode_rw_is_for_folders_only(table: Path) -> None:
    with pytest.raises(ConfigurationError, match="for folders only"):
        source(uri=str(table), mount_mode="rw")


def test_an_unknown_mode_is_refused(table: Path) -> None:
    with pytest.raises(ConfigurationError, match="one of copy, ro, rw"):
        source(uri=str(table), mount_mode="link")


def test_uri_and_type_are_needed() -> None:
    with pytest.raises(ConfigurationError, match="has no uri and no type"):
        DataSource.from_settings({"label": "default"})


def test_env_becomes_parameters_in_capital_letters(table: Path) -> None:
    variables = source(uri=str(table), env={"user": "me", "Port": 5}).variables()

    assert variables == {"DEFAULT_DB_PARAM_USER": "me", "DEFAULT_DB_PARAM_PORT": "5"}


@pytest.mark.parametrize("env", [["user"], {"a-b": 1}, "x"])
def test_env_that_cannot_become_variables_is_refused(env: object, table: Path) -> None:
    with pytest.raises(ConfigurationError, match="env of database 'default'"):
        source(uri=str(table), env=env)


def test_the_parameters_are_not_shown_in_the_text_of_a_source(table: Path) -> None:
    assert "secret" not in repr(source(uri=str(table), env={"password": "secret"}))
