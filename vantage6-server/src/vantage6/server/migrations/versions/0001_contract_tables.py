"""Tables of release 4.15.2, as the contract lists them.

Revision 0001, the first one. It creates what is missing, tables and columns alike, so it also takes
over databases of earlier releases. This is a frozen copy: later changes belong in later revisions.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_metadata = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_name)s_key",
    }
)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String)


def _unique(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, unique=True)


def _moment(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime())


def _to(name: str, target: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, sa.ForeignKey(target))


def _table(name: str, *columns: sa.Column[Any], never_reuse_ids: bool = False) -> None:
    # SQLite gives a deleted row's id to the next one unless told otherwise.
    sa.Table(name, _metadata, *columns, sqlite_autoincrement=never_reuse_ids)


_table(
    "organization",
    _id(),
    _unique("name"),
    _text("domain"),
    _text("address1"),
    _text("address2"),
    _text("zipcode"),
    _text("country"),
    sa.Column("_public_key", sa.LargeBinary),
    never_reuse_ids=True,
)
_table(
    "collaboration",
    _id(),
    _unique("name"),
    sa.Column("encrypted", sa.Boolean),
    never_reuse_ids=True,
)
_table(
    "study",
    _id(),
    _unique("name"),
    _to("collaboration_id", "collaboration.id"),
    never_reuse_ids=True,
)
_table(
    "authenticatable",
    _id(),
    sa.Column("type", sa.String(50)),
    _text("ip"),
    _moment("last_seen"),
    _text("status"),
    never_reuse_ids=True,
)
_table(
    "user",
    sa.Column("id", sa.Integer, sa.ForeignKey("authenticatable.id"), primary_key=True),
    _unique("username"),
    _text("password"),
    _text("firstname"),
    _text("lastname"),
    _unique("email"),
    _to("organization_id", "organization.id"),
    sa.Column("failed_login_attempts", sa.Integer),
    _moment("last_login_attempt"),
    sa.Column("otp_secret", sa.String(32)),
    _moment("last_email_failed_login_sent"),
    _moment("last_email_recover_password_sent"),
)
_table(
    "node",
    sa.Column("id", sa.Integer, sa.ForeignKey("authenticatable.id"), primary_key=True),
    _unique("name"),
    _text("api_key"),
    _to("collaboration_id", "collaboration.id"),
    _to("organization_id", "organization.id"),
)
_table("nodeconfig", _id(), _to("node_id", "node.id"), _text("key"), _text("value"))
_table(
    "algorithmstore",
    _id(),
    _text("name"),
    _text("url"),
    _to("collaboration_id", "collaboration.id"),
)
_table(
    "task",
    _id(),
    _text("name"),
    _text("description"),
    _text("image"),
    _to("collaboration_id", "collaboration.id"),
    _to("study_id", "study.id"),
    sa.Column("job_id", sa.Integer),
    _to("parent_id", "task.id"),
    _to("init_org_id", "organization.id"),
    _to("init_user_id", "user.id"),
    _moment("created_at"),
    _to("algorithm_store_id", "algorithmstore.id"),
    never_reuse_ids=True,
)
_table(
    "taskdatabase",
    _id(),
    _to("task_id", "task.id"),
    _text("database"),
    _text("parameters"),
)
_table(
    "run",
    _id(),
    sa.Column("input", sa.Text),
    _to("task_id", "task.id"),
    _to("organization_id", "organization.id"),
    sa.Column("result", sa.Text),
    _moment("assigned_at"),
    _moment("started_at"),
    _moment("finished_at"),
    sa.Column("status", sa.Text),
    sa.Column("log", sa.Text),
    _moment("cleanup_at"),
    sa.Column("blob_storage_used", sa.Boolean),
    never_reuse_ids=True,
)
_table(
    "algorithmport",
    _id(),
    sa.Column("port", sa.Integer),
    _to("run_id", "run.id"),
    _text("label"),
)
_table(
    "role",
    _id(),
    sa.Column("name", sa.Text),
    sa.Column("description", sa.Text),
    _to("organization_id", "organization.id"),
    sa.Column("is_default_role", sa.Boolean),
    never_reuse_ids=True,
)
_table(
    "rule",
    _id(),
    sa.Column("name", sa.Text),
    sa.Column(
        "operation",
        sa.Enum("VIEW", "EDIT", "CREATE", "DELETE", "SEND", "RECEIVE", name="operation"),
    ),
    sa.Column("scope", sa.Enum("OWN", "ORGANIZATION", "COLLABORATION", "GLOBAL", name="scope")),
    _text("description"),
)
for _name, _first, _second in (
    ("Member", "organization", "collaboration"),
    ("StudyMember", "organization", "study"),
    ("Permission", "role", "user"),
    ("UserPermission", "rule", "user"),
    ("role_rule_association", "role", "rule"),
):
    _table(_name, _to(f"{_first}_id", f"{_first}.id"), _to(f"{_second}_id", f"{_second}.id"))


def upgrade() -> None:
    connection = op.get_bind()
    present = set(sa.inspect(connection).get_table_names())
    _metadata.create_all(connection)
    for table in _metadata.sorted_tables:
        if table.name in present:
            _add_missing_columns(connection, table)


def _add_missing_columns(connection: sa.Connection, table: sa.Table) -> None:
    present = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
    for column in table.columns:
        if column.name not in present:
            # Without constraints, as the reference adds them.
            op.add_column(table.name, sa.Column(column.name, column.type))


def downgrade() -> None:
    _metadata.drop_all(op.get_bind())
