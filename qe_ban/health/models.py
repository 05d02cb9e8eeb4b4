"""Tables of health levels: changes that two persons make, the levels that come of them, requests for correction."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.db.base import Base, one_of
from qe_ban.health.rules import ChangeState, CorrectionState, End, LevelState, SetBy
from qe_ban.kernel.city import Level


class HealthChange(Base):
    """A change of level that one person proposed, for one resident or for a list; another person decides it.

    `number` and `digest` are of the list as it was proposed; `applied` is how many it was carried out for. The reason
    goes when the last account of the list is closed.
    """

    __tablename__ = "health_changes"
    __table_args__ = (
        CheckConstraint(one_of("state", ChangeState), name="state"),
        CheckConstraint(one_of("level", Level), name="level"),
        CheckConstraint("state IN ('proposed', 'withdrawn') OR decided_by <> proposed_by", name="two_persons"),
        CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided"),
        CheckConstraint("(state IN ('proposed', 'lapsed')) = (decided_by IS NULL)", name="decided_by"),
        CheckConstraint("(state = 'approved') = (applied IS NOT NULL)", name="applied"),
        CheckConstraint("number > 0 AND applied BETWEEN 1 AND number", name="number"),
        CheckConstraint("ends_at > proposed_at", name="ends"),
        Index("ix_health_changes_state_id", "state", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    level: Mapped[str]
    basis: Mapped[str]
    reason_sealed: Mapped[bytes | None]
    ends_at: Mapped[datetime]
    number: Mapped[int]
    digest: Mapped[bytes]
    state: Mapped[str]
    proposed_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    proposed_at: Mapped[datetime]
    proposal_id: Mapped[UUID] = mapped_column(ForeignKey("proposals.id"))
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
    applied: Mapped[int | None]


class HealthLevel(Base):
    """The level of one resident in a change: proposed, in force, ended. One waits and one is in force at a time.

    `before` is what was shown when it came into force. By the clock it ends at `ends_at`, whoever writes that down.
    """

    __tablename__ = "health_levels"
    __table_args__ = (
        CheckConstraint(one_of("state", LevelState), name="state"),
        CheckConstraint(one_of("end_reason", End), name="end_reason"),
        CheckConstraint("(state IN ('in_force', 'ended')) = (since IS NOT NULL)", name="since"),
        CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name="ended"),
        CheckConstraint("(state = 'ended') = (end_reason IS NOT NULL)", name="end_named"),
        Index("uq_health_levels_waiting", "resident_id", unique=True, postgresql_where=text("state = 'waiting'")),
        Index("uq_health_levels_in_force", "resident_id", unique=True, postgresql_where=text("state = 'in_force'")),
        Index("ix_health_levels_resident_id", "resident_id"),
        Index("ix_health_levels_change_id", "change_id"),
        Index("ix_health_levels_ends_at", "ends_at", postgresql_where=text("state = 'in_force'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    change_id: Mapped[UUID] = mapped_column(ForeignKey("health_changes.id"))
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"))
    state: Mapped[str]
    before: Mapped[str | None]
    since: Mapped[datetime | None]
    ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]


class HealthCorrection(Base):
    """That a resident asks to have the level corrected, and what somebody answers who had no part in it.

    `level`, `set_by` and who proposed and approved it are as they stood when it was asked for.
    """

    __tablename__ = "health_corrections"
    __table_args__ = (
        CheckConstraint(one_of("state", CorrectionState), name="state"),
        CheckConstraint(one_of("level", Level), name="level"),
        CheckConstraint(one_of("set_by", SetBy), name="set_by"),
        CheckConstraint("answered_by <> proposed_by AND answered_by <> approved_by", name="independent"),
        CheckConstraint(
            "num_nonnulls(answer_sealed, answered_by, answered_at) = CASE state WHEN 'open' THEN 0 ELSE 3 END",
            name="answered",
        ),
        Index("uq_health_corrections_open", "resident_id", unique=True, postgresql_where=text("state = 'open'")),
        Index("ix_health_corrections_resident_id_id", "resident_id", "id"),
        Index("ix_health_corrections_state_due_at_id", "state", "due_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"))
    level: Mapped[str]
    set_by: Mapped[str]
    proposed_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    approved_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    by_guardian: Mapped[bool]
    text_sealed: Mapped[bytes]
    state: Mapped[str]
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime]
    answer_sealed: Mapped[bytes | None]
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    answered_at: Mapped[datetime | None]
