"""Databases with an audit log of their own, sealed as the worker seals, and what bends it behind our back."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from qe_ban.audit import service as audit
from qe_ban.audit.models import Seal
from qe_ban.audit.service import heads, sealing
from qe_ban.db.engine import Database
from qe_ban.keys import lifecycle
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings
from tests.factories.databases import with_schema


class Log:
    """A database with nothing but keys and an audit log; its clock stands where it is put."""

    def __init__(self, settings, name, *, began=None):
        self.settings = with_schema(settings, name)
        self.database = Database(self.settings.database_url, pool=16)
        self.now = began or datetime.now(UTC) - timedelta(hours=1)
        with self.database.transaction() as session:
            lifecycle.init(session, settings.master_key, self.now - timedelta(minutes=1))
        self.rings = self.sealing_rings()
        self.count = 0

    def sealing_rings(self):
        return KeyRings(self.database, self.settings.master_key, sealing=True)

    def rotate(self):
        """Have a key that signs from the clock's moment on."""
        with self.database.transaction() as session:
            lifecycle.rotate(session, self.settings.master_key, Ring.AUDIT, self.now - timedelta(minutes=1))
        self.rings.refresh()

    def record(self, count=1, *, at=None, **details):
        with self.database.transaction() as session:
            for _ in range(count):
                self.count += 1
                audit.record(
                    session,
                    at=at or self.now,
                    actor=None,
                    action="test.do",
                    subject=f"thing-{self.count}",
                    details={"n": self.count, "文": "字", "x": 1.25} | details,
                )
                session.flush()

    def seal(self, at=None):
        """Make the next seal, or none; gives its number."""
        with self.database.transaction() as session:
            seal = sealing.seal_next(session, self.rings, at or self.now)
            return seal.n if seal else None

    def fill(self, seals, rows=3):
        """Record and seal, ten seconds apart."""
        for n in range(seals):
            self.record(rows[n] if isinstance(rows, list) else rows)
            self.now += timedelta(seconds=10)
            self.seal()

    def heads(self):
        with self.database.transaction() as session:
            return [heads.head_of(seal) for seal in session.query(Seal).order_by(Seal.n)]

    @contextmanager
    def tampering(self):
        """A transaction in which triggers hold nobody, as for whoever owns the database; undone at the end."""
        with self.database.engine.connect() as connection, connection.begin() as transaction:
            connection.execute(text("SET LOCAL session_replication_role = 'replica'"))
            yield connection
            transaction.rollback()

    def check(self, session=None, *, now=None, heads=()):
        """Everything that a check finds."""
        if session is not None:
            return list(audit.Check(session, now or self.now, heads).run())
        with self.database.transaction() as own:
            audit.hold_still(own)
            return list(audit.Check(own, now or self.now, heads).run())
