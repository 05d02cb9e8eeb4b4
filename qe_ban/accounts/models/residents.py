"""Tables of residents: whom they act for, what they agreed to, and how their accounts are recovered and closed."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.accounts import rules
from qe_ban.db.base import Base, one_of

CONSENT_DAY: Final = "GREATEST(requested_at, granted_at, withdrawn_at)"
"""The day of what was last written into a row of `consents`."""


class Resident(Base):
    """A resident's account. Phone, name and number are only sealed; the indexes are keyed hashes.

    An index has two slots, one for each blind key that may be live: a rotation fills the other slot, then empties the
    first, and loses nobody. A ward may have no phone. `guardian_codes_after`: what guardians showed before counts no
    more. Of a closed account only the row stands. `created_at`, `verified_at` and `closed_at` are days; the exact ones
    lie in `moments_sealed` (keys.moments). `data_key` is the number of the key that closing the account destroys
    (keys.data_keys).
    """

    __tablename__ = "residents"
    __table_args__ = (
        CheckConstraint(one_of("assurance", rules.Assurance), name="assurance"),
        CheckConstraint(
            "(assurance = 'none') = (verified_at IS NULL)"
            " AND (verified_at IS NULL) = (num_nonnulls(id_index, id_index_next) = 0)",
            name="verified",
        ),
        CheckConstraint(
            "(phone_sealed IS NULL) = (num_nonnulls(phone_index, phone_index_next) = 0)"
            " AND (phone_sealed IS NOT NULL OR verified_at IS NOT NULL OR closed_at IS NOT NULL)",
            name="phone",
        ),
        Index("ix_residents_closed_at", "closed_at", postgresql_where=text("closed_at IS NOT NULL")),
        Index(
            "ix_residents_without_phone",
            "id",
            postgresql_where=text("phone_sealed IS NULL AND closed_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    phone_index: Mapped[bytes | None] = mapped_column(unique=True)
    phone_index_next: Mapped[bytes | None] = mapped_column(unique=True)
    phone_sealed: Mapped[bytes | None]
    id_type: Mapped[str | None]
    id_index: Mapped[bytes | None] = mapped_column(unique=True)
    id_index_next: Mapped[bytes | None] = mapped_column(unique=True)
    name_sealed: Mapped[bytes | None]
    id_number_sealed: Mapped[bytes | None]
    assurance: Mapped[str]
    verified_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    guardian_codes_after: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    moments_sealed: Mapped[bytes | None]
    data_key: Mapped[int | None] = mapped_column(BigInteger)


class Guardianship(Base):
    """That one resident acts for another: relation, basis, and until when.

    While it is pending, `name_sealed` and `id_number_sealed` hold whom it is about, and `ward_mac` (under the ring
    HOLDER) finds it by the number, whether or not the ward has an account; they go when it is confirmed or ended.
    `ends_at` is the moment at which it ends by itself. `data_key` is the number of the key that both are sealed under,
    which is destroyed when they go. `closing_due_at`: this
    guardian asked for the ward's account to be closed, which happens then, if the guardianship still stands.
    """

    __tablename__ = "guardianships"
    __table_args__ = (
        Index(
            "uq_guardianships_open",
            "guardian_id",
            "ward_id",
            unique=True,
            postgresql_where=text("state <> 'ended'"),
        ),
        Index("ix_guardianships_ward_id", "ward_id"),
        Index("ix_guardianships_guardian_id", "guardian_id"),
        Index("ix_guardianships_ward_mac", "ward_mac", postgresql_where=text("state = 'pending'")),
        Index("ix_guardianships_requested_at", "requested_at", postgresql_where=text("state = 'pending'")),
        Index("ix_guardianships_closing_due_at", "closing_due_at", postgresql_where=text("closing_due_at IS NOT NULL")),
        Index("ix_guardianships_ends_at", "ends_at", postgresql_where=text("state <> 'ended'")),
        CheckConstraint(one_of("state", rules.GuardianshipState), name="state"),
        CheckConstraint(one_of("relation", rules.Relation), name="relation"),
        CheckConstraint(one_of("basis", rules.WardBasis), name="basis"),
        CheckConstraint("guardian_id <> ward_id", name="another"),
        CheckConstraint("state <> 'active' OR (ward_id IS NOT NULL AND confirmed_at IS NOT NULL)", name="active"),
        CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name="ended"),
        CheckConstraint(
            "num_nonnulls(name_sealed, id_number_sealed, ward_mac) = CASE state WHEN 'pending' THEN 3 ELSE 0 END",
            name="pending",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    guardian_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"))
    ward_id: Mapped[UUID | None] = mapped_column(ForeignKey("residents.id"))
    id_type: Mapped[str]
    name_sealed: Mapped[bytes | None]
    id_number_sealed: Mapped[bytes | None]
    ward_mac: Mapped[bytes | None]
    relation: Mapped[str]
    basis: Mapped[str]
    state: Mapped[str]
    requested_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    data_key: Mapped[int | None] = mapped_column(BigInteger)
    closing_due_at: Mapped[datetime | None]


class Consent(Base):
    """A purpose that a resident was asked to agree to, or agreed to.

    `guardianship_id`: by which guardianship somebody else gave it or took it back; what was given so counts as long as
    that guardianship stands. NULL where the resident decided. All moments are days; when it was given or taken back
    exactly lies in `moments_sealed`. `turned_over_at`: the day with whose rows the worker wrote this one anew; it is
    due again once the row says a later one.
    """

    __tablename__ = "consents"
    __table_args__ = (
        CheckConstraint(one_of("state", rules.ConsentState), name="state"),
        CheckConstraint("(state = 'granted') = (granted_at IS NOT NULL)", name="granted"),
        Index("ix_consents_requested_at", "requested_at", postgresql_where=text("state = 'requested'")),
        Index("ix_consents_guardianship_id", "guardianship_id", postgresql_where=text("guardianship_id IS NOT NULL")),
        Index(
            "ix_consents_not_turned_over",
            text(CONSENT_DAY),
            "resident_id",
            "purpose",
            postgresql_where=text(f"turned_over_at IS DISTINCT FROM {CONSENT_DAY}"),
        ),
    )

    resident_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"), primary_key=True)
    purpose: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    requested_at: Mapped[datetime | None]
    granted_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    guardianship_id: Mapped[UUID | None] = mapped_column(ForeignKey("guardianships.id"))
    moments_sealed: Mapped[bytes | None]
    turned_over_at: Mapped[datetime | None]


class ConsentEvent(Base):
    """That a resident agreed to a purpose or took it back; `guardianship_id` where a guardian did so.

    `at` is the day; the exact moment lies in `moments_sealed`. `turned_over_at`: the same day, once the worker wrote
    the row anew among those of that day, under another `id`; of one resident's day the ids keep their order.
    """

    __tablename__ = "consent_events"
    __table_args__ = (
        CheckConstraint(one_of("state", rules.ConsentState), name="state"),
        Index("ix_consent_events_resident_id_id", "resident_id", "id"),
        # BRIN: the rows lie in the order of time
        Index("ix_consent_events_at", "at", postgresql_using="brin"),
        Index(
            "ix_consent_events_guardianship_id",
            "guardianship_id",
            postgresql_where=text("guardianship_id IS NOT NULL"),
        ),
        Index(
            "ix_consent_events_not_turned_over",
            "at",
            "resident_id",
            "id",
            postgresql_where=text("turned_over_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"))
    purpose: Mapped[str]
    state: Mapped[str]
    at: Mapped[datetime]
    guardianship_id: Mapped[UUID | None] = mapped_column(ForeignKey("guardianships.id"))
    moments_sealed: Mapped[bytes | None]
    turned_over_at: Mapped[datetime | None]


class FreshConsent(Base):
    """What was decided about a purpose within the last half minute: of the scans' world, so it names nobody.

    Whether the resident decided or a guardian is sealed, too. It counts before what `consents` says, until the worker
    turns it over. A row for each entitlement that is scanned for the purpose: `holder` is a keyed hash of its number by
    which scans find it, `owner` one of the resident's id; both change with the city's month. `written_at` says that a
    secret is still needed.
    """

    __tablename__ = "fresh_consents"

    holder: Mapped[bytes] = mapped_column(primary_key=True)
    owner: Mapped[bytes] = mapped_column(index=True)
    content_sealed: Mapped[bytes]
    written_at: Mapped[datetime]


class ActForWard(Base):
    """What a guardian did for a ward today, sealed, until the day is over and the audit has it; it names nobody."""

    __tablename__ = "acts_for_wards"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    content_sealed: Mapped[bytes]
    acted_at: Mapped[datetime]


class RecoveryCase(Base):
    """That an account and its phone or its holder no longer belong together; two persons of staff settle it.

    `claimant_id` is who asks from another account; `phone_sealed` the phone that it is about: that the holder is to
    have, or of a recycled one, is to lose; it goes when the case is over. `basis_sealed` and `decision_basis_sealed`
    say which papers were seen when it was opened and decided; `basis` and `decision_basis` are the previous release's.
    One open case for a claimant and a holder.
    """

    __tablename__ = "recovery_cases"
    __table_args__ = (
        Index(
            "uq_recovery_cases_open", "claimant_id", "holder_id", unique=True, postgresql_where=text("state = 'open'")
        ),
        Index("ix_recovery_cases_holder_id", "holder_id"),
        Index("ix_recovery_cases_claimant_id", "claimant_id"),
        Index("ix_recovery_cases_open", "id", postgresql_where=text("state = 'open'")),
        CheckConstraint(one_of("state", rules.CaseState), name="state"),
        CheckConstraint(one_of("kind", rules.CaseKind), name="kind"),
        CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(server_default=text("'claimed'"))
    claimant_id: Mapped[UUID | None] = mapped_column(ForeignKey("residents.id"))
    holder_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"))
    state: Mapped[str]
    opened_at: Mapped[datetime]
    opened_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    phone_sealed: Mapped[bytes | None]
    basis: Mapped[str | None]
    decision_basis: Mapped[str | None]
    basis_sealed: Mapped[bytes | None]
    decision_basis_sealed: Mapped[bytes | None]
    proposal_id: Mapped[UUID | None] = mapped_column(ForeignKey("proposals.id"))
    closed_at: Mapped[datetime | None]


class Closing(Base):
    """The proof that an account was closed: what was deleted, what is kept, why and until when. No personal data.

    It is checked once more when no token of the account can live any longer.
    """

    __tablename__ = "closings"
    __table_args__ = (Index("ix_closings_unchecked", "closed_at", postgresql_where=text("checked_at IS NULL")),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    resident_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"), unique=True)
    closed_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    report: Mapped[dict[str, Any]] = mapped_column(JSONB)
