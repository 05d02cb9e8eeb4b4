"""Tables of everything that proves or ends a sign-in, and of the machines that sign in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.db.base import Base


class OtpChallenge(Base):
    """Whoever asked for a one-time password; `code_mac` is a keyed hash over challenge, phone and password.

    `message_id`: the challenge for which the message with this password was sent, itself or an earlier one of the same
    minute. Of that one `phone_mac` finds it, a keyed hash that tells nobody's phone, and `used_at` is the moment at
    which its password was redeemed, by whichever challenge.
    """

    __tablename__ = "otp_challenges"
    __table_args__ = (
        Index("ix_otp_challenges_phone_mac", "phone_mac", postgresql_where=text("phone_mac IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code_mac: Mapped[bytes]
    tries: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
    message_id: Mapped[UUID | None]
    phone_mac: Mapped[bytes | None]


class Attempt(Base):
    """How often a secret was tried; `subject` is a hash, so that unknown user names are counted like known ones.

    Of residents it hashes a keyed hash.
    """

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
    """One sign-in: all tokens that follow from it. The step-up stays with it.

    Of a resident's, `content_sealed` holds whose it is and all exact moments (`service/sign_ins.py`): `principal_id` is
    a keyed hash of the resident's id then, the other columns are days, and `stepped_up_at` is empty. Without it the
    row is as release 0.3.0 reads it.

    `turned_over`: 0 as long as its place in the table tells when it was written, 1 when it tells the day alone, 2 when
    it was written anew after that day (`service/sign_in_order.py`).
    """

    __tablename__ = "refresh_families"
    __table_args__ = (
        Index("ix_refresh_families_principal_id", "principal_id"),
        Index("ix_refresh_families_expires_at", "expires_at"),
        Index(
            "ix_refresh_families_open",
            "id",
            postgresql_where=text("content_sealed IS NULL AND kind = 'resident'"),
        ),
        Index(
            "ix_refresh_families_turned_over",
            "turned_over",
            "started_at",
            postgresql_where=text("turned_over < 2 AND content_sealed IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    principal_id: Mapped[UUID]
    started_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    stepped_up_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    content_sealed: Mapped[bytes | None]
    turned_over: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))


class RefreshToken(Base):
    """One refresh token, as its SHA-256. Used ones stay while the family lives: they show a reuse.

    `used_at` is the day of the first use, `written_at` the day on which the row was last written, `turned_over` as that
    of families. A program of release 0.4.0 gives no `written_at`.
    """

    __tablename__ = "refresh_tokens"
    __table_args__ = (
        Index("ix_refresh_tokens_turned_over", "turned_over", "written_at", postgresql_where=text("turned_over < 2")),
    )

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    family_id: Mapped[UUID] = mapped_column(ForeignKey("refresh_families.id", ondelete="CASCADE"), index=True)
    used_at: Mapped[datetime | None]
    written_at: Mapped[datetime | None]
    turned_over: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))


class Revocation(Base):
    """A family, client, principal or single token (its `jti`) whose access tokens are refused while they live."""

    __tablename__ = "revocations"

    subject: Mapped[UUID] = mapped_column(primary_key=True)
    revoked_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
