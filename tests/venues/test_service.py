"""Venues and scanners at the service: whose they are, what enrols a scanner, what is kept and audited."""

import threading
from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from qe_ban.accounts import errors as accounts_errors
from qe_ban.accounts.models import Client
from qe_ban.audit.models import AuditEvent
from qe_ban.kernel.errors import DomainError
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Place
from qe_ban.venues import errors, service
from qe_ban.venues.models import Enrolment, Scanner, Venue
from tests.factories.venues import LAOSHAN, SHINAN, AdminFactory, NewVenueFactory, ScannerKey


def events(database, subject):
    with database.transaction() as session:
        query = select(AuditEvent).where(AuditEvent.subject == str(subject)).order_by(AuditEvent.id)
        return list(session.scalars(query))


def at_once(count, work):
    """Run `work(number)` in so many threads at the same instant; returns the results, refusals included."""
    start, results = threading.Barrier(count), []

    def one(number):
        start.wait()
        try:
            results.append(work(number))
        except DomainError as refused:
            results.append(refused)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_a_venue_is_made_and_audited_with_before_and_after(database, make_venue, change):
    venue = make_venue(name="市南政务大厅")
    (event,) = events(database, venue.id)
    assert (event.action, event.actor_id, event.request_id) == ("venues.create", change().by.id, "r-test")
    assert event.details["before"] is None
    assert event.details["after"]["name"] == "市南政务大厅"


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"district": LAOSHAN}, errors.OtherDistrict),
        ({"district": "370205"}, errors.VenueInvalid),
        ({"scene": "nowhere"}, errors.VenueInvalid),
    ],
)
def test_a_venue_is_refused_elsewhere_and_nothing_is_kept(database, make_venue, fields, refusal):
    name = f"馆 {uuid4()}"
    with pytest.raises(refusal):
        make_venue(name=name, **fields)
    with database.transaction() as session:
        assert session.scalars(select(Venue).where(Venue.name == name)).all() == []


def test_staff_see_the_venues_that_they_answer_for(database, make_venue):
    city = AdminFactory(place=Place())
    ours, theirs = make_venue(), make_venue(by=city, district=LAOSHAN)

    def visible_ids(place):
        with database.transaction() as session:
            reader = AdminFactory(place=place)
            return {venue.id for venue in service.venues(session, reader=reader, before=None, limit=10_000)}

    assert {ours.id, theirs.id} <= visible_ids(Place())
    assert {ours.id, theirs.id} & visible_ids(Place(district=SHINAN)) == {ours.id}
    assert {ours.id, theirs.id} & visible_ids(Place(district=LAOSHAN)) == {theirs.id}
    assert visible_ids(Place(hall="city")) == set()


def test_venues_come_in_pages_newest_first(database, make_venue):
    ids = [make_venue().id for _ in range(3)]
    with database.transaction() as session:
        reader = AdminFactory()
        first = service.venues(session, reader=reader, before=None, limit=2)
        second = service.venues(session, reader=reader, before=first[-1].id, limit=1)
    assert [venue.id for venue in [*first, *second]] == ids[::-1]


def test_another_districts_venue_is_not_found_in_any_way(database, rings, city, make_venue, change):
    venue, stranger = make_venue(), AdminFactory(place=Place(district=LAOSHAN))
    for call in (
        lambda session: service.venue(session, reader=stranger, venue_id=venue.id),
        lambda session: service.scanners(session, reader=stranger, venue_id=venue.id, before=None, limit=1),
        lambda session: service.invite(
            session, rings, city, venue_id=venue.id, purposes=["identity-check"], label=None, change=change(stranger)
        ),
        lambda session: service.venue(session, reader=stranger, venue_id=new_id()),
    ):
        with database.transaction() as session, pytest.raises(errors.VenueNotFound):
            call(session)


def test_a_code_is_kept_as_a_keyed_hash_only(database, invite_scanner):
    venue, code = invite_scanner()
    with database.transaction() as session:
        enrolment = session.scalars(select(Enrolment).where(Enrolment.venue_id == venue.id)).one()
    stored_text = " ".join(str(getattr(enrolment, column.key)) for column in Enrolment.__table__.columns)
    details_text = str([event.details for event in events(database, venue.id)])
    assert code not in stored_text + details_text
    assert code.replace("-", "") not in stored_text + details_text


def test_purposes_of_another_scene_are_refused_and_no_code_is_made(database, invite_scanner):
    name = f"馆 {uuid4()}"
    with pytest.raises(errors.PurposesInvalid):
        invite_scanner(name=name, purposes=["meal-redemption"])
    with database.transaction() as session:
        venue = select(Venue.id).where(Venue.name == name).scalar_subquery()
        assert session.scalars(select(Enrolment).where(Enrolment.venue_id == venue)).all() == []


def test_a_scanner_is_enrolled_with_its_code_typed_anyhow(database, invite_scanner, enrol):
    venue, code = invite_scanner(scene="medical", purposes=["dispensing", "health-check"])
    key = ScannerKey()
    scanner_ = enrol(code.lower().replace("-", " "), key)
    assert (scanner_.venue.id, scanner_.scene) == (venue.id, "medical")
    assert list(scanner_.purposes) == ["dispensing", "health-check"]
    with database.transaction() as session:
        scanner = session.get_one(Scanner, scanner_.scanner_id)
        client = session.get_one(Client, scanner_.scanner_id)
    assert (scanner.venue_id, scanner.label, scanner.revoked_at) == (venue.id, "1号窗口", None)
    assert {name: client.jwk[name] for name in key.jwk} == key.jwk
    (event,) = events(database, scanner.id)
    assert (event.action, event.actor_id, event.details["venue"]) == ("venues.enrol_scanner", None, str(venue.id))


def test_a_scanner_is_called_what_the_administrator_said(database, invite_scanner, enrol):
    _, code = invite_scanner(label="3号窗口")
    with database.transaction() as session:
        assert session.get_one(Scanner, enrol(code).scanner_id).label == "3号窗口"


def test_a_scanner_learns_the_two_public_roots(invite_scanner, enrol):
    roots = enrol(invite_scanner()[1]).trust_roots
    assert len({root["kid"] for root in roots}) == 2
    assert not any("d" in root for root in roots)


def test_wrong_used_and_expired_codes_are_refused_alike(invite_scanner, enrol, later):
    _, used = invite_scanner()
    enrol(used)
    _, expired_code = invite_scanner()
    later(timedelta(hours=24))
    refusals = []
    for code in ("0000-0000-0000-0000", used, expired_code, "'; DROP TABLE enrolments; --", "码", "-"):
        with pytest.raises(errors.EnrolmentCodeInvalid) as refused:
            enrol(code)
        refusals.append((refused.value.message, refused.value.facts, refused.value.fields))
    assert len({str(refusal) for refusal in refusals}) == 1


def test_a_code_works_until_its_last_second(invite_scanner, enrol, later):
    _, code = invite_scanner()
    later(timedelta(hours=24, seconds=-1))
    enrol(code)


def test_a_bad_proof_leaves_the_code_and_registers_nothing(database, invite_scanner, enrol):
    _, code = invite_scanner()
    key, other = ScannerKey(), ScannerKey()
    with pytest.raises(accounts_errors.ProofInvalid):
        enrol(code, key, signed_by=other)
    assert enrol(code, key)


def test_a_key_is_enrolled_once_and_the_second_code_stays(invite_scanner, enrol):
    key, (_, first), (_, second) = ScannerKey(), invite_scanner(), invite_scanner()
    enrol(first, key)
    with pytest.raises(accounts_errors.ClientExists):
        enrol(second, key)
    assert enrol(second)


def test_one_code_used_by_ten_at_once_gives_one_scanner(database, invite_scanner, enrol):
    venue, code = invite_scanner()
    results = at_once(10, lambda number: enrol(code))
    assert Counter(type(result) for result in results) == {service.EnrolledScanner: 1, errors.EnrolmentCodeInvalid: 9}
    with database.transaction() as session:
        scanners = session.scalars(select(Scanner).where(Scanner.venue_id == venue.id)).all()
    assert [scanner.id for scanner in scanners] == [
        result.scanner_id for result in results if isinstance(result, service.EnrolledScanner)
    ]


def test_one_key_enrolled_with_five_codes_at_once_gives_one_scanner(database, invite_scanner, enrol):
    key, codes = ScannerKey(), [invite_scanner()[1] for _ in range(5)]
    results = at_once(5, lambda number: enrol(codes[number], key))
    assert Counter(type(result) for result in results) == {service.EnrolledScanner: 1, accounts_errors.ClientExists: 4}


def test_a_revoked_scanner_is_shut_out_and_a_repeat_changes_nothing(
    database, invite_scanner, enrol, revoke, clock, later
):
    venue, code = invite_scanner()
    scanner_id, revoked_at = enrol(code).scanner_id, clock()
    revoke(scanner_id)
    later(timedelta(minutes=1))
    revoke(scanner_id)
    with database.transaction() as session:
        assert session.get_one(Scanner, scanner_id).revoked_at == revoked_at
        assert session.get_one(Client, scanner_id).revoked_at == revoked_at
    _, event = events(database, scanner_id)
    assert (event.action, event.details["before"], event.details["after"]["venue"]) == (
        "venues.revoke_scanner",
        {"revoked": False},
        str(venue.id),
    )


def test_a_scanner_revoked_by_many_at_once_is_revoked_once(database, invite_scanner, enrol, revoke):
    scanner_id = enrol(invite_scanner()[1]).scanner_id
    assert at_once(5, lambda number: revoke(scanner_id)) == [None] * 5
    assert [event.action for event in events(database, scanner_id)] == ["venues.enrol_scanner", "venues.revoke_scanner"]


def test_only_its_own_district_revokes_a_scanner(database, invite_scanner, enrol, revoke):
    scanner_id = enrol(invite_scanner()[1]).scanner_id
    for by, target in ((AdminFactory(place=Place(district=LAOSHAN)), scanner_id), (AdminFactory(), new_id())):
        with pytest.raises(errors.ScannerNotFound):
            revoke(target, by)
    with database.transaction() as session:
        assert session.get_one(Scanner, scanner_id).revoked_at is None


def test_scanners_of_a_venue_are_listed_revoked_ones_too(database, invite_scanner, enrol, revoke, city):
    venue, code = invite_scanner()
    scanner_id = enrol(code).scanner_id
    revoke(scanner_id)
    with database.transaction() as session:
        (row,) = service.scanners(session, reader=AdminFactory(), venue_id=venue.id, before=None, limit=5)
    assert (row.id, row.revoked_at is None) == (scanner_id, False)


def test_a_fixed_code_never_expires_works_once_and_is_renewed(database, rings, make_venue, enrol, clock, later):
    venue, code = make_venue(), f"SANDBOX-GOV-{uuid4().hex[:8]}"

    def load():
        with database.transaction() as session:
            service.add_fixed_enrolment(
                session, rings, code=code, venue_id=venue.id, purposes=["identity-check"], now=clock()
            )

    load()
    later(timedelta(hours=70))
    first = enrol(code)
    with pytest.raises(errors.EnrolmentCodeInvalid):
        enrol(code)
    load()
    assert enrol(code).scanner_id != first.scanner_id


def test_a_seeded_venue_is_the_same_one_each_time(database, city, clock):
    new = NewVenueFactory()

    def seed(number):
        with database.transaction() as session:
            return service.seed_venue(session, city, new, clock())

    assert len(set(at_once(4, seed))) == 1
    with database.transaction() as session:
        assert session.scalar(select(func.count()).where(Venue.name == new.name)) == 1
