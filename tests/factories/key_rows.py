"""Rows of the table of keys that lie in no table, and what a process makes of them, for tests without a database."""

import secrets
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from qe_ban.keys import wrapping
from qe_ban.keys.integrity import Judge
from qe_ban.keys.models import SIGNING, Key, Ring
from qe_ban.keys.rings import KeyRings, Snapshot

MASTER, NEXT_MASTER, OTHER_MASTER = (bytes([number]) * 32 for number in (1, 2, 3))
NOW = datetime(2026, 11, 30, 4, tzinfo=UTC)


def key_row(ring: Ring, *, master: bytes = MASTER, secret: bytes | None = None, **columns: object) -> Key:
    """Make a sealed row of a ring, as the product does, that began an hour ago; `columns` say what is different."""
    kid = secrets.token_hex(4)
    fields = {
        "kid": secrets.token_hex(4),
        "ring": str(ring),
        "not_before": NOW - timedelta(hours=1),
        "expires": NOW + timedelta(days=365),
    }
    fields |= {"made_at": NOW, "changed_at": NOW} | columns
    kid = str(fields["kid"])
    if ring in SIGNING:
        private = ec.generate_private_key(ec.SECP256R1())
        secret = wrapping.private_bytes(private)
        fields = {"public": wrapping.public_jwk(private.public_key(), kid)} | fields
    secret = secret or secrets.token_bytes(32)
    row = Key(**({"wrapped": None if ring is Ring.ROOT else wrapping.wrap(master, kid, ring, secret)} | fields))
    if "seal" not in columns:
        Judge(master).seal(row)
    return row


def day_row(ring: Ring, day: date, **columns: object) -> Key:
    """Make the key of a ring for a UTC day."""
    begins = datetime.combine(day, time.min, UTC)
    return key_row(ring, day=day, not_before=begins, expires=begins + timedelta(days=1), **columns)


class RowsInMemory(KeyRings):
    """The key rings of a process that reads these rows, the newest first."""

    def __init__(self, *rows: Key, master: bytes = MASTER, following: bytes | None = None, **may: Any) -> None:
        super().__init__(None, master, following, **may)  # type: ignore[arg-type]
        self.rows: Sequence[Key] = rows

    def snapshot(self) -> Snapshot:
        return self._snapshot((0, 0, 0, 0, 0, None, None), self.rows, {})
