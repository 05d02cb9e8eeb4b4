"""The table of keys: secrets only wrapped, public halves as JWKs."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.db.base import Base


class Ring(StrEnum):
    """What a key is for; no key serves two rings."""

    CODE = "code"
    CODE_PRINTED = "code-printed"
    TOKEN = "token"
    SEAL_ISSUED = "seal-issued"
    SEAL_PASS = "seal-pass"
    SEAL_PRINTED = "seal-printed"
    COLUMN = "column"
    BLIND_PHONE = "blind-phone"
    BLIND_ID_NUMBER = "blind-id-number"
    HOLDER = "holder"
    DERIVE = "derive"
    AUDIT = "audit"
    ROOT = "root"


SIGNING = frozenset({Ring.CODE, Ring.CODE_PRINTED, Ring.TOKEN, Ring.AUDIT, Ring.ROOT})
DAILY = frozenset({Ring.SEAL_ISSUED, Ring.SEAL_PASS, Ring.SEAL_PRINTED, Ring.COLUMN})
BLIND = frozenset({Ring.BLIND_PHONE, Ring.BLIND_ID_NUMBER})
SECRET = BLIND | {Ring.HOLDER, Ring.DERIVE}


class Key(Base):
    """One key. `kid` is 8 hex digits; `wrapped` is empty for roots, whose private half is never kept here.

    `day` is the UTC day that a daily key serves: its uniqueness lets any number of workers make the same day's key.
    `slot` says which of an index's two columns a blind key fills. `seal` is the MAC by which we know our own rows
    (`integrity`), empty where an earlier release made the row.
    """

    __tablename__ = "ring_keys"
    __table_args__ = (
        UniqueConstraint("ring", "day"),
        CheckConstraint("not_before <= expires", name="order"),
        CheckConstraint("slot IN (0, 1)", name="slot"),
        Index("uq_ring_keys_slot", "ring", "slot", unique=True, postgresql_where=text("slot IS NOT NULL")),
    )

    kid: Mapped[str] = mapped_column(primary_key=True)
    ring: Mapped[str]
    day: Mapped[date | None]
    not_before: Mapped[datetime]
    expires: Mapped[datetime]
    wrapped: Mapped[bytes | None]
    public: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    made_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    denied_at: Mapped[datetime | None]
    slot: Mapped[int | None] = mapped_column(SmallInteger)
    seal: Mapped[bytes | None]
