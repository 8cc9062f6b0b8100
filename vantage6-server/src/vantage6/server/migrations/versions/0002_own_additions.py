"""What this server adds: indexes, uniqueness, API-key digests, idempotent requests, leases.

Revision 0002, after 0001. Data of older releases is repaired where it breaks a new promise:
repeated memberships are removed, and of several nodes of one organization in one collaboration only
the first keeps the collaboration.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NEVER_REUSED = (
    "organization",
    "collaboration",
    "study",
    "authenticatable",
    "task",
    "run",
    "role",
)

_INDEXES = {
    "study": ("collaboration_id",),
    "user": ("organization_id",),
    "node": ("collaboration_id",),
    "nodeconfig": ("node_id",),
    "algorithmstore": ("collaboration_id",),
    "task": (
        "collaboration_id",
        "study_id",
        "job_id",
        "parent_id",
        "init_org_id",
        "init_user_id",
        "algorithm_store_id",
    ),
    "taskdatabase": ("task_id",),
    "run": ("task_id",),
    "algorithmport": ("run_id",),
    "role": ("organization_id",),
}

_PAIRS = {
    "Member": ("organization_id", "collaboration_id"),
    "StudyMember": ("organization_id", "study_id"),
    "Permission": ("role_id", "user_id"),
    "UserPermission": ("rule_id", "user_id"),
    "role_rule_association": ("role_id", "rule_id"),
}


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        _stop_reusing_ids(connection)
    op.add_column("node", sa.Column("api_key_digest", sa.String(64)))
    op.create_index("ix_node_api_key_digest", "node", ["api_key_digest"], unique=True)
    op.add_column("task", sa.Column("idempotency_key", sa.String))
    op.create_index("ix_task_idempotency_key", "task", ["idempotency_key"], unique=True)
    _create_own_tables()
    _remove_repeated_pairs(connection)
    _detach_surplus_nodes(connection)
    _create_indexes()


def _stop_reusing_ids(connection: sa.Connection) -> None:
    for name in _NEVER_REUSED:
        definition = connection.scalar(
            sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name"),
            {"name": name},
        )
        if "AUTOINCREMENT" in definition:
            continue
        with op.batch_alter_table(
            name, recreate="always", table_kwargs={"sqlite_autoincrement": True}
        ):
            pass


def _create_own_tables() -> None:
    op.create_table(
        "server_secret",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.String, nullable=False),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("holder", sa.String, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
    )


def _remove_repeated_pairs(connection: sa.Connection) -> None:
    for name, columns in _PAIRS.items():
        table = sa.table(name, *(sa.column(column, sa.Integer) for column in columns))
        pair = [table.c[column] for column in columns]
        repeated = connection.execute(
            sa.select(*pair).group_by(*pair).having(sa.func.count() > 1)
        ).all()
        for values in repeated:
            same = sa.and_(*(column == value for column, value in zip(pair, values, strict=True)))
            connection.execute(sa.delete(table).where(same))
            connection.execute(sa.insert(table).values(dict(zip(columns, values, strict=True))))


def _detach_surplus_nodes(connection: sa.Connection) -> None:
    node = sa.table(
        "node",
        *(sa.column(name, sa.Integer) for name in ("id", "organization_id", "collaboration_id")),
    )
    first = (
        sa.select(sa.func.min(node.c.id))
        .where(node.c.collaboration_id.is_not(None))
        .group_by(node.c.organization_id, node.c.collaboration_id)
    )
    connection.execute(
        sa.update(node)
        .where(node.c.collaboration_id.is_not(None), node.c.id.not_in(first))
        .values(collaboration_id=None)
    )


def _create_indexes() -> None:
    for table, columns in _INDEXES.items():
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, [column])
    for table, (first, second) in _PAIRS.items():
        op.create_index(f"ix_{table.lower()}_pair", table, [first, second], unique=True)
        op.create_index(f"ix_{table.lower()}_{second}", table, [second])
    op.create_index("ix_node_pair", "node", ["organization_id", "collaboration_id"], unique=True)
    op.create_index("ix_run_open", "run", ["organization_id", "finished_at"])
    op.create_index("ix_rule_key", "rule", ["name", "scope", "operation"], unique=True)
    op.create_index(
        "ix_role_default_name",
        "role",
        ["name"],
        unique=True,
        sqlite_where=sa.text("is_default_role = 1"),
        postgresql_where=sa.text("is_default_role"),
    )


def downgrade() -> None:
    op.drop_index("ix_role_default_name", "role")
    op.drop_index("ix_rule_key", "rule")
    op.drop_index("ix_run_open", "run")
    op.drop_index("ix_node_pair", "node")
    for table, (_, second) in _PAIRS.items():
        op.drop_index(f"ix_{table.lower()}_{second}", table)
        op.drop_index(f"ix_{table.lower()}_pair", table)
    for table, columns in _INDEXES.items():
        for column in columns:
            op.drop_index(f"ix_{table}_{column}", table)
    op.drop_table("lease")
    op.drop_table("server_secret")
    op.drop_index("ix_task_idempotency_key", "task")
    op.drop_column("task", "idempotency_key")
    op.drop_index("ix_node_api_key_digest", "node")
    op.drop_column("node", "api_key_digest")
