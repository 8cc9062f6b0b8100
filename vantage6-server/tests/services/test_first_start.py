"""What every start makes sure of."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest
from sqlalchemy import func, select

from vantage6.common.errors import ConfigurationError
from vantage6.server import migrations
from vantage6.server.models import Organization, Role, Rule, User
from vantage6.server.policy.principal import RuleKey
from vantage6.server.policy.roles import DEFAULT_ROLES
from vantage6.server.policy.rules import RULES
from vantage6.server.repositories.database import Database, database_url
from vantage6.server.repositories.unit_of_work import OpenWork, UnitOfWork
from vantage6.server.services.first_start import FirstStart, prepare
from vantage6.server.services.passwords import Passwords

PLAIN = "V6_INIT_SUPER_PASS"
HASHED = "V6_INIT_SUPER_PASS_HASHED"
HASHED_FILE = "V6_INIT_SUPER_PASS_HASHED_FILE"


def _opener(database: Database) -> OpenWork:
    def work(*, write: bool = True) -> UnitOfWork:
        return UnitOfWork(database, write=write)

    return work


@pytest.fixture
def open_work(tmp_path: Path) -> Iterator[OpenWork]:
    database = Database(database_url("sqlite:///d.sqlite", tmp_path))
    migrations.upgrade(database)
    yield _opener(database)
    database.close()


def _hash(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def _root(open_work: OpenWork) -> User:
    with open_work(write=False) as work:
        return work.session.scalars(select(User).where(User.username == "root")).one()


def test_rules_and_roles_get_the_ids_of_the_contract(
    open_work: OpenWork, passwords: Passwords
) -> None:
    prepare(open_work, passwords, {})
    with open_work(write=False) as work:
        rules = work.session.scalars(select(Rule).order_by(Rule.id)).all()
        roles = work.session.scalars(select(Role).order_by(Role.id)).all()
        held = {
            role.name: {RuleKey(rule.name, rule.scope, rule.operation) for rule in role.rules}
            for role in roles
        }
    assert [RuleKey(rule.name, rule.scope, rule.operation) for rule in rules] == list(RULES)
    assert [rule.id for rule in rules] == list(range(1, 87))
    assert [(role.id, role.name) for role in roles] == list(enumerate(DEFAULT_ROLES, start=1))
    assert held == {name: set(role.rules) for name, role in DEFAULT_ROLES.items()}


def test_root_is_the_first_user_of_the_first_organization(
    open_work: OpenWork, passwords: Passwords
) -> None:
    prepare(open_work, passwords, {})
    with open_work(write=False) as work:
        root = work.session.get_one(User, 1)
        assert (root.username, root.email) == ("root", "root@domain.ext")
        assert (root.organization.id, root.organization.name) == (1, "root")
        assert [role.name for role in root.roles] == ["Root"]


def test_without_a_password_one_is_made_and_told_once(
    open_work: OpenWork, passwords: Passwords
) -> None:
    first = prepare(open_work, passwords, {})
    assert first.root_created
    assert first.generated_password is not None
    assert passwords.verify(first.generated_password, _root(open_work).password)
    assert prepare(open_work, passwords, {}) == FirstStart()


def test_there_is_no_usual_password(open_work: OpenWork, passwords: Passwords) -> None:
    prepare(open_work, passwords, {})
    assert not passwords.verify("root", _root(open_work).password)


def test_a_plain_password_may_come_from_the_environment(
    open_work: OpenWork, passwords: Passwords
) -> None:
    started = prepare(open_work, passwords, {PLAIN: "Passw0rd!"})
    assert started == FirstStart(root_created=True)
    assert passwords.verify("Passw0rd!", _root(open_work).password)


def test_a_weak_password_is_taken_with_a_warning(
    open_work: OpenWork, passwords: Passwords, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        prepare(open_work, passwords, {PLAIN: "weak-one"})
    assert "weak" in caplog.text
    assert "weak-one" not in caplog.text


def test_a_hash_may_come_from_the_environment(open_work: OpenWork, passwords: Passwords) -> None:
    hashed = _hash("Passw0rd!")
    started = prepare(open_work, passwords, {HASHED: hashed, PLAIN: "ignored"})
    assert started == FirstStart(root_created=True)
    assert _root(open_work).password == hashed


def test_a_file_with_a_hash_goes_before_all(
    open_work: OpenWork, passwords: Passwords, tmp_path: Path
) -> None:
    file = tmp_path / "hash"
    file.write_text(_hash("Passw0rd!") + "\n")
    prepare(open_work, passwords, {HASHED_FILE: str(file), HASHED: _hash("other")})
    assert passwords.verify("Passw0rd!", _root(open_work).password)


@pytest.mark.parametrize("text", ["plain", "$2b$04$short", _hash("")])
def test_what_is_no_hash_of_a_password_stops_the_start(
    open_work: OpenWork, passwords: Passwords, text: str
) -> None:
    with pytest.raises(ConfigurationError, match=HASHED):
        prepare(open_work, passwords, {HASHED: text})
    with open_work(write=False) as work:
        assert work.session.scalar(select(func.count()).select_from(Rule)) == 0


def test_an_unreadable_file_stops_the_start(
    open_work: OpenWork, passwords: Passwords, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        prepare(open_work, passwords, {HASHED_FILE: str(tmp_path / "none")})


def test_once_root_is_there_the_environment_does_not_matter(
    open_work: OpenWork, passwords: Passwords
) -> None:
    prepare(open_work, passwords, {PLAIN: "Passw0rd!"})
    prepare(open_work, passwords, {HASHED: "nonsense"})
    assert passwords.verify("Passw0rd!", _root(open_work).password)


def test_a_changed_default_role_is_reset(open_work: OpenWork, passwords: Passwords) -> None:
    prepare(open_work, passwords, {})
    with open_work() as work:
        viewer = work.session.scalars(select(Role).where(Role.name == "Viewer")).one()
        viewer.rules = viewer.rules[:2]
        viewer.description = "changed"
        work.commit()
    prepare(open_work, passwords, {})
    with open_work(write=False) as work:
        viewer = work.session.scalars(select(Role).where(Role.name == "Viewer")).one()
        assert len(viewer.rules) == len(DEFAULT_ROLES["Viewer"].rules)
        assert viewer.description == DEFAULT_ROLES["Viewer"].description


def test_node_and_container_roles_gain_rules_but_keep_further_ones(
    open_work: OpenWork, passwords: Passwords
) -> None:
    prepare(open_work, passwords, {})
    with open_work() as work:
        node = work.session.scalars(select(Role).where(Role.name == "node")).one()
        node.rules = [work.session.get_one(Rule, 1)]
        work.commit()
    prepare(open_work, passwords, {})
    with open_work(write=False) as work:
        node = work.session.scalars(select(Role).where(Role.name == "node")).one()
        assert len(node.rules) == len(DEFAULT_ROLES["node"].rules) + 1


def test_a_role_with_the_name_of_a_default_one_is_left_alone(
    open_work: OpenWork, passwords: Passwords, caplog: pytest.LogCaptureFixture
) -> None:
    with open_work() as work:
        work.session.add(Role(name="Viewer", is_default_role=False))
        work.session.add(Role(name="Root", is_default_role=False))
        work.commit()
    with caplog.at_level(logging.WARNING):
        prepare(open_work, passwords, {})
    assert "'Viewer'" in caplog.text
    with open_work(write=False) as work:
        viewer = work.session.scalars(select(Role).where(Role.name == "Viewer")).one()
        assert (viewer.is_default_role, viewer.rules) == (False, [])
        # Root, too, may do everything without the role of that name.
        root = work.session.scalars(select(User)).one()
        assert len(root.rules) == 86


def test_instances_that_start_together_make_one_root_and_one_set_of_roles(
    empty_database: Database, passwords: Passwords
) -> None:
    migrations.upgrade(empty_database)
    started: list[FirstStart] = []
    failures: list[BaseException] = []

    def start() -> None:
        database = Database(empty_database.url)
        try:
            started.append(prepare(_opener(database), passwords, {}))
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sum(item.root_created for item in started) == 1
    assert sum(item.generated_password is not None for item in started) == 1
    with _opener(empty_database)(write=False) as work:
        counts = [
            work.session.scalar(select(func.count()).select_from(model))
            for model in (Rule, Role, User, Organization)
        ]
    assert counts == [86, 7, 1, 1]
