"""A city of its own in which the clock is put where a test wants it, and the watchman who goes through it."""

import secrets
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select

from qe_ban.accounts import service as accounts
from qe_ban.app import assemble, create_app
from qe_ban.audit import service as audit
from qe_ban.audit.models import Alarm
from qe_ban.codes import service as codes
from qe_ban.codes.service import Wallet
from qe_ban.db import valkey
from qe_ban.db.limits import Limiter
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Principal, PrincipalKind
from qe_ban.keys import lifecycle
from tests.conftest import closing_pool
from tests.factories.accounts import StaffFactory
from tests.factories.codes import Town
from tests.factories.databases import with_schema
from tests.factories.digests import plain_digest

SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
DUTY = Principal(PrincipalKind.STAFF, new_id(), frozenset({"alarms.read", "alarms.close"}), new_id())


class AlarmTown(Town):
    """A town whose alarms are its own."""

    def __init__(self, settings, name, now=None):
        """`now`: the moment at which the city stands, in place of the machine's."""
        self._now, own_settings = now, with_schema(settings, name)
        super().__init__(assemble(own_settings, pool=16))
        self.settings, self.database = own_settings, self.parts.database
        with self.database.transaction() as session:
            lifecycle.init(session, own_settings.master_key, self.now - HOUR)

    @property
    def now(self):
        return self._now or datetime.now(UTC)

    @now.setter
    def now(self, moment):
        self._now = moment

    @contextmanager
    def client(self):
        """The product over HTTP."""
        with closing_pool(create_app(self.settings)) as app:
            yield app.test_client()

    def watch(self, at=None):
        """Look at all but the log, which nobody seals here, as the worker does; gives how many alarms were opened."""
        watches = (*codes.detectors(self.parts.rings), *accounts.WATCHES)
        return audit.Watchman(self.database, watches).run(at or self.now)

    def alarms(self, kind=None, *, is_closed=False):
        with self.database.transaction() as session:
            rows = session.scalars(select(Alarm).order_by(Alarm.id)).all()
        return [one for one in rows if (one.closed_at is not None) == is_closed and kind in (None, one.kind)]

    def close(self, alarm, at=None):
        with self.database.transaction() as session:
            audit.close_alarm(
                session,
                self.parts.rings,
                alarm_id=alarm.id,
                note="已核实",
                change=audit.Change(DUTY, at or self.now),
            )

    def clerk(self, *roles):
        """Make a member of staff; gives the id."""
        return StaffFactory(roles=roles or ("city_admin",)).create(self.database, self.parts.rings, self.now)

    def scan(self, terminal, code="QE1:NOTHING", *, at=None, times=1, every=SECOND, purpose="gate-entry", **more):
        """Scan through the service; gives the last verdict."""
        at, verdict = at or self.now, None
        with self.database.statements() as connection:
            for n in range(times):
                request = codes.VerifyRequest(
                    scanner=terminal.id, scan_id=uuid.uuid4(), purpose=purpose, code=code, **more
                )
                verdict = codes.verify(self.parts.get(Wallet), connection, request, at + n * every)
        return verdict

    def type(self, terminal, number, *, at):
        """Type a short number at a moment, by whose clock misses are limited, too."""
        limiter = Limiter(valkey.connect(self.settings.redis_url), self.database, lambda: at, plain_digest)
        request = codes.VerifyRequest(
            scanner=terminal.id, scan_id=uuid.uuid4(), purpose="gate-entry", short_number=number
        )
        with self.database.statements() as connection:
            return codes.verify_number(self.parts.get(Wallet), limiter, connection, request, at)

    def learn(self, at):
        with self.database.transaction() as session:
            codes.learn_habits(session, at)

    def forge(self, person):
        """A code that some other key has signed."""
        _, kid = self._signing("issued")
        return self.code(
            person.numbers["identity"],
            "identity",
            key=(ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(len(kid))),
        )
