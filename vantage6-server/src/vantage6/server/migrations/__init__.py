"""Schema upkeep: every start brings the database to the newest revision.

The revisions travel inside the package and need no file on disk. A database of release 4.15.2, or
an older one, is taken over: revision 0001 adds what it lacks (contract, data-model section 5), and
the later ones go on from there.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from vantage6.common.errors import ConfigurationError
from vantage6.server.repositories.database import Database

__all__ = ["configuration", "current_revision", "upgrade"]

# Any number will do, as long as all instances use the same one.
_ADVISORY_LOCK = 4_150_415


def configuration(connection: Connection) -> Config:
    """Return Alembic's configuration for work on an open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def current_revision(connection: Connection) -> str | None:
    """Return the revision the database is at, or None before the first upgrade."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the schema to a revision, in one transaction.

    Instances that start at the same moment do this one after the other; the later ones find
    nothing left to do.

    Raises
    ------
    ConfigurationError
        If the database was last used by a newer release.
    """
    engine = database.migration_engine()
    try:
        with engine.begin() as connection:
            if database.is_postgresql:
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK}
                )
            config = configuration(connection)
            _refuse_unknown(config, connection)
            command.upgrade(config, revision)
    finally:
        engine.dispose()


def _refuse_unknown(config: Config, connection: Connection) -> None:
    present = current_revision(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if present is not None and present not in known:
        raise ConfigurationError(
            f"The database is at schema revision {present}, which this release does not know; "
            "install the newer release that made it."
        )
