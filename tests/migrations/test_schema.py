"""The migrations make the very schema that the models describe."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.schema import CreateSchema, CreateTable

from qe_ban import migrations

CHECKS = text(
    "SELECT conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE contype = 'c' AND connamespace = to_regnamespace(:schema) AND conrelid::regclass::text = ANY(:tables)"
)


def test_models_and_migrations_agree(database):
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": migrations.belongs_to_models})
        assert compare_metadata(context, migrations.metadata) == []


@pytest.fixture
def connection(database):
    with database.engine.connect() as connection:
        yield connection
        connection.rollback()


def checks(connection: Connection, schema: str) -> dict[str, str]:
    """Return the texts of all checks of the models' tables, as PostgreSQL spells them, by table and name."""
    connection.execute(text(f"SET LOCAL search_path TO {schema}"))
    rows = connection.execute(CHECKS, {"schema": schema, "tables": sorted(migrations.metadata.tables)})
    return dict(rows.all())


def create_tables_of_models(connection: Connection, schema: str) -> None:
    """Create the models' tables with their checks in a schema of their own; alembic compares no checks."""
    connection.execute(CreateSchema(schema))
    translated = connection.execution_options(schema_translate_map={None: schema})
    for table in migrations.metadata.tables.values():
        translated.execute(CreateTable(table, include_foreign_key_constraints=[]))


def test_the_text_of_every_check_is_the_models(connection):
    create_tables_of_models(connection, "of_models")
    migrated = checks(connection, "public")
    assert len(migrated) > 50
    assert migrated == checks(connection, "of_models")


def test_a_second_upgrade_changes_nothing_and_nothing_is_pending(database):
    assert not migrations.pending(database.engine)
    migrations.upgrade(database.engine)
    assert not migrations.pending(database.engine)
