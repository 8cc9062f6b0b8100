"""What makes codes of the second factor single-use, and limits mails about a lost one.

Revision 0003, after 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("user", sa.Column("otp_last_step", sa.Integer))
    op.add_column("user", sa.Column("last_email_recover_2fa_sent", sa.DateTime))


def downgrade() -> None:
    op.drop_column("user", "last_email_recover_2fa_sent")
    op.drop_column("user", "otp_last_step")
