"""Tables of the wallet: entitlements, what sources said of them, scans, and uses that exclude one another."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    UniqueConstraint,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from qe_ban.codes.rules import ACCEPTING, SuspendedBy
from qe_ban.codes.rules.disputes import ANSWER_STATES
from qe_ban.db.base import Base, one_of
from qe_ban.kernel.city import Level


class Entitlement(Base):
    """That a resident holds a kind. `number` is what the sealed reference of a code names (below 2^56).

    `suspended_by` is of use while `suspended_at` says that it is suspended; NULL is the resident.
    """

    __tablename__ = "entitlements"
    __table_args__ = (
        UniqueConstraint("resident_id", "kind"),
        CheckConstraint(one_of("suspended_by", SuspendedBy), name="suspended_by"),
    )

    number: Mapped[int] = mapped_column(BigInteger, Identity(maxvalue=(1 << 56) - 1), primary_key=True)
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"))
    kind: Mapped[str]
    made_at: Mapped[datetime]
    suspended_at: Mapped[datetime | None]
    suspended_by: Mapped[str | None]


class SourceAnswer(Base):
    """What the built-in register says of an entitlement; of a level that an outside source says, what was told of it.

    What outside sources tell scanners stands in `answers_of_sources`, and of a level the worker takes over here only
    the day. `as_of` is the register's moment, `asked_at` ours;
    past `expires_at` the record no longer holds (a health level).
    Of health levels: `rule` is the register's rule with its version that wrote the record; `set_level` is what two
    persons set over it until `set_until`; `told_level` is what a rule or source said when the resident was told last.
    """

    __tablename__ = "source_answers"
    __table_args__ = (
        CheckConstraint(one_of("set_level", Level), name="set_level"),
        CheckConstraint("(set_level IS NULL) = (set_until IS NULL)", name="set_until"),
        Index(
            "ix_source_answers_level_news",
            "entitlement",
            postgresql_where=text("(detail ->> 'level') <> COALESCE(told_level, 'green')"),
        ),
    )

    entitlement: Mapped[int] = mapped_column(ForeignKey("entitlements.number"), primary_key=True, autoincrement=False)
    state: Mapped[str]
    reason: Mapped[str | None]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
    as_of: Mapped[datetime]
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    rule: Mapped[str | None]
    set_level: Mapped[str | None]
    set_until: Mapped[datetime | None]
    told_level: Mapped[str | None]


class AnswerOfSource(Base):
    """What an outside source said of an entitlement today; a scan writes it, so it names nobody.

    `holder` is a keyed hash of the entitlement by which scans find it, `owner` one of resident and kind by which the
    wallet does; both change each day of the city. Kept for a day, for so long an answer stands in for the source.
    """

    __tablename__ = "answers_of_sources"

    holder: Mapped[bytes] = mapped_column(primary_key=True)
    owner: Mapped[bytes] = mapped_column(index=True)
    state: Mapped[str]
    reason: Mapped[str | None]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
    as_of: Mapped[datetime]
    asked_at: Mapped[datetime] = mapped_column(index=True)


class RequestOfScan(Base):
    """What a scan asks of a resident, sealed until the worker turns it over: a consent, or that a level changed.

    `id` is random. What scans write reaches rows that name residents by no other way.
    """

    __tablename__ = "requests_of_scans"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    content_sealed: Mapped[bytes]


class Scan(Base):
    """One verification, kept, accepted or not. `holder` is a keyed hash: this table alone tells nobody's movements.

    It changes with the city's month, so that nobody without the key follows a holder beyond one.

    `request` is the SHA-256 of what was asked, so that a reused scan_id is told from a repeat. `showing` is the moment
    of showing of a presented code, in seconds; `guardian` that a guardian showed it. Cut by month; that a scan_id
    serves once is decided by `scan_ids`.
    """

    __tablename__ = "scans"
    __table_args__ = (
        Index("ix_scans_holder", "holder", "at"),
        Index("ix_scans_at", "at"),
        CheckConstraint(f"accepted = ({one_of('reason', ACCEPTING)})", name="accepted"),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    scanner_id: Mapped[UUID] = mapped_column(ForeignKey("scanners.id"))
    scan_id: Mapped[UUID]
    request: Mapped[bytes]
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venues.id"))
    at: Mapped[datetime] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    accepted: Mapped[bool]
    reason: Mapped[str]
    kind: Mapped[str | None]
    profile: Mapped[str | None]
    cti: Mapped[bytes | None]
    showing: Mapped[int | None] = mapped_column(BigInteger)
    holder: Mapped[bytes | None]
    fields: Mapped[list[str]] = mapped_column(ARRAY(Text))
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
    as_of: Mapped[datetime | None]
    guardian: Mapped[bool] = mapped_column(server_default=text("false"))


class HolderOverMonth(Base):
    """That a scan's `holder` is who another hash named before the city's month turned, sealed; kept for an hour.

    Only of who was accepted in the first minutes of a month: so long the detectors look back.
    """

    __tablename__ = "holders_over_month"

    holder: Mapped[bytes] = mapped_column(primary_key=True)
    before_sealed: Mapped[bytes]


class ScanId(Base):
    """That a scanner has used a scan_id, and when: its primary key decides, which no table cut by months could.

    A trigger on `scans` writes it, so that whoever writes a scan is held to it.
    """

    __tablename__ = "scan_ids"

    scanner_id: Mapped[UUID] = mapped_column(primary_key=True)
    scan_id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]


class ScannerHabit(Base):
    """The most that a scanner scanned in one hour of a day of the city, in all (`purpose` is empty) and for a purpose.

    Learned by the worker from the scans: what is far above it is unusual. `total` is what it scanned that day; an hour
    with an alarm counts there, and for no `most`.
    """

    __tablename__ = "scanner_habits"
    __table_args__ = (Index("ix_scanner_habits_day", "day"),)

    scanner_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(primary_key=True)
    most: Mapped[int]
    total: Mapped[int] = mapped_column(server_default=text("0"))


class Use(Base):
    """Something that may happen once: its primary key decides between any number of parallel scans.

    `subject` is a hash that names what is used: a code for a single-use purpose, the scanner that a code disclosed to,
    a pass at a venue, a meal of a resident, a wrong document. `n` counts where a second time is right later on: two
    scans that both saw n - 1 want the same row, and one of them gets it.
    """

    __tablename__ = "uses"

    subject: Mapped[bytes] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    scanner_id: Mapped[UUID]
    purpose: Mapped[str]
    at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ShortNumber(Base):
    """Ten digits that stand for a code for three minutes; of the digits only a keyed hash is kept, the code is sealed.

    That it is accepted once is decided by `uses`.
    """

    __tablename__ = "short_numbers"

    mac: Mapped[bytes] = mapped_column(primary_key=True)
    code_sealed: Mapped[bytes]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Dispute(Base):
    """What a resident says against a scan, and what the venue's district answers.

    `holder` is the scan's keyed hash: it finds the resident's own disputes without naming anybody. `resident_sealed`
    says whom to tell of the answer: the resident, and where a guardian disputes, the guardian and by which
    guardianship. `scan` is a copy of what is disputed, which outlives the scan.

    Nothing in clear says when somebody acted, but for the day: `id` is random, `opened_at` and `appealed_at` begin a
    day, `due_at` and `appeal_due_at` end one, and `scan` has the hour. The exact moments are in `scan_sealed` and
    `appellant_sealed`, which also says whether a guardian appealed (`appeal_by_guardian` says so only in rows of the
    previous release). `open_recorded` and `appeal_recorded`: whether the audit has the event, which comes a day later.

    `state` is the district's answer; the city's to an appeal, of which there is one, stands apart. `venue_id` is empty
    where a program of the previous release opened the dispute. `data_key` is the number of the dispute's own key
    (keys.data_keys), for the resident's would say whose it is.
    """

    __tablename__ = "disputes"
    __table_args__ = (
        CheckConstraint(one_of("state", ANSWER_STATES), name="state"),
        CheckConstraint("(state = 'open') = (answered_at IS NULL)", name="answered"),
        Index("ix_disputes_holder", "holder"),
        Index("ix_disputes_district_id", "district", "id"),
        CheckConstraint(one_of("appeal_state", ANSWER_STATES), name="appeal_state"),
        CheckConstraint("appeal_state IS NULL OR state = 'dismissed'", name="appeal_of_a_dismissal"),
        CheckConstraint(
            "num_nonnulls(appeal_state, appeal_sealed, appealed_at, appeal_due_at, appeal_by_guardian) IN (0, 5)",
            name="appealed",
        ),
        CheckConstraint(
            "num_nonnulls(appeal_answer_sealed, appeal_answered_by, appeal_answered_at)"
            " = CASE WHEN appeal_state IN ('upheld', 'dismissed') THEN 3 ELSE 0 END",
            name="appeal_answered",
        ),
        CheckConstraint("appeal_answered_by <> answered_by", name="appeal_by_another"),
        Index("ix_disputes_due_at", "due_at", postgresql_where=text("state = 'open'")),
        Index("ix_disputes_appeal_due_at", "appeal_due_at", postgresql_where=text("appeal_state = 'open'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    scan_id: Mapped[UUID] = mapped_column(unique=True)
    holder: Mapped[bytes]
    resident_sealed: Mapped[bytes | None]
    district: Mapped[str]
    scan: Mapped[dict[str, Any]] = mapped_column(JSONB)
    text_sealed: Mapped[bytes]
    state: Mapped[str]
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime]
    answer_sealed: Mapped[bytes | None]
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    answered_at: Mapped[datetime | None]
    venue_id: Mapped[UUID | None]
    appeal_state: Mapped[str | None]
    appeal_sealed: Mapped[bytes | None]
    appeal_by_guardian: Mapped[bool | None]
    appealed_at: Mapped[datetime | None]
    appeal_due_at: Mapped[datetime | None]
    appeal_answer_sealed: Mapped[bytes | None]
    appeal_answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    appeal_answered_at: Mapped[datetime | None]
    scan_sealed: Mapped[bytes | None]
    appellant_sealed: Mapped[bytes | None]
    open_recorded: Mapped[bool] = mapped_column(server_default=true())
    appeal_recorded: Mapped[bool] = mapped_column(server_default=true())
    data_key: Mapped[int | None] = mapped_column(BigInteger)
