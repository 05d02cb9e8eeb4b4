"""Conditions of the hot path's statement about guardians: `r` is the resident, `k` the consent to the purpose.

They look at the guardianships themselves: a date may have ended one, and no worker written so.
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg

from qe_ban.db.connecting import require_own

OVER: Final = "r.closed_at IS NOT NULL"
_ACTING = "SELECT FROM guardianships g WHERE g.ward_id = r.id AND g.state = 'active' AND"
_STANDS = f"EXISTS ({_ACTING} (g.ends_at IS NULL OR g.ends_at > %(now)b))"
_ENDED_BY_DATE = f"EXISTS ({_ACTING} g.ends_at BETWEEN %(guardian)b AND %(now)b)"
OVER_FOR_GUARDIANS: Final = f"{OVER} OR r.guardian_codes_after >= %(guardian)b OR {_ENDED_BY_DATE} OR NOT {_STANDS}"
"""A guardian shows the code: what a guardianship's end wrote counts, too."""
_GAVE = "SELECT FROM guardianships b WHERE b.id = k.guardianship_id AND b.state = 'active'"
HAS_CONSENT: Final = (
    f"k.state = 'granted' AND (k.guardianship_id IS NULL"
    f" OR EXISTS ({_GAVE} AND (b.ends_at IS NULL OR b.ends_at > %(now)b)))"
)
"""What a guardian gave counts while that guardianship stands, however it ends; only then is one read."""
# a statement of its own: what a guardian decided just now is sealed, and rare
_ACTIVE: Final = """
SELECT id, state = 'active' AND (ends_at IS NULL OR ends_at > %(now)b) FROM guardianships WHERE id = %(id)b
"""


def is_guardianship_active(connection: psycopg.Connection[Any], guardianship: UUID, now: datetime) -> bool:
    """Return whether what was given by a guardianship counts now."""
    row = connection.execute(_ACTIVE, {"id": guardianship, "now": now}, prepare=True).fetchone()
    if row is None:
        return False
    require_own(row[0], guardianship)
    return bool(row[1])
