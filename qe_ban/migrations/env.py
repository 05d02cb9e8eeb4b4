"""Runs the migrations on the connection that `qe_ban.db` gives."""

from alembic import context

from qe_ban.migrations import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
