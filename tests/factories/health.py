"""Those who set levels of health codes, with the paths that they walk."""

import json
from datetime import timedelta
from uuid import UUID

import jwt
from sqlalchemy import select

from qe_ban.accounts.service.look_ups import LookUpIds
from qe_ban.audit.models import AuditEvent
from qe_ban.jobs.models import OutboxMessage
from qe_ban.jobs.service.outbox import COLUMN
from qe_ban.keys import vault

API = "/api/v1"
SETTLED = timedelta(days=2)
CASE = "WJ-2026-0001"
CHANGES, INBOX, MINE = f"{API}/health/changes", f"{API}/health/corrections", f"{API}/me/health"


class Ward:
    """A department with an officer who proposes and reviewers who approve; all paths give the answer."""

    def __init__(self, town, client):
        self.town, self.client = town, client
        self.officer, self.reviewer, self.third = (
            self.staff(role) for role in ("health_officer", "health_reviewer", "health_reviewer")
        )

    def staff(self, *roles, age=None):
        """Make a member of staff whose account is so old; return the headers of a token.

        Others than those of health are new: a security officer of before would make newcomers of all whom later tests
        make in this database.
        """
        usual = SETTLED if set(roles) <= {"health_officer", "health_reviewer"} else timedelta(0)
        return self.town.staff(*roles, age=usual if age is None else age)

    def id_of(self, person, by=None, case_number=CASE, at=None):
        """Return what a member of staff calls a resident whom they looked up for a case."""
        claims = jwt.decode((by or self.officer)["Authorization"].split()[1], options={"verify_signature": False})
        ids = LookUpIds(self.town.parts.rings, UUID(claims["sub"]), at or self.town.now)
        return str(ids.id_of(person.id, case_number))

    def body(self, *people, by=None, **changes):
        residents = [self.id_of(person, by, changes.get("case_number", CASE)) for person in people]
        return {
            "residents": residents,
            "expected_count": len(residents),
            "level": "red",
            "basis": "isolation",
            "reason": "核酸检测阳性，隔离治疗",
            "ends_at": (self.town.now + timedelta(days=7)).isoformat(),
            "case_number": CASE,
        } | changes

    def propose(self, *people, by=None, at=None, **changes):
        return (at or self.client).post(CHANGES, json=self.body(*people, by=by, **changes), headers=by or self.officer)

    def decide(self, change, verb, *, by, at=None, **options):
        return (at or self.client).post(f"{CHANGES}/{change['id']}/{verb}", headers=by, **options)

    def approve(self, change, *, by=None, count=None, at=None):
        number = change["number"] if count is None else count
        return self.decide(change, "approve", by=by or self.reviewer, at=at, json={"expected_count": number})

    def set(self, *people, at=None, **changes):
        """Propose and approve a level; gives the change."""
        proposal = self.propose(*people, at=at, **changes)
        assert proposal.status_code == 201, proposal.get_data(as_text=True)
        approval = self.approve(proposal.get_json(), at=at)
        assert approval.status_code == 200, approval.get_data(as_text=True)
        return approval.get_json()

    def mine(self, person, at=None, **query):
        answer = (at or self.client).get(MINE, headers=person.headers, query_string=query)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_json()

    def request(self, person, text="我从未去过该场所", **query):
        path = f"{MINE}/corrections"
        return self.client.post(path, json={"text": text}, headers=person.headers, query_string=query)

    def answer(self, correction, *, by=None, ends_level=True, text="经核实，已更正"):
        path = f"{INBOX}/{correction['id']}/answer"
        return self.client.post(path, json={"text": text, "corrected": ends_level}, headers=by or self.third)

    def messages(self, person):
        """The templates of the notices that wait for somebody's phone, oldest first, with all that they say."""
        parts = self.town.parts
        with parts.database.transaction() as session:
            statement = select(OutboxMessage).where(OutboxMessage.topic == "notice").order_by(OutboxMessage.id)
            rows = [row for row in session.scalars(statement) if row.payload]
            messages = [json.loads(vault.unseal(parts.rings, COLUMN, row.id, row.payload)) for row in rows]
        return [message for message in messages if message["phone"] == person.phone]

    def templates(self, person):
        return [message["template"] for message in self.messages(person)]

    def events(self, subject):
        """The audit events about something, oldest first."""
        with self.town.parts.database.transaction() as session:
            statement = select(AuditEvent).where(AuditEvent.subject == str(subject)).order_by(AuditEvent.id)
            return list(session.scalars(statement))
