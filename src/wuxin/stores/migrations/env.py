"""Alembic's environment: migrates the connection that :mod:`wuxin.stores.book` hands over."""

from alembic import context

from wuxin.stores.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
