"""What residents keep at hand stands under a keyed hash of their id, which refers to no row.

Nothing else changes: while programs of 0.3.0 may serve (`release_overlaps`) rows stand under the plain id, by which
these programs read them; the worker moves them afterwards.
"""

from alembic import op

revision = "0025"
down_revision = "0024"

TABLES = ("resident_halls", "followed_halls", "favourite_items", "recent_items")


def upgrade() -> None:
    for table in TABLES:
        op.drop_constraint(op.f(f"fk_{table}_resident_id_residents"), table, type_="foreignkey")
