"""A sort of document that only tests know: bylaws, named by one column, whose words are what they refer to.

The tables have metadata of their own, and stand in a database of their own.
"""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, ForeignKey, ForeignKeyConstraint, MetaData, text
from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.accounts.models import Staff
from qe_ban.audit.models import AuditEvent
from qe_ban.audit.service import Change
from qe_ban.db.base import NAMING
from qe_ban.db.engine import Database
from qe_ban.kernel.errors import Conflict
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Place, Principal, PrincipalKind
from qe_ban.keys.rings import KeyRings
from qe_ban.keys.words import PLACEHOLDER, ClearColumn
from qe_ban.reviewing.models import (
    DocumentTables,
    DraftColumns,
    SaveColumns,
    VersionColumns,
    WithdrawalColumns,
    draft_checks,
    immutability_statements,
    version_checks,
)
from qe_ban.reviewing.service import drafts, publications, reviews, withdrawals
from qe_ban.reviewing.service.documents import DocumentType, read_document
from qe_ban.reviewing.service.in_force import find_in_force

METADATA = MetaData(naming_convention=NAMING)
REVIEW, WITHDRAW = "bylaws.review", "bylaws.withdraw"


class Bylaw(DraftColumns):
    metadata = METADATA
    __tablename__ = "bylaws"
    __table_args__ = draft_checks()

    name: Mapped[str] = mapped_column(primary_key=True)


class BylawSave(SaveColumns):
    metadata = METADATA
    __tablename__ = "bylaw_saves"

    name: Mapped[str] = mapped_column(ForeignKey("bylaws.name"), primary_key=True)


class BylawVersion(VersionColumns):
    metadata = METADATA
    __tablename__ = "bylaw_versions"
    __table_args__ = version_checks()

    name: Mapped[str] = mapped_column(ForeignKey("bylaws.name"), primary_key=True)


class BylawWithdrawal(WithdrawalColumns):
    metadata = METADATA
    __tablename__ = "bylaw_withdrawals"
    __table_args__ = (ForeignKeyConstraint(["name", "number"], ["bylaw_versions.name", "bylaw_versions.number"]),)

    name: Mapped[str] = mapped_column(primary_key=True)


def create_tables(engine: Engine) -> None:
    METADATA.create_all(engine)
    with engine.begin() as connection:
        for statement in immutability_statements("bylaw_versions"):
            connection.execute(text(statement))
        connection.execute(text("CREATE TABLE bylaw_words (name text, number int, word text)"))


def _store_words(session, key, number, content):
    _delete_words(session, [(key, number)])
    for word in content["text"].split():
        session.execute(
            text("INSERT INTO bylaw_words VALUES (:name, :number, :word)"),
            {"name": key[0], "number": number, "word": word},
        )


def _delete_words(session, contents):
    for (name,), number in contents:
        session.execute(
            text("DELETE FROM bylaw_words WHERE name = :name AND number = :number"), {"name": name, "number": number}
        )


def _has_overlap(in_force, next_content, draft):
    before, upcoming, now = (set(content["text"].split()) for content in (in_force, next_content, draft))
    return bool((upcoming & now) - before)


BYLAWS = DocumentType(
    tables=DocumentTables(Bylaw, BylawSave, BylawVersion, BylawWithdrawal, ("name",)),
    label="规章",
    prefix="bylaws",
    empty_content={"text": ""},
    rejection=ClearColumn("bylaws", "reason", key=("name",)),
    withdrawal=ClearColumn("bylaw_withdrawals", "reason", PLACEHOLDER, key=("name", "number")),
    compute_digest=lambda content: hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest(),
    describe_changes=lambda before, after: [{"before": before["text"], "after": after["text"]}],
    has_overlap=_has_overlap,
    store_references=_store_words,
    delete_references=_delete_words,
)


def anything(_state):
    """A precondition that always holds, as `If-Match: *`."""


def if_match(revision):
    """A precondition that holds at one revision, as an ETag in If-Match."""

    def check(state):
        if state != str(revision):
            raise Conflict

    return check


@dataclass
class Council:
    """One bylaw, the staff who write and review it, and a clock that stands until a test moves it."""

    database: Database
    rings: KeyRings
    name: str
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def key(self):
        return (self.name,)

    def staff(self, *scopes: str) -> Principal:
        """A member of staff with a row, who may review."""
        member = Principal(PrincipalKind.STAFF, new_id(), frozenset(scopes), new_id())
        with self.database.transaction() as session:
            row = Staff(id=member.id, username=f"staff-{member.id.hex[-12:]}", password_hash="x", totp_sealed=b"x")
            row.roles, row.created_at = ["reviewer"], self.now
            session.add(row)
        return member

    def change_staff(self, member: Principal, **columns: object) -> None:
        with self.database.transaction() as session:
            for name, value in columns.items():
                setattr(session.get_one(Staff, member.id), name, value)

    def later(self, **ahead: float) -> datetime:
        """Move the clock."""
        self.now += timedelta(**ahead)
        return self.now

    def do(self, step, who: Principal, *arguments, precondition=anything, **options):
        """Take a step of `reviewing` in a transaction of its own."""
        options |= {"precondition": precondition, "change": Change(who, self.now)}
        with self.database.transaction() as session:
            return step(session, BYLAWS, self.key, *arguments, **options)

    def save(self, who: Principal, words: str, **options):
        return self.do(drafts.save, who, {"text": words}, **options)

    def submit(self, who: Principal, **options) -> None:
        def step(session, *arguments, **more):
            drafts.submit(drafts.lock_ready(session, *arguments, **more))

        self.do(step, who, **options)

    def approve(self, who: Principal, **options):
        return self.do(reviews.approve, who, rings=self.rings, **options)

    def reject(self, who: Principal, reason: str, **options):
        return self.do(reviews.reject, who, reason, rings=self.rings, **options)

    def publish(self, who: Principal, *, at=None, end_at=None, **options):
        covers = options.pop("covers", lambda place: place == Place())
        return self.do(publications.publish, who, at=at, end_at=end_at, covers=covers, **options)

    def roll_back(self, who: Principal, number: int, **options):
        return self.do(publications.roll_back, who, number, **options)

    def withdraw(self, who: Principal, number: int, reason: str = "wrong", **options):
        return self.do(withdrawals.withdraw, who, number, reason, rings=self.rings, **options)

    def bring_to_approval(self, words: str) -> tuple[Principal, Principal]:
        """Write and approve a draft; return its editor and its reviewer."""
        editor, reviewer = self.staff(), self.staff()
        self.save(editor, words)
        self.submit(editor)
        self.approve(reviewer)
        return editor, reviewer

    def enact(self, words: str, **options):
        """Write, approve and publish a draft."""
        editor, _ = self.bring_to_approval(words)
        return self.publish(editor, **options)

    @property
    def draft(self) -> DraftColumns:
        with self.database.transaction() as session:
            return read_document(session, BYLAWS, self.key)

    def text_at(self, moment: datetime | None = None) -> str | None:
        """The text that is in force."""
        with self.database.transaction() as session:
            version = find_in_force(session, BYLAWS.tables, self.key, moment or self.now)
            return version.content["text"] if version else None

    def events(self) -> list[AuditEvent]:
        with self.database.transaction() as session:
            return list(session.query(AuditEvent).filter_by(subject=self.name).order_by(AuditEvent.id))

    def words(self, number: int) -> set[str]:
        """What is stored as referred to, under a number."""
        with self.database.transaction() as session:
            query = text("SELECT word FROM bylaw_words WHERE name = :name AND number = :number")
            return set(session.scalars(query, {"name": self.name, "number": number}))
