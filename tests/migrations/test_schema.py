"""The migrations make the very schema that the models describe."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, inspect

from qe_ban import migrations


def test_models_and_migrations_agree(database):
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": migrations.is_told})
        assert compare_metadata(context, migrations.metadata) == []


def test_checks_are_in_the_database_too(database):
    inspector = inspect(database.engine)
    for table in migrations.metadata.tables.values():
        wanted = {str(check.name) for check in table.constraints if isinstance(check, CheckConstraint)}
        found = {check["name"] for check in inspector.get_check_constraints(table.name)}
        assert wanted == found, table.name


def test_a_second_upgrade_changes_nothing_and_nothing_is_pending(database):
    assert not migrations.pending(database.engine)
    migrations.upgrade(database.engine)
    assert not migrations.pending(database.engine)
