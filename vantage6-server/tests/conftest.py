"""A small world on a temporary SQLite database, and a client that speaks as anyone in it.

The world is the fixture of the contract's golden samples (their README): the same names and ids.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_jwt_extended import create_access_token
from sqlalchemy import create_engine, event, select, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from vantage6.common.clock import ManualClock
from vantage6.common.enums import Operation, Scope
from vantage6.server import migrations
from vantage6.server.app import create_app
from vantage6.server.mail.base import Mailer
from vantage6.server.models import (
    Collaboration,
    Node,
    Organization,
    Role,
    Rule,
    Run,
    Study,
    Task,
    User,
)
from vantage6.server.repositories.database import Database, database_url
from vantage6.server.repositories.principals import find_principal
from vantage6.server.repositories.unit_of_work import UnitOfWork
from vantage6.server.resources.auth import RUN_CLAIM, services, token_pair
from vantage6.server.services.first_start import prepare
from vantage6.server.services.passwords import Passwords
from vantage6.server.services.tokens import give_api_key
from vantage6.server.settings import load_server_settings
from vantage6.server.vpn.base import VpnPortal
from vantage6.server.wiring import Services

PASSWORD = "Passw0rd!"
DATABASE = "server.sqlite"

ORGANIZATIONS = ("alpha", "beta", "gamma")
ROLE_OF = {"adm": "Organization Admin", "res": "Researcher", "view": "Viewer"}


@dataclass
class World:
    """The app, and what is in its database."""

    app: Flask
    clock: ManualClock
    file: Path
    template: Path
    api_keys: dict[str, str]
    _tokens: dict[str, str] = field(default_factory=dict)

    @property
    def services(self) -> Services:
        """What the app works with."""
        with self.app.app_context():
            return services()

    def restore(self) -> None:
        """Forget everything that happened since the world was made."""
        self.services.database.close()
        for suffix in ("-wal", "-shm"):
            self.file.with_name(self.file.name + suffix).unlink(missing_ok=True)
        shutil.copy(self.template, self.file)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a session whose changes are stored at the end."""
        with self.services.work() as work:
            yield work.session
            work.commit()

    def identity(self, name: str) -> int:
        """Return the id of a user or node."""
        with self.services.work(write=False) as work:
            found = work.session.scalar(select(User.id).where(User.username == name))
            found = found or work.session.scalar(select(Node.id).where(Node.name == name))
        assert found is not None, name
        return found

    def token(self, name: str) -> str:
        """Return an access token of a user or node."""
        if name not in self._tokens:
            with self.services.work(write=False) as work:
                principal = find_principal(work.session, self.identity(name))
            assert principal is not None
            with self.app.app_context():
                self._tokens[name] = token_pair(principal, [])["access_token"]
        return self._tokens[name]

    def add_token(self, name: str, token: str) -> None:
        """Let `name` speak with this token, for example a container."""
        self._tokens[name] = token

    def add_container(
        self, name: str, *, node: str = "alpha-plain", task_id: int = 1, image: str = "img:1"
    ) -> None:
        """Let `name` speak as an algorithm that a node runs, without naming its run."""
        with self.services.work(write=False) as work:
            found = work.session.scalars(select(Node).where(Node.name == node)).one()
        subject = {
            "client_type": "container",
            "node_id": found.id,
            "organization_id": found.organization_id,
            "collaboration_id": found.collaboration_id,
            "study_id": None,
            "store_id": None,
            "task_id": task_id,
            "image": image,
            "databases": [],
        }
        claims: dict[str, Any] = {"client_type": "container", "roles": [], RUN_CLAIM: None}
        with self.app.app_context():
            token = create_access_token(subject, expires_delta=False, additional_claims=claims)
        self.add_token(name, token)

    def call(
        self,
        who: str | None,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Any = None,
        headers: dict[str, str] | None = None,
    ) -> TestResponse:
        """Send a request as a user, node or container, or as nobody."""
        sent = dict(headers or {})
        if who is not None:
            sent["Authorization"] = f"Bearer {self.token(who)}"
        options: dict[str, Any] = {} if body is None else {"json": body}
        client = self.app.test_client()
        return client.open(
            f"/api{path}", method=method, headers=sent, query_string=query, **options
        )

    def get(self, who: str | None, path: str, **query: Any) -> TestResponse:
        """Send a GET request."""
        return self.call(who, "GET", path, query=query)

    def add_task(
        self,
        *,
        collaboration_id: int = 1,
        organization_ids: tuple[int, ...] = (2,),
        creator: str = "alpha_res",
        parent_id: int | None = None,
        study_id: int | None = None,
        status: str = "pending",
    ) -> int:
        """Store a task with one run per organization and return its id."""
        with self.session() as session:
            user = session.scalars(select(User).where(User.username == creator)).one()
            task = Task(
                name="t",
                description="",
                image="img:1",
                job_id=1,
                collaboration_id=collaboration_id,
                study_id=study_id,
                parent_id=parent_id,
                init_org_id=user.organization_id,
                init_user_id=user.id,
                created_at=self.clock.now(),
                runs=[Run(organization_id=item, status=status) for item in organization_ids],
            )
            session.add(task)
            session.flush()
            return task.id

    @contextmanager
    def counting_statements(self) -> Iterator[list[str]]:
        """Collect the SQL statements that are executed meanwhile."""
        seen: list[str] = []

        def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            seen.append(statement)

        engine = self.services.database.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(engine, "before_cursor_execute", note)


@pytest.fixture(scope="session")
def passwords() -> Passwords:
    """Return a hasher that takes no time."""
    return Passwords(time_cost=1, memory_cost=8)


@pytest.fixture(scope="session")
def template(
    tmp_path_factory: pytest.TempPathFactory, passwords: Passwords
) -> tuple[Path, dict[str, str]]:
    """Make the database once; tests work on copies."""
    folder = tmp_path_factory.mktemp("world")
    database = Database(database_url(f"sqlite:///{DATABASE}", folder))
    api_keys = _fill(database, passwords)
    database.close()
    return folder / DATABASE, api_keys


def _fill(database: Database, passwords: Passwords) -> dict[str, str]:
    migrations.upgrade(database)

    def work(*, write: bool = True) -> UnitOfWork:
        return UnitOfWork(database, write=write)

    prepare(work, passwords, {"V6_INIT_SUPER_PASS": PASSWORD})
    with work() as unit:
        api_keys = _populate(unit.session, passwords.hash(PASSWORD))
        unit.commit()
    return api_keys


@pytest.fixture
def make_world(
    tmp_path: Path, template: tuple[Path, dict[str, str]]
) -> Iterator[Callable[..., World]]:
    """Return a maker of worlds with other settings; each has a database of its own."""
    made: list[World] = []

    def make(
        *, mailer: Mailer | None = None, vpn_portal: VpnPortal | None = None, **settings: Any
    ) -> World:
        folder = tmp_path / f"world{len(made)}"
        folder.mkdir()
        shutil.copy(template[0], folder / DATABASE)
        clock = ManualClock()
        given = {"uri": f"sqlite:///{DATABASE}", "jwt_secret_key": "s" * 48} | settings
        app = create_app(
            load_server_settings(given, "the test", {}),
            folder,
            clock=clock,
            mailer=mailer,
            vpn_portal=vpn_portal,
        )
        made.append(World(app, clock, folder / DATABASE, *template))
        return made[-1]

    yield make
    for world in made:
        world.services.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """Return the world of the golden samples."""
    return make_world()


@pytest.fixture
def postgresql_world(postgresql_uri: str, tmp_path: Path, passwords: Passwords) -> Iterator[World]:
    """Return the same world on PostgreSQL."""
    database = Database(database_url(postgresql_uri))
    api_keys = _fill(database, passwords)
    database.close()
    clock = ManualClock()
    given = {"uri": postgresql_uri, "jwt_secret_key": "s" * 48}
    app = create_app(load_server_settings(given, "the test", {}), tmp_path, clock=clock)
    world = World(app, clock, tmp_path, tmp_path, api_keys)
    yield world
    world.services.close()


def _populate(session: Session, password: str) -> dict[str, str]:
    alpha, beta, gamma = organizations = [
        Organization(
            name=name,
            domain=f"{name}.org",
            address1="street 1",
            zipcode="1234",
            country="NL",
            public_key_bytes=b"KEY",
        )
        for name in ORGANIZATIONS
    ]
    session.add_all(organizations)
    session.flush()
    plain = Collaboration(name="plain", encrypted=False, organizations=[alpha, beta])
    session.add(plain)
    session.flush()
    encrypted = Collaboration(name="enc", encrypted=True, organizations=[alpha, gamma])
    session.add(encrypted)
    session.add(Study(name="s1", collaboration=plain, organizations=[alpha]))
    session.flush()
    api_keys = {
        f"{organization.name}-{collaboration.name}": _add_node(session, organization, collaboration)
        for collaboration in (plain, encrypted)
        for organization in collaboration.organizations
    }
    roles = {role.name: role for role in session.scalars(select(Role))}
    for organization in organizations:
        for short, role in ROLE_OF.items():
            _add_user(
                session, f"{organization.name}_{short}", organization, password, [roles[role]]
            )
    _add_user(session, "alpha_col", alpha, password, [roles["Collaboration Admin"]])
    _add_user(session, "alpha_none", alpha, password)
    own = _rules(
        session, "task VIEW OWN", "task DELETE OWN", "task CREATE COLLABORATION", "run VIEW OWN"
    )
    _add_user(session, "alpha_own", alpha, password, rules=own)
    view = _rules(
        session, "task VIEW ORGANIZATION", "run VIEW ORGANIZATION", "task CREATE COLLABORATION"
    )
    _add_user(session, "alpha_orgview", alpha, password, rules=view)
    return api_keys


def _add_node(session: Session, organization: Organization, collaboration: Collaboration) -> str:
    node = Node(
        name=f"{organization.name}-{collaboration.name}",
        organization=organization,
        collaboration=collaboration,
        status="offline",
    )
    key = give_api_key(session, node)
    session.add(node)
    session.flush()
    return key


def _add_user(
    session: Session,
    name: str,
    organization: Organization,
    password: str,
    roles: list[Role] | None = None,
    rules: list[Rule] | None = None,
) -> None:
    user = User(
        username=name,
        email=f"{name}@x.org",
        firstname="first",
        lastname="last",
        password=password,
        organization=organization,
        roles=roles or [],
        rules=rules or [],
    )
    session.add(user)
    session.flush()


def _rules(session: Session, *texts: str) -> list[Rule]:
    found = []
    for words in texts:
        name, operation, scope = words.split()
        found.append(
            session.scalars(
                select(Rule).where(
                    Rule.name == name,
                    Rule.operation == Operation(operation),
                    Rule.scope == Scope(scope),
                )
            ).one()
        )
    return found


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a PostgreSQL of our own, or use the one named by V6_TEST_POSTGRESQL_URI.

    The address has no database in it. Without PostgreSQL on the machine the tests are skipped.
    """
    given = os.environ.get("V6_TEST_POSTGRESQL_URI")
    if given:
        yield given.rstrip("/")
        return
    initdb = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None)
    if initdb is None:
        pytest.skip("needs PostgreSQL, or V6_TEST_POSTGRESQL_URI naming one")
    folder = Path(tempfile.mkdtemp(prefix="v6pg"))
    # PostgreSQL refuses to run as root.
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        shutil.chown(folder, "postgres")
    data = str(folder / "data")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = f"-p {port} -k {folder} -c fsync=off -c listen_addresses=127.0.0.1"

    def run(*command: str) -> None:
        subprocess.run([*as_user, *command], check=True, stdout=subprocess.DEVNULL, cwd="/")

    control = (str(initdb.with_name("pg_ctl")), "-D", data, "-s", "-w")
    run(str(initdb), "-D", data, "-A", "trust", "-U", "v6")
    run(*control, "-l", f"{data}/log", "-o", options, "start")
    yield f"postgresql://v6@127.0.0.1:{port}"
    run(*control, "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.fixture
def postgresql_uri(postgresql_server: str) -> Iterator[str]:
    """Return the address of a new, empty PostgreSQL database, which is dropped afterwards."""
    name = f"v6_{secrets.token_hex(6)}"
    engine = create_engine(
        database_url(f"{postgresql_server}/postgres"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield f"{postgresql_server}/{name}"
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Return an empty database of each kind."""
    if request.param == "sqlite":
        uri = f"sqlite:///{DATABASE}"
    else:
        uri = request.getfixturevalue("postgresql_uri")
    database = Database(database_url(uri, tmp_path))
    yield database
    database.close()
