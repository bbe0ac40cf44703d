"""Warnings as a work list, and the outbox of what is sent to subscribers."""

import sqlalchemy as sa
from alembic import op

from wuxin.stores import schema

revision = "0002"
down_revision = "0001"

_TABLES = (schema.warning, schema.reached, schema.outbox)
_INDEXES = (("finding", "finding_warning", "warning"), ("finding", "finding_batch", "batch"),
            ("act", "act_batch", "batch"))  # fmt: skip


def upgrade() -> None:
    """Add what a book of 0.1 does not have; a fresh one has it from the first revision on."""
    bind = op.get_bind()
    schema.metadata.create_all(bind, tables=list(_TABLES))
    if "warning" not in {c["name"] for c in sa.inspect(bind).get_columns("finding")}:
        column = sa.Column("warning", sa.String(64), nullable=False, server_default="")
        op.add_column("finding", column)
        if bind.dialect.name != "sqlite":  # which does not look at lengths
            op.alter_column("finding", "acknowledged_by", type_=sa.Text())
    for table, name, column_name in _INDEXES:
        op.create_index(name, table, ["tenant", column_name], if_not_exists=True)


def downgrade() -> None:
    """Take it away again."""
    for table, name, _ in _INDEXES:
        op.drop_index(name, table)
    op.drop_column("finding", "warning")
    schema.metadata.drop_all(op.get_bind(), tables=list(_TABLES))
