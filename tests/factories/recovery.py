"""What tests of recovery and closing share: residents over HTTP, staff at a window, and what phones were told."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt
from sqlalchemy import select

from qe_ban.accounts import rules
from qe_ban.accounts.models import RecoveryCase, Resident
from qe_ban.accounts.service import tokens
from qe_ban.accounts.service.look_ups import LookUpIds
from qe_ban.jobs.models import OutboxMessage
from qe_ban.jobs.service import COLUMN
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import PrincipalKind
from qe_ban.keys import vault
from tests.factories.accounts import API, PersonFactory, StaffFactory, bearer, random_phone, sign_in, step_up

CASES = f"{API}/recovery/cases"
WAIT = timedelta(hours=24)
BASIS = "查验本人居民身份证原件，人证一致"


class SignedIn:
    """Somebody signed in over HTTP, with or without a real name."""

    def __init__(self, client, phone, person=None):
        self.client, self.phone, self.person = client, phone, person
        answer = sign_in(client, phone)
        self.access, self.refresh = answer["access_token"], answer["refresh_token"]
        if person is not None:
            confirmation = client.put(f"{API}/me/real-name", json=person.body(), headers=self.headers)
            assert confirmation.status_code == 200, confirmation.get_json()
        self.id = self.me().get_json()["id"]

    @property
    def headers(self):
        return bearer(self.access)

    def me(self):
        return self.client.get(f"{API}/me", headers=self.headers)

    def step_up(self):
        self.access = step_up(self.client, self.access)
        return self

    def renew(self):
        grant = {"grant_type": "refresh_token", "refresh_token": self.refresh}
        return self.client.post(f"{API}/auth/token", json=grant)


class Town:
    """Makes residents and staff, and reads what left for phones."""

    def __init__(self, app, database, rings, register, accounts):
        self.app, self.database, self.rings = app, database, rings
        self.register, self.accounts = register, accounts

    @property
    def client(self):
        return self.app.test_client()

    def visitor(self, phone=None):
        return SignedIn(self.client, phone or random_phone())

    def resident(self):
        person = self.register.add(PersonFactory())
        return SignedIn(self.client, person.phone, person)

    def staff(self, role):
        """Give the headers of a new member of staff, who really is in the table."""
        now, account = datetime.now(UTC), StaffFactory(roles=(role,))
        token = tokens.access(
            self.accounts,
            kind=PrincipalKind.STAFF,
            subject=account.create(self.database, self.rings, now),
            session=new_id(),
            scopes=rules.staff_scopes([role]),
            roles=[role],
            now=now,
        )
        return bearer(token.access)

    def claimant_of(self, holder):
        """Give a visitor who claims the holder's number from another phone: a case is open."""
        claimant = self.visitor()
        self.register.people.add((holder.person.name, holder.person.id_number, claimant.phone))
        answer = self.client.put(f"{API}/me/real-name", json=holder.person.body(), headers=claimant.headers)
        assert answer.get_json()["code"] == "accounts.recovery_opened"
        return claimant

    def notices_to(self, phone):
        """Give the templates of the notices that wait for a phone, oldest first."""
        with self.database.transaction() as session:
            rows = session.scalars(
                select(OutboxMessage).where(OutboxMessage.topic == "notice").order_by(OutboxMessage.id)
            ).all()
        messages = [json.loads(vault.unseal(self.rings, COLUMN, row.id, row.payload)) for row in rows if row.payload]
        return [message["template"] for message in messages if message["phone"] == phone]

    def row(self, resident_id):
        with self.database.transaction() as session:
            return session.get_one(Resident, resident_id)


class Window:
    """The staff paths of recovery, as somebody walks them."""

    def __init__(self, town, clerk, officer):
        self.town, self.clerk, self.officer = town, clerk, officer

    def open(self, holder, kind="new_phone", *, headers=None, **changes):
        body = {
            "kind": kind,
            "id_type": "resident_id",
            "id_number": holder.person.id_number,
            "basis": BASIS,
            "case_number": "QD-2026-000001",
        } | changes
        return self.town.client.post(CASES, json=body, headers=headers or self.clerk)

    def cases(self, state="open", headers=None):
        cases, cursor = [], ""
        while cursor is not None:
            page = self.town.client.get(f"{CASES}?state={state}&limit=100{cursor}", headers=headers or self.clerk)
            cases += page.get_json()["items"]
            cursor = f"&cursor={page.get_json()['next']}" if page.get_json()["next"] else None
        return cases

    def id_of(self, resident):
        """Return what the clerk calls somebody in the cases that they read."""
        clerk = UUID(jwt.decode(self.clerk["Authorization"].split()[1], options={"verify_signature": False})["sub"])
        return str(LookUpIds(self.town.rings, clerk, datetime.now(UTC)).id_of(UUID(str(resident.id))))

    def case_of(self, holder, state="open"):
        (case,) = [case for case in self.cases(state) if case["holder"]["id"] == self.id_of(holder)]
        return case

    def wait(self, case):
        """Let the time pass in which the holder may object."""
        with self.town.database.transaction() as session:
            row = session.get(RecoveryCase, UUID(case["id"]))
            if row is not None:
                row.opened_at -= WAIT

    def propose(self, case, decision="settle", *, headers=None, has_waited=True):
        if has_waited:
            self.wait(case)
        body = {"decision": decision, "basis": "已与登记信息核对"}
        return self.town.client.post(f"{CASES}/{case['id']}/propose", json=body, headers=headers or self.clerk)

    def approve(self, case, *, headers=None):
        body = {"proposal_id": case["proposal"]["id"]}
        path = f"{CASES}/{case['id']}/approve"
        return self.town.client.post(path, json=body, headers=headers or self.officer)

    def settle(self, case, decision="settle"):
        answer = self.propose(case, decision)
        assert answer.status_code == 200, answer.get_json()
        return self.approve(answer.get_json())
