"""Tables of staff, and of what two of them do together."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.accounts import rules
from qe_ban.db.base import Base, sql_list


class Staff(Base):
    """A member of staff. `last_step` is the newest TOTP step that was used: each counts once.

    `duties_since`: when the roles were last changed, or the account enabled again; None: as it was made.
    """

    __tablename__ = "staff"
    __table_args__ = (
        CheckConstraint(f"cardinality(roles) > 0 AND roles <@ ARRAY[{sql_list(rules.Role)}]", name="roles"),
        CheckConstraint(
            f"cardinality(roles) = 1 OR NOT roles && ARRAY[{sql_list(sorted(rules.KEPT_APART))}]", name="kept_apart"
        ),
        CheckConstraint("num_nonnulls(district, hall, zone, department) <= 1", name="place"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    totp_sealed: Mapped[bytes]
    last_step: Mapped[int] = mapped_column(server_default=text("0"))
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    district: Mapped[str | None]
    hall: Mapped[str | None]
    zone: Mapped[str | None]
    department: Mapped[str | None]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    duties_since: Mapped[datetime | None]


class Proposal(Base):
    """What takes two persons: one proposes, another approves; `action` is `slice.verb`, `subject` an opaque id.

    Only an approved one is carried out, once, in the transaction in which it is approved.
    """

    __tablename__ = "proposals"
    __table_args__ = (
        CheckConstraint("approved_by <> proposed_by", name="two_persons"),
        CheckConstraint("num_nonnulls(approved_by, approved_at) <> 1", name="approved"),
        CheckConstraint("num_nonnulls(approved_at, withdrawn_at) <= 1", name="one_end"),
        Index(
            "uq_proposals_open",
            "action",
            "subject",
            unique=True,
            postgresql_where=text("approved_at IS NULL AND withdrawn_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    action: Mapped[str]
    subject: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    proposed_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    proposed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    approved_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    approved_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
