"""The schema: equal to the models, on both kinds of databases, and from older ones."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from vantage6.common.errors import ConfigurationError
from vantage6.server import migrations
from vantage6.server.models import Base, Node, Role, User
from vantage6.server.repositories.database import Database, database_url
from vantage6.server.repositories.records import member_ids
from vantage6.server.repositories.unit_of_work import UnitOfWork
from vantage6.server.services.first_start import prepare
from vantage6.server.services.passwords import Passwords

# The tables of release 4.15.2 in the words of the contract, without what newer revisions add.
REFERENCE_TABLES = """
CREATE TABLE organization (id INTEGER NOT NULL, name VARCHAR, domain VARCHAR, address1 VARCHAR,
    address2 VARCHAR, zipcode VARCHAR, country VARCHAR, _public_key BLOB,
    PRIMARY KEY (id), UNIQUE (name));
CREATE TABLE collaboration (id INTEGER NOT NULL, name VARCHAR, encrypted BOOLEAN,
    PRIMARY KEY (id), UNIQUE (name));
CREATE TABLE authenticatable (id INTEGER NOT NULL, type VARCHAR(50), ip VARCHAR,
    last_seen DATETIME, status VARCHAR, PRIMARY KEY (id));
CREATE TABLE "Member" (organization_id INTEGER, collaboration_id INTEGER,
    FOREIGN KEY(organization_id) REFERENCES organization (id),
    FOREIGN KEY(collaboration_id) REFERENCES collaboration (id));
CREATE TABLE "user" (id INTEGER NOT NULL, username VARCHAR, password VARCHAR, firstname VARCHAR,
    lastname VARCHAR, email VARCHAR, organization_id INTEGER, failed_login_attempts INTEGER,
    last_login_attempt DATETIME, otp_secret VARCHAR(32), PRIMARY KEY (id),
    FOREIGN KEY(id) REFERENCES authenticatable (id), UNIQUE (username),
    FOREIGN KEY(organization_id) REFERENCES organization (id), UNIQUE (email));
CREATE TABLE node (id INTEGER NOT NULL, name VARCHAR, api_key VARCHAR, collaboration_id INTEGER,
    organization_id INTEGER, PRIMARY KEY (id), FOREIGN KEY(id) REFERENCES authenticatable (id),
    UNIQUE (name), FOREIGN KEY(collaboration_id) REFERENCES collaboration (id),
    FOREIGN KEY(organization_id) REFERENCES organization (id));
CREATE TABLE role (id INTEGER NOT NULL, name TEXT, description TEXT, organization_id INTEGER,
    is_default_role BOOLEAN, PRIMARY KEY (id),
    FOREIGN KEY(organization_id) REFERENCES organization (id));
"""
REFERENCE_ROWS = """
INSERT INTO organization (id, name) VALUES (1, 'root'), (7, 'alpha');
INSERT INTO collaboration VALUES (3, 'plain', 0);
INSERT INTO "Member" VALUES (7, 3), (7, 3);
INSERT INTO authenticatable (id, type) VALUES (1, 'user'), (4, 'node'), (9, 'node');
INSERT INTO "user" (id, username, password, email, organization_id)
    VALUES (1, 'root', 'hash', 'root@domain.ext', 1);
INSERT INTO node VALUES (4, 'n1', 'hash', 3, 7), (9, 'n2', 'hash', 3, 7);
INSERT INTO role VALUES (1, 'Root', 'everything', NULL, 1);
"""


@pytest.fixture
def older_database(tmp_path: Path) -> Any:
    database = Database(database_url("sqlite:///old.sqlite", tmp_path))
    with database.engine.begin() as connection:
        for statement in (REFERENCE_TABLES + REFERENCE_ROWS).split(";"):
            connection.execute(text(statement))
    yield database
    database.close()


def _differences(database: Database) -> list[Any]:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))


def test_the_newest_revision_has_exactly_the_tables_of_the_models(
    empty_database: Database,
) -> None:
    migrations.upgrade(empty_database)
    assert _differences(empty_database) == []


def test_a_second_upgrade_changes_nothing(empty_database: Database) -> None:
    migrations.upgrade(empty_database)
    with empty_database.engine.connect() as connection:
        before = migrations.current_revision(connection)
    migrations.upgrade(empty_database)
    with empty_database.engine.connect() as connection:
        assert migrations.current_revision(connection) == before == "0003"


def test_every_revision_can_be_taken_back(empty_database: Database) -> None:
    migrations.upgrade(empty_database)
    engine = empty_database.migration_engine()
    with engine.begin() as connection:
        command.downgrade(migrations.configuration(connection), "base")
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    engine.dispose()
    migrations.upgrade(empty_database)
    assert _differences(empty_database) == []


def test_a_database_of_a_newer_release_is_refused(empty_database: Database) -> None:
    migrations.upgrade(empty_database)
    with empty_database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="9999"):
        migrations.upgrade(empty_database)


def test_table_names_have_the_case_of_the_contract(empty_database: Database) -> None:
    migrations.upgrade(empty_database)
    with empty_database.engine.connect() as connection:
        names = set(inspect(connection).get_table_names())
    assert {"Member", "StudyMember", "Permission", "UserPermission"} <= names
    assert {"role_rule_association", "authenticatable", "taskdatabase", "algorithmport"} <= names


def test_a_database_of_an_older_release_is_completed(older_database: Database) -> None:
    migrations.upgrade(older_database)
    kinds = {difference[0] for difference in _differences(older_database)}
    # Its unique constraints have no names, which is all that can be seen of them here.
    assert kinds <= {"add_constraint"}


def test_names_in_a_database_of_an_older_release_stay_unique(older_database: Database) -> None:
    migrations.upgrade(older_database)
    with older_database.engine.connect() as connection:
        unique = {
            table: [
                constraint["column_names"]
                for constraint in inspect(connection).get_unique_constraints(table)
            ]
            for table in ("organization", "collaboration", "study", "node", "user")
        }
    assert unique == {
        "organization": [["name"]],
        "collaboration": [["name"]],
        "study": [["name"]],
        "node": [["name"]],
        "user": [["username"], ["email"]],
    }


def test_the_data_of_an_older_release_stays(older_database: Database) -> None:
    migrations.upgrade(older_database)
    with UnitOfWork(older_database, write=False) as work:
        root = work.session.get_one(User, 1)
        first, second = work.session.get_one(Node, 4), work.session.get_one(Node, 9)
        assert (root.username, root.password, root.organization.name) == ("root", "hash", "root")
        assert (first.collaboration_id, second.collaboration_id) == (3, None)
        assert member_ids(work.session, 3) == {7}


def test_an_older_release_gets_all_rules_for_its_root(
    older_database: Database, passwords: Passwords
) -> None:
    migrations.upgrade(older_database)

    def work(*, write: bool = True) -> UnitOfWork:
        return UnitOfWork(older_database, write=write)

    started = prepare(work, passwords, {})
    assert not started.root_created
    with work(write=False) as unit:
        root = unit.session.get_one(Role, 1)
        assert len(root.rules) == 86


def test_ids_of_deleted_accounts_are_not_given_again(older_database: Database) -> None:
    migrations.upgrade(older_database)
    with UnitOfWork(older_database) as work:
        work.session.delete(work.session.get_one(Node, 9))
        work.commit()
    with UnitOfWork(older_database) as work:
        new = Node(name="n3", organization_id=7)
        work.session.add(new)
        work.commit()
        assert new.id == 10


def test_two_instances_may_upgrade_an_empty_database_at_once(empty_database: Database) -> None:
    others = [Database(empty_database.url) for _ in range(3)]
    failures: list[BaseException] = []

    def start(database: Database) -> None:
        try:
            migrations.upgrade(database)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=start, args=(database,)) for database in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert _differences(empty_database) == []
