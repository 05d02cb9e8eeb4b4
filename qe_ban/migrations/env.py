"""Runs the migrations on the connection that `qe_ban.db` gives."""

from alembic import context

from qe_ban.migrations import belongs_to_models, metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, include_name=belongs_to_models
)
with context.begin_transaction():
    context.run_migrations()
