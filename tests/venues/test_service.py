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
        wanted = select(AuditEvent).where(AuditEvent.subject == str(subject)).order_by(AuditEvent.id)
        return list(session.scalars(wanted))


def at_once(count, work):
    """Run `work(number)` in so many threads at the same instant; gives the results, refusals included."""
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


def test_a_venue_is_made_and_audited_with_before_and_after(database, made_venue, change):
    venue = made_venue(name="市南政务大厅")
    (event,) = events(database, venue.id)
    assert (event.action, event.actor_id, event.request_id) == ("venues.create", change().by.id, "r-test")
    assert event.details["before"] is None
    assert event.details["after"]["name"] == "市南政务大厅"


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"district": LAOSHAN}, errors.OtherDistrict),
        ({"district": "370205"}, errors.VenueInvalid),
        ({"scene": "nowhere"}, errors.VenueInvalid),
    ],
)
def test_a_venue_is_refused_elsewhere_and_nothing_is_kept(database, made_venue, changed, refusal):
    name = f"馆 {uuid4()}"
    with pytest.raises(refusal):
        made_venue(name=name, **changed)
    with database.transaction() as session:
        assert session.scalars(select(Venue).where(Venue.name == name)).all() == []


def test_staff_see_the_venues_that_they_answer_for(database, made_venue):
    city = AdminFactory(place=Place())
    ours, theirs = made_venue(), made_venue(by=city, district=LAOSHAN)

    def seen(place):
        with database.transaction() as session:
            reader = AdminFactory(place=place)
            return {venue.id for venue in service.venues(session, reader=reader, before=None, limit=10_000)}

    assert {ours.id, theirs.id} <= seen(Place())
    assert {ours.id, theirs.id} & seen(Place(district=SHINAN)) == {ours.id}
    assert {ours.id, theirs.id} & seen(Place(district=LAOSHAN)) == {theirs.id}
    assert seen(Place(hall="city")) == set()


def test_venues_come_in_pages_newest_first(database, made_venue):
    made = [made_venue().id for _ in range(3)]
    with database.transaction() as session:
        reader = AdminFactory()
        first = service.venues(session, reader=reader, before=None, limit=2)
        second = service.venues(session, reader=reader, before=first[-1].id, limit=1)
    assert [venue.id for venue in [*first, *second]] == made[::-1]


def test_another_districts_venue_is_not_found_in_any_way(database, rings, city, made_venue, change):
    venue, stranger = made_venue(), AdminFactory(place=Place(district=LAOSHAN))
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


def test_a_code_is_kept_as_a_keyed_hash_only(database, invited):
    venue, code = invited()
    with database.transaction() as session:
        enrolment = session.scalars(select(Enrolment).where(Enrolment.venue_id == venue.id)).one()
    kept = " ".join(str(getattr(enrolment, column.key)) for column in Enrolment.__table__.columns)
    said = str([event.details for event in events(database, venue.id)])
    assert code not in kept + said
    assert code.replace("-", "") not in kept + said


def test_purposes_of_another_scene_are_refused_and_no_code_is_made(database, invited):
    name = f"馆 {uuid4()}"
    with pytest.raises(errors.PurposesInvalid):
        invited(name=name, purposes=["meal-redemption"])
    with database.transaction() as session:
        venue = select(Venue.id).where(Venue.name == name).scalar_subquery()
        assert session.scalars(select(Enrolment).where(Enrolment.venue_id == venue)).all() == []


def test_a_scanner_is_enrolled_with_its_code_typed_anyhow(database, invited, enrol):
    venue, code = invited(scene="medical", purposes=["dispensing", "health-check"])
    key = ScannerKey()
    enrolled = enrol(code.lower().replace("-", " "), key)
    assert (enrolled.venue.id, enrolled.scene) == (venue.id, "medical")
    assert list(enrolled.purposes) == ["dispensing", "health-check"]
    with database.transaction() as session:
        scanner = session.get_one(Scanner, enrolled.scanner_id)
        client = session.get_one(Client, enrolled.scanner_id)
    assert (scanner.venue_id, scanner.label, scanner.revoked_at) == (venue.id, "1号窗口", None)
    assert {name: client.jwk[name] for name in key.jwk} == key.jwk
    (event,) = events(database, scanner.id)
    assert (event.action, event.actor_id, event.details["venue"]) == ("venues.enrol_scanner", None, str(venue.id))


def test_a_scanner_is_called_what_the_administrator_said(database, invited, enrol):
    _, code = invited(label="3号窗口")
    with database.transaction() as session:
        assert session.get_one(Scanner, enrol(code).scanner_id).label == "3号窗口"


def test_a_scanner_learns_the_two_public_roots(invited, enrol):
    roots = enrol(invited()[1]).trust_roots
    assert len({root["kid"] for root in roots}) == 2
    assert not any("d" in root for root in roots)


def test_wrong_used_and_expired_codes_are_refused_alike(invited, enrol, later):
    _, used = invited()
    enrol(used)
    _, expired = invited()
    later(timedelta(hours=24))
    refusals = []
    for code in ("0000-0000-0000-0000", used, expired, "'; DROP TABLE enrolments; --", "码", "-"):
        with pytest.raises(errors.EnrolmentCodeInvalid) as refused:
            enrol(code)
        refusals.append((refused.value.message, refused.value.facts, refused.value.fields))
    assert len({str(refusal) for refusal in refusals}) == 1


def test_a_code_works_until_its_last_second(invited, enrol, later):
    _, code = invited()
    later(timedelta(hours=24, seconds=-1))
    enrol(code)


def test_a_bad_proof_leaves_the_code_and_registers_nothing(database, invited, enrol):
    _, code = invited()
    key, other = ScannerKey(), ScannerKey()
    with pytest.raises(accounts_errors.ProofInvalid):
        enrol(code, key, signed_by=other)
    assert enrol(code, key)


def test_a_key_is_enrolled_once_and_the_second_code_stays(invited, enrol):
    key, (_, first), (_, second) = ScannerKey(), invited(), invited()
    enrol(first, key)
    with pytest.raises(accounts_errors.ClientExists):
        enrol(second, key)
    assert enrol(second)


def test_one_code_used_by_ten_at_once_gives_one_scanner(database, invited, enrol):
    venue, code = invited()
    results = at_once(10, lambda number: enrol(code))
    assert Counter(type(result) for result in results) == {service.Enrolled: 1, errors.EnrolmentCodeInvalid: 9}
    with database.transaction() as session:
        scanners = session.scalars(select(Scanner).where(Scanner.venue_id == venue.id)).all()
    assert [scanner.id for scanner in scanners] == [
        result.scanner_id for result in results if isinstance(result, service.Enrolled)
    ]


def test_one_key_enrolled_with_five_codes_at_once_gives_one_scanner(database, invited, enrol):
    key, codes = ScannerKey(), [invited()[1] for _ in range(5)]
    results = at_once(5, lambda number: enrol(codes[number], key))
    assert Counter(type(result) for result in results) == {service.Enrolled: 1, accounts_errors.ClientExists: 4}


def test_a_revoked_scanner_is_shut_out_and_a_repeat_changes_nothing(database, invited, enrol, revoke, clock, later):
    venue, code = invited()
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


def test_a_scanner_revoked_by_many_at_once_is_revoked_once(database, invited, enrol, revoke):
    scanner_id = enrol(invited()[1]).scanner_id
    assert at_once(5, lambda number: revoke(scanner_id)) == [None] * 5
    assert [event.action for event in events(database, scanner_id)] == ["venues.enrol_scanner", "venues.revoke_scanner"]


def test_only_its_own_district_revokes_a_scanner(database, invited, enrol, revoke):
    scanner_id = enrol(invited()[1]).scanner_id
    for by, target in ((AdminFactory(place=Place(district=LAOSHAN)), scanner_id), (AdminFactory(), new_id())):
        with pytest.raises(errors.ScannerNotFound):
            revoke(target, by)
    with database.transaction() as session:
        assert session.get_one(Scanner, scanner_id).revoked_at is None


def test_scanners_of_a_venue_are_listed_revoked_ones_too(database, invited, enrol, revoke, city):
    venue, code = invited()
    scanner_id = enrol(code).scanner_id
    revoke(scanner_id)
    with database.transaction() as session:
        (listed,) = service.scanners(session, reader=AdminFactory(), venue_id=venue.id, before=None, limit=5)
    assert (listed.id, listed.revoked_at is None) == (scanner_id, False)


def test_a_fixed_code_never_expires_works_once_and_is_renewed(database, rings, made_venue, enrol, clock, later):
    venue, code = made_venue(), f"SANDBOX-GOV-{uuid4().hex[:8]}"

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
