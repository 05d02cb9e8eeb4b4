"""Short numbers by their keyed hashes: kept, looked up in one statement that is the same for right and wrong ones."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from qe_ban.db.connecting import require_own

_KEEP = """
INSERT INTO short_numbers (mac, code_sealed, expires_at)
SELECT %(mac)b, %(sealed)b, %(expires_at)b
WHERE NOT EXISTS (SELECT FROM short_numbers WHERE mac = ANY (%(macs)b))
ON CONFLICT DO NOTHING
RETURNING mac
"""


def keep_short_number(
    connection: psycopg.Connection[Any], macs: Sequence[bytes], ciphertext: bytes, expires_at: datetime
) -> bool:
    """Keep a number under the first of its hashes; False where one like it stands already, under any of them."""
    values = {"mac": macs[0], "macs": list(macs), "sealed": ciphertext, "expires_at": expires_at}
    row = connection.execute(_KEEP, values, prepare=True).fetchone()
    if row is None:
        return False
    require_own(row[0], macs[0])
    return True


# one row in any case, and both tables asked in any case: what a number was tells itself neither by words nor by time
_LIVE = """
WITH uses AS MATERIALIZED (SELECT EXISTS (SELECT FROM uses WHERE subject = ANY (%(subjects)b)) AS any)
SELECT CASE WHEN NOT uses.any AND s.expires_at > %(now)b THEN s.mac END,
       CASE WHEN NOT uses.any AND s.expires_at > %(now)b THEN s.code_sealed END
FROM uses LEFT JOIN short_numbers s ON s.mac = ANY (%(macs)b)
ORDER BY s.expires_at DESC NULLS LAST
LIMIT 1
"""


def live_short_number(
    connection: psycopg.Connection[Any], macs: Sequence[bytes], subjects: Sequence[bytes], now: datetime
) -> tuple[bytes, bytes] | None:
    """Return hash and sealed code of a number that is neither over nor used; `subjects` name its use, for each hash."""
    values = {"macs": list(macs), "subjects": list(subjects), "now": now}
    row = connection.execute(_LIVE, values, prepare=True).fetchone()
    return None if row is None or row[0] is None else _own(row, macs)


def kept_short_number(connection: psycopg.Connection[Any], macs: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """Return hash and sealed code of a number as long as it is kept, used or not: for the repeat of its scan."""
    query = "SELECT mac, code_sealed FROM short_numbers WHERE mac = ANY (%(macs)b) ORDER BY expires_at DESC LIMIT 1"
    row = connection.execute(query, {"macs": list(macs)}, prepare=True).fetchone()
    return None if row is None else _own(row, macs)


def _own(row: Sequence[Any], macs: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return hash and sealed code of a row that is one of those asked for."""
    require_own(row[0] in macs, echo=True)
    return row[0], row[1]
