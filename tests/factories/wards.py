"""A family for tests of acting for others: people with and without accounts, and each step as the routes do it."""

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from qe_ban.accounts import service
from qe_ban.accounts.models import Guardianship, RefreshFamily, Resident
from qe_ban.accounts.rules import Relation, WardBasis
from qe_ban.accounts.service import names, residents
from qe_ban.audit.models import AuditEvent
from qe_ban.audit.service import Change, words
from qe_ban.jobs.models import OutboxMessage
from qe_ban.jobs.service import COLUMN
from qe_ban.kernel.clock import CITY_TIME
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Principal, PrincipalKind
from qe_ban.keys import vault
from tests.factories.accounts import OpenRegister, Person, PersonFactory, id_number_born

CASE = "QD-2026-000001"


def child_of_age(now, *, years=7, days=40) -> Person:
    """Somebody who came to so many years so many days ago, or will where `days` is negative."""
    day = now.astimezone(CITY_TIME).date() - timedelta(days=days)
    # not everybody has a 29 February
    day += timedelta(days=(day.month, day.day) == (2, 29))
    birth = day.replace(year=day.year - years)
    return PersonFactory(phone=None, id_number=id_number_born(birth.strftime("%Y%m%d")))


@dataclass
class Family:
    """The collaborators, and what people do with them."""

    accounts: service.Accounts
    database: Any
    register: OpenRegister
    now: Any

    def person(self, person: Person | None = None) -> Principal:
        """Make an account with a confirmed name; gives whose it is. Without a phone it is a ward's."""
        person = self.register.add(person or PersonFactory())
        with self.database.transaction() as session:
            if person.phone is None:
                row = Resident(id=new_id(), created_at=self.now)
                session.add(row)
            else:
                row = session.get_one(
                    Resident, residents.of_phone(self.accounts.rings, session, phone=person.phone, now=self.now)
                )
            names.bind(self.accounts.rings, row, person.real_name(), self.now)
            return resident(row.id)

    def sign_in(self, who: Principal) -> None:
        """Let the sign-in of somebody run, which `person` only names."""
        with self.database.transaction() as session:
            session.add(
                RefreshFamily(
                    id=who.session,
                    kind=who.kind.value,
                    principal_id=who.id,
                    started_at=self.now,
                    expires_at=self.now + timedelta(days=1),
                )
            )

    def child(self, *guardians: Person, now=None, **age) -> Person:
        """Make somebody under age up for the register, in the custody of these."""
        child = self.register.add(child_of_age(now or self.now, **age))
        self.register.custody |= {(one.id_number, child.id_number) for one in guardians}
        return child

    def ask(self, guardian: Principal, person: Person, *, at=None, accounts=None, **changes) -> service.Shown:
        """Ask to act for somebody, by default for a grown-up on their own word."""
        now, accounts = at or self.now, accounts or self.accounts
        wish = service.Wish(
            **{"said": person.real_name(), "relation": Relation.CHILD, "basis": WardBasis.ENTRUSTED} | changes
        )
        with self.database.transaction() as session:
            request = service.begin_ward(accounts, session, guardian_id=guardian.id, wish=wish, now=now)
        custody = service.ask_register(accounts, request)
        with self.database.transaction() as session:
            service.regret_ward(accounts, session, guardian_id=guardian.id)
        with self.database.transaction() as session:
            return service.finish_ward(accounts, session, wish=wish, custody=custody, change=Change(guardian, now))

    def custody(self, guardian: Principal, child: Person, **changes) -> service.Shown:
        """Ask to act for a child in one's custody."""
        return self.ask(guardian, child, **{"relation": Relation.PARENT, "basis": WardBasis.CUSTODY} | changes)

    def do(self, action, by: Principal, guardianship_id, *, at=None, **more):
        """Take one step of a guardianship in a transaction of its own."""
        with self.database.transaction() as session:
            return action(
                self.accounts, session, guardianship_id=guardianship_id, change=Change(by, at or self.now), **more
            )

    def at_window(self, action, guardianship_id, *, staff=None, at=None, details=None):
        """Take one step at a window."""
        details = details or {"basis_seen": "户口簿"} if action is service.confirm_at_window else {"reason": "家属申请"}
        return self.do(action, staff or clerk(), guardianship_id, at=at, case_number=CASE, **details)

    def acting_for(self, guardian: Principal, guardianship_id, at=None):
        """Give the ward's resident id, as each call for a ward finds it."""
        with self.database.transaction() as session:
            return service.acting_for(session, guardian=guardian.id, ward=guardianship_id, now=at or self.now)

    def row(self, guardianship_id) -> Guardianship:
        with self.database.transaction() as session:
            return session.get_one(Guardianship, guardianship_id)

    def resident(self, resident_id) -> Resident:
        with self.database.transaction() as session:
            return session.get_one(Resident, resident_id)

    def wards(self, guardian: Principal, at=None) -> list[service.Shown]:
        with self.database.transaction() as session:
            rows = service.wards_of(
                self.accounts.rings, session, guardian=guardian.id, now=at or self.now, after=None, limit=100
            )
            return list(rows)

    def guardians(self, ward: Principal, at=None) -> list[service.Shown]:
        with self.database.transaction() as session:
            rows = service.guardians_of(
                self.accounts.rings, session, ward=ward.id, now=at or self.now, after=None, limit=100
            )
            return list(rows)

    def notices_to(self, phone: str) -> list[str]:
        """Give the templates of the messages to a phone, oldest first."""
        rings = self.accounts.rings
        with self.database.transaction() as session:
            statement = select(OutboxMessage).where(OutboxMessage.topic == "notice").order_by(OutboxMessage.id)
            payloads = [
                json.loads(vault.unseal(rings, COLUMN, row.id, row.payload)) for row in session.scalars(statement)
            ]
        return [payload["template"] for payload in payloads if payload["phone"] == phone]

    def words_of(self, event: AuditEvent):
        """An event's details as an auditor reads them."""
        with self.database.transaction() as session:
            return words.open_words(session, self.accounts.rings, [event.details])[0]

    def events(self, guardianship_id) -> list[AuditEvent]:
        with self.database.transaction() as session:
            statement = select(AuditEvent).where(AuditEvent.subject == str(guardianship_id)).order_by(AuditEvent.id)
            return list(session.scalars(statement))

    def everyone(self) -> "Family":
        """The same with a register that confirms whoever asks."""
        return replace(self, accounts=replace(self.accounts, real_name=OpenRegister(everyone=True)))


def resident(resident_id) -> Principal:
    return Principal(PrincipalKind.RESIDENT, resident_id, frozenset({"me.wards"}), new_id())


def clerk() -> Principal:
    return Principal(PrincipalKind.STAFF, new_id(), frozenset({"wards.confirm"}), new_id())


def wish(person, **changes):
    """Give the body of a wish to act for somebody; `...` leaves a field out."""
    body = {"name": person.name, "id_number": person.id_number, "relation": "child", "basis": "entrusted"} | changes
    return {name: value for name, value in body.items() if value is not ...}


def custody(person):
    return wish(person, relation="parent", basis="custody")


def acts_of(database, rings, guardianship, now):
    """Record what guardians did before the day of `now`, as the worker does; return the events of a guardianship."""
    with database.transaction() as session:
        while service.record_acts_for_wards(session, rings, now):
            pass
        events = select(AuditEvent).where(
            AuditEvent.subject == str(guardianship), AuditEvent.action.not_like("wards.%")
        )
        return session.scalars(events.order_by(AuditEvent.id)).all()
