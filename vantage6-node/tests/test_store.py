"""The state file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from vantage6.common.errors import ConfigurationError
from vantage6.node.store import Store


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    Store(tmp_path / "s").close()

    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "s")

    def fail_half_way() -> None:
        with store.transaction():
            store.set_meta("a", "1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert store.get_meta("a") is None
    store.close()


def test_a_transaction_whose_end_fails_does_not_block_the_next_one(tmp_path: Path) -> None:
    store = Store(tmp_path / "s")
    with store.transaction() as db:
        db.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        db.execute(
            "CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)"
        )
    db.execute("PRAGMA foreign_keys=ON")

    with pytest.raises(sqlite3.Error), store.transaction():
        db.execute("INSERT INTO child VALUES (1)")  # is found out when the transaction ends

    store.set_meta("a", "1")
    assert store.rows("SELECT * FROM child") == []
    store.close()


def test_a_value_is_there_after_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path / "s")
    store.set_meta("a", "1")
    store.close()

    again = Store(tmp_path / "s")
    assert again.get_meta("a") == "1"
    again.close()


def test_a_file_of_a_later_release_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "s")
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(ConfigurationError, match="later release"):
        Store(tmp_path / "s")


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("this is not a database" * 100)
    with pytest.raises(ConfigurationError, match=str(tmp_path / "s")):
        Store(tmp_path / "s")
