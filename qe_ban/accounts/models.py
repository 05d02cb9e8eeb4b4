"""Tables: residents and consents, staff, clients, and everything that proves or ends a sign-in."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.accounts import rules
from qe_ban.db.base import Base


def _listed(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


class Resident(Base):
    """A resident's account. Phone, name and number are only sealed; the indexes are keyed hashes.

    The `_next` indexes are filled while two blind keys are live, so that a rotation never loses anybody.
    """

    __tablename__ = "residents"
    __table_args__ = (
        CheckConstraint(f"assurance IN ({_listed(rules.Assurance)})", name="assurance"),
        CheckConstraint(
            "(assurance = 'none') = (id_index IS NULL) AND (id_index IS NULL) = (verified_at IS NULL)", name="verified"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    phone_index: Mapped[bytes] = mapped_column(unique=True)
    phone_index_next: Mapped[bytes | None] = mapped_column(unique=True)
    phone_sealed: Mapped[bytes]
    id_type: Mapped[str | None]
    id_index: Mapped[bytes | None] = mapped_column(unique=True)
    id_index_next: Mapped[bytes | None] = mapped_column(unique=True)
    name_sealed: Mapped[bytes | None]
    id_number_sealed: Mapped[bytes | None]
    assurance: Mapped[str]
    verified_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Consent(Base):
    """A purpose that a resident was asked to agree to, or agreed to."""

    __tablename__ = "consents"
    __table_args__ = (
        CheckConstraint(f"state IN ({_listed(rules.ConsentState)})", name="state"),
        CheckConstraint("(state = 'granted') = (granted_at IS NOT NULL)", name="granted"),
    )

    resident_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"), primary_key=True)
    purpose: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    requested_at: Mapped[datetime | None]
    granted_at: Mapped[datetime | None]


class OtpChallenge(Base):
    """One one-time password, as a keyed hash over challenge, phone and password: it tells nobody's phone."""

    __tablename__ = "otp_challenges"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code_mac: Mapped[bytes]
    tries: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class Staff(Base):
    """A member of staff. `last_step` is the newest TOTP step that was used: each counts once."""

    __tablename__ = "staff"
    __table_args__ = (
        CheckConstraint(f"cardinality(roles) > 0 AND roles <@ ARRAY[{_listed(rules.Role)}]", name="roles"),
        CheckConstraint(
            f"cardinality(roles) = 1 OR NOT roles && ARRAY[{_listed(sorted(rules.KEPT_APART))}]", name="kept_apart"
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


class Attempt(Base):
    """How often a secret was tried; `subject` is a hash, so that unknown user names are counted like known ones."""

    __tablename__ = "attempts"

    subject: Mapped[bytes] = mapped_column(primary_key=True)
    count: Mapped[int]
    until: Mapped[datetime] = mapped_column(index=True)


class Client(Base):
    """A machine that proves itself by a key of its own (P-256, RFC 7517)."""

    __tablename__ = "clients"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    jwk: Mapped[dict[str, Any]] = mapped_column(JSONB)
    thumbprint: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class UsedJti(Base):
    """An assertion or nonce that was used; the key decides also between two at the same instant."""

    __tablename__ = "used_jtis"

    subject: Mapped[str] = mapped_column(primary_key=True)
    jti: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class RefreshFamily(Base):
    """One sign-in: all tokens that follow from it. The step-up stays with it."""

    __tablename__ = "refresh_families"
    __table_args__ = (
        Index("ix_refresh_families_principal_id", "principal_id"),
        Index("ix_refresh_families_expires_at", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    principal_id: Mapped[UUID]
    started_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    stepped_up_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class RefreshToken(Base):
    """One refresh token, as its SHA-256. Used ones stay while the family lives: they show a reuse."""

    __tablename__ = "refresh_tokens"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    family_id: Mapped[UUID] = mapped_column(ForeignKey("refresh_families.id", ondelete="CASCADE"), index=True)
    used_at: Mapped[datetime | None]


class Revocation(Base):
    """A family, client, principal or single token (its `jti`) whose access tokens are refused while they live."""

    __tablename__ = "revocations"

    subject: Mapped[UUID] = mapped_column(primary_key=True)
    revoked_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class RecoveryCase(Base):
    """A claim to a number that another account holds. One open case for a claimant and a holder."""

    __tablename__ = "recovery_cases"
    __table_args__ = (
        Index(
            "uq_recovery_cases_open", "claimant_id", "holder_id", unique=True, postgresql_where=text("state = 'open'")
        ),
        Index("ix_recovery_cases_holder_id", "holder_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    claimant_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"))
    holder_id: Mapped[UUID] = mapped_column(ForeignKey("residents.id"))
    state: Mapped[str]
    opened_at: Mapped[datetime]
