"""Addresses, transactions, and writers that meet."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from datetime import datetime, timezone
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from vantage6.common.clock import ManualClock
from vantage6.common.errors import ConfigurationError
from vantage6.server import migrations
from vantage6.server.models import Node, NodeConfig, Organization, User
from vantage6.server.repositories.database import Database, database_url
from vantage6.server.repositories.unit_of_work import UnitOfWork


@pytest.fixture
def database(empty_database: Database) -> Database:
    migrations.upgrade(empty_database)
    return empty_database


class _Recorder:
    def __init__(self) -> None:
        self.heard: list[object] = []

    def publish(self, event: object) -> None:
        self.heard.append(event)


@pytest.mark.parametrize(
    "uri",
    ["postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg2://u@h/d"],
)
def test_postgresql_addresses_get_the_driver_we_ship(uri: str) -> None:
    assert database_url(uri).render_as_string() == "postgresql+psycopg://u@h/d"


def test_a_relative_sqlite_file_lies_in_the_data_folder(tmp_path: Path) -> None:
    assert database_url("sqlite:///a/b.sqlite", tmp_path).database == str(tmp_path / "a/b.sqlite")


def test_an_absolute_sqlite_file_stays_where_it_is(tmp_path: Path) -> None:
    assert database_url("sqlite:////srv/b.sqlite", tmp_path).database == "/srv/b.sqlite"


@pytest.mark.parametrize("uri", ["nonsense", "mysql://u@h/d", "sqlite://", "sqlite:///:memory:"])
def test_other_addresses_are_refused(uri: str) -> None:
    with pytest.raises(ConfigurationError, match="uri"):
        database_url(uri)


def test_nothing_is_stored_without_a_commit(database: Database) -> None:
    with UnitOfWork(database) as work:
        work.session.add(Organization(name="lost"))
        work.flush()
    with UnitOfWork(database, write=False) as work:
        assert work.session.scalar(select(func.count()).select_from(Organization)) == 0


def test_events_are_heard_after_the_commit_and_not_without_it(database: Database) -> None:
    bus = _Recorder()
    with UnitOfWork(database, bus) as work:
        work.record("lost")
    with UnitOfWork(database, bus) as work:
        work.record("told")
        assert bus.heard == []
        work.commit()
    assert bus.heard == ["told"]


def test_an_error_inside_the_block_rolls_back(database: Database) -> None:
    bus = _Recorder()

    def fail() -> None:
        with UnitOfWork(database, bus) as work:
            work.session.add(Organization(name="lost"))
            work.record("lost")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with UnitOfWork(database) as work:
        assert work.session.scalars(select(Organization)).all() == []
    assert bus.heard == []


def test_objects_can_be_read_after_the_block(database: Database) -> None:
    with UnitOfWork(database) as work:
        organization = Organization(name="kept")
        work.session.add(organization)
        work.commit()
    assert (organization.id, organization.name) == (1, "kept")


def test_a_session_outside_the_block_is_a_mistake(database: Database) -> None:
    with pytest.raises(RuntimeError, match="with"):
        _ = UnitOfWork(database).session


def test_users_and_nodes_share_one_sequence_of_ids(database: Database) -> None:
    with UnitOfWork(database) as work:
        organization = Organization(name="o")
        user = User(username="u", email="e", organization=organization)
        node = Node(name="n", organization=organization)
        work.session.add_all([user, node])
        work.commit()
        assert {user.id, node.id} == {1, 2}
        assert work.session.get(Node, user.id) is None


def test_foreign_keys_are_enforced(database: Database) -> None:
    with UnitOfWork(database) as work:
        work.session.add(NodeConfig(node_id=99, key="k"))
        with pytest.raises(IntegrityError):
            work.commit()


def test_moments_are_stored_as_utc_without_zone_and_read_as_utc(database: Database) -> None:
    moment = datetime.fromisoformat("2026-03-01T12:00:00+02:00")
    with UnitOfWork(database) as work:
        work.session.add(User(username="u", email="e", last_seen=moment))
        work.commit()
    with UnitOfWork(database, write=False) as work:
        user = work.session.scalars(select(User)).one()
        assert user.last_seen == datetime(2026, 3, 1, 10, tzinfo=timezone.utc)
        stored = work.session.scalar(text("SELECT CAST(last_seen AS VARCHAR) FROM authenticatable"))
    assert stored is not None
    assert stored.startswith("2026-03-01 10:00:00")


def test_a_moment_without_zone_is_a_mistake(database: Database) -> None:
    with UnitOfWork(database) as work:
        work.session.add(User(username="u", last_seen=datetime(2026, 3, 1)))  # noqa: DTZ001 - the mistake
        with pytest.raises(StatementError, match="time zone"):
            work.commit()


def test_many_threads_may_write_at_once(database: Database) -> None:
    failures: list[BaseException] = []

    def write(number: int) -> None:
        try:
            for step in range(5):
                with UnitOfWork(database) as work:
                    work.session.scalar(select(func.count()).select_from(Organization))
                    work.session.add(Organization(name=f"{number}-{step}"))
                    work.commit()
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with UnitOfWork(database, write=False) as work:
        assert work.session.scalar(select(func.count()).select_from(Organization)) == 60


def test_serialized_work_sees_what_the_one_before_stored(database: Database) -> None:
    numbers: list[int] = []

    def take() -> None:
        with UnitOfWork(database) as work:
            work.serialize("number")
            count = work.session.scalar(select(func.count()).select_from(Organization)) or 0
            work.session.add(Organization(name=str(count)))
            work.commit()
            numbers.append(count)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(8))


def test_readers_go_on_while_one_writes(tmp_path: Path) -> None:
    database = Database(database_url("sqlite:///d.sqlite", tmp_path))
    migrations.upgrade(database)
    with UnitOfWork(database) as writer:
        writer.session.add(Organization(name="new"))
        writer.flush()
        with UnitOfWork(database, write=False) as reader:
            assert reader.session.scalars(select(Organization)).all() == []
        writer.commit()
    database.close()


def test_a_waiting_greenlet_does_not_stop_the_one_it_waits_for(tmp_path: Path) -> None:
    """One writer waits inside its transaction while others queue; nobody may see a locked file."""
    script = textwrap.dedent(
        f"""
        from gevent import monkey; monkey.patch_all()
        import gevent, time
        from pathlib import Path
        from sqlalchemy import func, select
        from vantage6.server import migrations
        from vantage6.server.models import Organization
        from vantage6.server.repositories.database import Database, database_url
        from vantage6.server.repositories.unit_of_work import UnitOfWork

        database = Database(database_url("sqlite:///g.sqlite", Path({str(tmp_path)!r})))
        migrations.upgrade(database)

        def write(number):
            with UnitOfWork(database) as work:
                work.session.add(Organization(name=str(number)))
                work.flush()
                gevent.sleep(0.02)
                work.commit()

        started = time.monotonic()
        jobs = [gevent.spawn(write, number) for number in range(10)]
        gevent.joinall(jobs, raise_error=True)
        assert time.monotonic() - started < 5
        with UnitOfWork(database, write=False) as work:
            print(work.session.scalar(select(func.count()).select_from(Organization)))
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "10"), done.stderr


def test_waiting_for_a_database_ends_after_the_last_attempt() -> None:
    database = Database(database_url("postgresql://nobody@127.0.0.1:1/nothing"))
    clock = ManualClock()
    with pytest.raises(ConfigurationError, match="does not answer"):
        database.wait(attempts=3, delay=30.0, clock=clock)
    assert clock.monotonic() == 60.0
    assert not database.is_reachable()
    database.close()


def test_a_database_that_answers_needs_no_waiting(database: Database) -> None:
    clock = ManualClock()
    database.wait(clock=clock)
    assert clock.monotonic() == 0.0
    assert database.is_reachable()
