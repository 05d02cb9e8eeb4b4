from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import exc, text

from qe_ban.audit import service
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Principal, PrincipalKind
from tests.audit.conftest import NoResidents

NOW = datetime(2026, 10, 2, 8, tzinfo=UTC)
NO_RINGS = None
"""None is asked where no event has words."""


def auditor():
    return Principal(PrincipalKind.STAFF, new_id(), frozenset({"audit.read"}), new_id(), roles=frozenset({"auditor"}))


def record(database, subject, *, actor=None, action="venues.create", at=NOW, **more):
    with database.transaction() as session:
        service.record(session, at=at, actor=actor, action=action, subject=subject, **more)


def read(database, criteria, *, reader=None, before=None, limit=20):
    with database.transaction() as session:
        return service.read(
            session,
            NO_RINGS,
            reader=reader or auditor(),
            residents=NoResidents(),
            criteria=criteria,
            before=before,
            limit=limit,
            now=NOW,
        )


def test_an_event_keeps_who_what_and_on_which_ground(database):
    actor, subject = auditor(), f"venue-{uuid4()}"
    record(
        database, subject, actor=actor, details={"after": {"名": "馆"}}, case_number="QD-2026-000001", request_id="r-1"
    )
    (event,) = read(database, service.Criteria(subject=subject))
    assert (event.at, event.actor_kind, event.actor_id) == (NOW, "staff", actor.id)
    assert (event.action, event.details) == ("venues.create", {"after": {"名": "馆"}})
    assert (event.case_number, event.request_id) == ("QD-2026-000001", "r-1")


def test_an_event_falls_with_the_transaction_it_belongs_to(database):
    subject = f"venue-{uuid4()}"

    def fail():
        with database.transaction() as session:
            service.record(session, at=NOW, actor=None, action="venues.create", subject=subject)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert read(database, service.Criteria(subject=subject)) == []


def test_events_are_read_by_actor_action_subject_and_time(database):
    actor, subject = auditor(), f"venue-{uuid4()}"
    for hour, action in enumerate(("venues.create", "venues.invite_scanner", "venues.create")):
        record(database, subject, actor=actor, action=action, at=NOW + timedelta(hours=hour))
    record(database, subject, actor=auditor(), at=NOW + timedelta(hours=3))

    def hours(**criteria):
        events = read(database, service.Criteria(**{"subject": subject, **criteria}))
        return [(event.at - NOW) // timedelta(hours=1) for event in events]

    assert hours() == [3, 2, 1, 0]
    assert hours(actor=actor.id) == [2, 1, 0]
    assert hours(action="venues.invite_scanner") == [1]
    assert hours(since=NOW + timedelta(hours=1), until=NOW + timedelta(hours=3)) == [2, 1]
    assert hours(subject="x") == []


def test_pages_go_on_where_the_last_one_ended_though_new_events_come(database):
    subject = f"venue-{uuid4()}"
    for number in range(5):
        record(database, subject, details={"n": number})
    criteria = service.Criteria(subject=subject)
    first = read(database, criteria, limit=2)
    record(database, subject, details={"n": 5})
    second = read(database, criteria, limit=9, before=first[-1].id)
    assert [event.details["n"] for event in [*first, *second]] == [4, 3, 2, 1, 0]


def test_reading_is_recorded_with_what_was_asked(database):
    reader, subject = auditor(), f"venue-{uuid4()}"
    read(database, service.Criteria(subject=subject, since=NOW), reader=reader)
    (event,) = read(database, service.Criteria(actor=reader.id))
    assert event.action == "audit.read"
    assert event.details == {"criteria": {"subject": subject, "since": "2026-10-02T08:00:00Z"}, "before": None}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET action = 'nothing'",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
        "INSERT INTO audit_events (id, at, action, subject) VALUES (1, now(), 'forged', 'x')",
    ],
)
def test_nobody_changes_removes_or_slips_in_an_event(database, statement):
    record(database, f"venue-{uuid4()}")
    with pytest.raises(exc.DBAPIError), database.transaction() as session:
        session.execute(text(statement))
