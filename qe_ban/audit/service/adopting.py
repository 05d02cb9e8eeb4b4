"""Seals keys that a release without seals made, and records which."""

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from qe_ban.audit.service.recording import AtShell, record_change
from qe_ban.keys import adopt_legacy_keys
from qe_ban.keys.adopt_legacy_keys import AdoptedKey

BEFORE_SEALS: Final = frozenset({"0001", "0002", "0003"})
"""The revisions at which no key had a seal yet."""


def adopt_keys(session: Session, master: bytes, now: datetime, *, only: str | None = None) -> list[AdoptedKey]:
    """Seal the keys that prove themselves, and the root that a person names (`keys.adopt_legacy_keys`); record each."""
    return _record(session, adopt_legacy_keys.adopt(session, master, only=only), now)


def adopt_after_upgrade(session: Session, master: bytes, now: datetime, before: str | None) -> list[AdoptedKey]:
    """Do so right after a migration from the revision `before`; the roots of a release without seals get theirs."""
    return _record(session, adopt_legacy_keys.adopt(session, master, roots=before in BEFORE_SEALS), now)


def _record(session: Session, keys: list[AdoptedKey], now: datetime) -> list[AdoptedKey]:
    for key in keys:
        after = {"ring": key.ring, "thumbprint": key.thumbprint}
        record_change(session, AtShell(now), "keys.adopt", key.kid, before=None, after=after)
    return keys
