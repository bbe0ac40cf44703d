"""The first book: all tables of :mod:`wuxin.stores.schema` as they stood at 0.1."""

from alembic import op

from wuxin.stores.schema import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    metadata.create_all(op.get_bind())


def downgrade() -> None:
    """Drop every table."""
    metadata.drop_all(op.get_bind())
