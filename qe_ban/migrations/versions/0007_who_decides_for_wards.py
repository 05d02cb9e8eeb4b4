"""By which guardianship a consent was given or taken back, and who suspended a code.

New columns only, which programs of 0006 leave empty: what they write counts as the resident's own. What guardians gave
before is in the audit, at the very moment that stands beside the consent, so it is found there: it ends with
the guardianship, too.
"""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

ACTIONS = {"granted": "consents.grant", "withdrawn": "consents.withdraw"}
BY_GUARDIANS = """
    UPDATE {table} c SET guardianship_id = g.id
    FROM guardianships g JOIN audit_events a ON a.subject = g.id::text
    WHERE g.ward_id = c.resident_id AND c.guardianship_id IS NULL
      AND c.state = '{state}' AND a.action = '{action}' AND a.details ->> 'purpose' = c.purpose AND a.at = c.{moment}
"""


def upgrade() -> None:
    for table in ("consents", "consent_events"):
        op.add_column(table, sa.Column("guardianship_id", sa.Uuid(), nullable=True))
        op.create_foreign_key(
            op.f(f"fk_{table}_guardianship_id_guardianships"), table, "guardianships", ["guardianship_id"], ["id"]
        )
    op.add_column("entitlements", sa.Column("suspended_by", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_entitlements_suspended_by"), "entitlements", "suspended_by IN ('resident', 'guardian', 'window')"
    )
    for statement in statements():
        op.execute(statement)


def statements() -> Iterator[str]:
    """Return what finds the guardianships by which consents and their events were written before."""
    for state, action in ACTIONS.items():
        yield BY_GUARDIANS.format(table="consents", state=state, action=action, moment=f"{state}_at")
        yield BY_GUARDIANS.format(table="consent_events", state=state, action=action, moment="at")
