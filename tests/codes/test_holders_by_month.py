"""Hashes of holders change with the city's month: a trail ends with it, and the person's own ledger does not."""

import random
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from qe_ban.audit import service as audit
from qe_ban.audit.models.events import AuditEvent
from qe_ban.codes import service as codes
from qe_ban.codes.errors import ScanNotFound
from qe_ban.codes.models import Dispute, HolderOverMonth, Scan
from qe_ban.codes.queries import scanning
from qe_ban.codes.service import disputes, hashing, ledger, rehashing
from qe_ban.db.overlaps import PREVIOUS, ReleaseOverlap
from qe_ban.kernel.clock import CITY_TIME, start_of_month
from qe_ban.kernel.principal import Principal, PrincipalKind
from qe_ban.keys import lifecycle
from qe_ban.keys.models import Ring
from tests.factories.alarm_town import DAY, HOUR, MINUTE, AlarmTown
from tests.factories.endings import end as end_rows

GATE, DESK = "gate-entry", "window-acceptance"
TURN = datetime(2026, 12, 1, tzinfo=CITY_TIME).astimezone(UTC)


@pytest.fixture
def city(settings):
    """Return a city that stands a minute after midnight of the first of December."""
    town = AlarmTown(settings, "months", TURN + MINUTE)
    yield town
    town.database.dispose()


def end_overlap(city, at):
    """Set until when programs of the previous release may serve."""
    with city.database.transaction() as session:
        session.merge(ReleaseOverlap(previous=PREVIOUS, ends_at=at))
    city.parts.rings.refresh()


def rotate(city):
    with city.database.transaction() as session:
        start = datetime.now(UTC) - lifecycle.PUBLISHED_AHEAD - timedelta(seconds=1)
        lifecycle.rotate(session, city.settings.master_key, Ring.HOLDER, start)
    city.parts.rings.refresh()


def show(city, person, terminal, at, purpose=GATE, **options):
    code = city.code(person.numbers["identity"], "identity", at=at, **options)
    return city.scan(terminal, code, at=at, purpose=purpose)


def holders(city):
    with city.database.transaction() as session:
        return session.scalars(select(Scan.holder).order_by(Scan.at)).all()


def get_page(city, person, **page):
    with city.database.transaction() as session:
        return codes.entries(session, city.parts.rings, person.id, **({"limit": 100} | page))


class TestTrail:
    def test_it_ends_at_midnight_of_the_city(self, city):
        gate, person = city.terminal(GATE), city.resident()
        for minutes in (-3, -2, 1, 2):
            assert show(city, person, gate, TURN + minutes * MINUTE).accepted
        one, two, three, four = holders(city)
        assert one == two
        assert three == four
        assert one != three
        assert len(get_page(city, person)) == 4

    def test_an_auditor_and_a_scanner_know_one_month_of_one_scanner(self, city):
        person, desks = city.resident(), [city.terminal(DESK) for _ in range(2)]
        for at in (TURN - HOUR / 2, TURN + MINUTE):
            for desk in (*desks, desks[0]):
                assert show(city, person, desk, at, DESK).accepted
        with city.database.transaction() as session:
            subjects = session.scalars(
                select(AuditEvent.subject).where(AuditEvent.action == "codes.disclose").order_by(AuditEvent.id)
            ).all()
        first, other, again, *later = subjects
        assert first == again
        assert len({first, other, *later}) == 4
        assert not set(subjects) & {holder.hex() for holder in holders(city)}

    def test_a_dispute_stands_under_no_scans_hash(self, city):
        rings, number = city.parts.rings, city.resident().numbers["identity"]
        assert hashing.dispute_hash(rings, number, TURN) != hashing.holder_hash(rings, number, TURN)


class TestRollout:
    def test_a_new_database_begins_at_once(self, city):
        assert hashing.monthly_since(city.parts.rings) < TURN - 365 * DAY

    def test_until_it_begins_the_hash_is_the_one_that_the_previous_release_looks_for(self, city):
        end_overlap(city, TURN - 3 * DAY)
        rings, number = city.parts.rings, city.resident().numbers["identity"]
        timeless = rings.mac(Ring.HOLDER, "entitlement", number.to_bytes(7, "big"))
        assert hashing.holder_hash(rings, number, TURN - DAY) == timeless
        assert hashing.dispute_hash(rings, number, TURN - 4 * DAY) == timeless
        assert timeless not in {
            hashing.holder_hash(rings, number, TURN),
            hashing.dispute_hash(rings, number, TURN),
        }

    def test_what_a_program_of_the_previous_release_still_writes_later_is_in_the_ledger(self, city):
        end_overlap(city, TURN - 3 * DAY)
        gate, person = city.terminal(GATE), city.resident()
        show(city, person, gate, TURN - MINUTE)
        show(city, person, gate, TURN + MINUTE)
        timeless, _ = holders(city)
        with city.database.transaction() as session:
            session.execute(update(Scan).where(Scan.at > TURN).values(holder=timeless))
        assert len(get_page(city, person)) == 2

    def test_the_old_hash_is_looked_for_until_the_last_scan_from_before_is_gone(self, city):
        rings, number = city.parts.rings, city.resident().numbers["identity"]
        end_overlap(city, TURN - 3 * DAY)
        timeless = rings.mac(Ring.HOLDER, "entitlement", number.to_bytes(7, "big"))
        spans = hashing.holder_spans(rings, [number], TURN - timedelta(microseconds=1), TURN + 40 * DAY)
        assert [span.holder == timeless for span in spans] == [True, False, False]
        spans = hashing.holder_spans(rings, [number], TURN, TURN + 40 * DAY)
        assert [(span.since, span.until) for span in spans] == [
            (TURN, start_of_month(TURN + 40 * DAY)),
            (start_of_month(TURN + 40 * DAY), start_of_month(TURN + 70 * DAY)),
        ]

    def test_disputes_of_before_move_to_a_hash_of_their_own_when_it_has_begun(self, city):
        end_overlap(city, TURN - MINUTE)
        rings, person, gate = city.parts.rings, city.resident(), city.terminal(GATE)
        show(city, person, gate, TURN - 3 * MINUTE)
        [entry] = get_page(city, person)
        by = Principal(PrincipalKind.RESIDENT, person.id, frozenset(), uuid.uuid4())
        with city.database.transaction() as session:
            change = audit.Change(by, TURN - 2 * MINUTE)
            dispute_id = disputes.open_dispute(
                session, rings, resident=person.id, scan=entry.id, text="不是我", change=change
            ).dispute.id
        for now, row_count in ((TURN - 2 * MINUTE, 0), (TURN, 1), (TURN, 0)):
            with city.database.transaction() as session:
                assert rehashing.rehash(session, rings, 0, now)[1] == row_count
                [row] = disputes.list_own(session, rings, resident=person.id, before=None, limit=9)
                assert row.dispute.id == dispute_id
        with city.database.transaction() as session:
            assert session.get_one(Dispute, dispute_id).holder == hashing.dispute_hash(
                rings, person.numbers["identity"], TURN
            )


class TestLedger:
    """A resident's ledger is the resident's scans, newest first, whatever hash each stands under."""

    @pytest.mark.parametrize("seed", range(6))
    def test_it_is_whole_over_months_and_rotations_and_page_by_page(self, city, seed):
        lots = random.Random(seed)
        person, other, gate = city.resident(), city.resident(), city.terminal(GATE)
        end_overlap(city, TURN + lots.choice([-400, -31, 0, 31]) * DAY)
        ids = []
        for n in range(60):
            if n in (20, 40):
                rotate(city)
            near = TURN + lots.choice([-61, -30, 0, 31]) * DAY
            at = near + timedelta(microseconds=lots.choice([-1, 0, 1, lots.randrange(10**12)]))
            holder = lots.choice([person, person, other])
            scan = self.keep(city, gate, lots.choice(list(holder.numbers.values())), at)
            if holder is person:
                ids.append((at.astimezone(UTC), scan))
        ids.sort(reverse=True)
        with city.database.transaction() as session:
            assert self.keys(codes.all_entries(session, city.parts.rings, person.id)) == ids
            for at, scan in lots.sample(ids, 5):
                number, _, entry = ledger.entry(session, city.parts.rings, person.id, scan)
                assert number in person.numbers.values()
                assert entry.at == at
                with pytest.raises(ScanNotFound):
                    ledger.entry(session, city.parts.rings, other.id, scan)
        entries, after = [], None
        while page := self.keys(get_page(city, person, limit=7, after=after)):
            entries, after = entries + page, page[-1]
        assert entries == ids

    def test_without_any_scan_it_is_empty(self, city):
        assert get_page(city, city.resident()) == []

    @staticmethod
    def keys(entries):
        return [(entry.at, entry.id) for entry in entries]

    @staticmethod
    def keep(city, gate, number, at):
        outcome = scanning.Outcome(
            id=uuid.uuid4(),
            scanner=gate.id,
            scan_id=uuid.uuid4(),
            request=bytes(32),
            venue=gate.venue,
            at=at,
            purpose=GATE,
            accepted=True,
            reason="ok",
            kind="identity",
            profile="issued",
            cti=bytes(16),
            showing=None,
            holder=hashing.holder_hash(city.parts.rings, number, at),
            fields=(),
            detail={},
            as_of=None,
        )
        with city.database.statements() as connection:
            scanning.keep(connection, outcome)
        return outcome.id


class TestDetectors:
    @pytest.mark.parametrize("begins", [None, TURN], ids=["by_month_before_too", "the_first_month"])
    def test_who_is_elsewhere_too_soon_is_seen_over_the_turn(self, city, begins):
        if begins is not None:
            end_overlap(city, begins)
        south, north, person = city.terminal(GATE), city.terminal(GATE, district="370203"), city.resident()
        assert show(city, person, south, TURN - MINUTE / 4).accepted
        assert show(city, person, north, TURN + MINUTE / 4).accepted
        assert city.watch(TURN + MINUTE) == 1
        [alarm] = city.alarms("implausible_travel")
        rings, number = city.parts.rings, person.numbers["identity"]
        assert alarm.subject == hashing.previous_holder_hash(rings, number, TURN).hex()
        # the same haste is the same alarm at the next look, and more of it adds to it
        assert city.watch(TURN + 2 * MINUTE) == 0
        assert show(city, person, south, TURN + 3 * MINUTE).accepted
        assert city.watch(TURN + 4 * MINUTE) == 0
        assert len(city.alarms("implausible_travel")) == 1

    def test_two_people_over_the_turn_are_none(self, city):
        south, north = city.terminal(GATE), city.terminal(GATE, district="370203")
        show(city, city.resident(), south, TURN - MINUTE / 4)
        show(city, city.resident(), north, TURN + MINUTE / 4)
        assert city.watch(TURN + MINUTE) == 0

    def test_who_was_who_is_sealed_and_kept_for_an_hour_of_a_month(self, city):
        gate, person = city.terminal(GATE), city.resident()
        show(city, person, gate, TURN + 11 * MINUTE)
        assert self.rows(city) == []
        for seconds in (1, 2):
            show(city, person, gate, TURN + timedelta(seconds=seconds))
        [row] = self.rows(city)
        rings, number = city.parts.rings, person.numbers["identity"]
        assert row.holder == hashing.holder_hash(rings, number, TURN)
        assert hashing.previous_holder_hash(rings, number, TURN) not in row.before_sealed
        for now, count in ((TURN + HOUR, 1), (TURN + HOUR + MINUTE, 0)):
            with city.database.transaction() as session:
                end_rows(session, codes.ENDINGS, now)
            assert len(self.rows(city)) == count

    def test_a_locked_paper_is_seen_over_the_turn_and_its_tries_count_once(self, city):
        desk, person = city.terminal("identity-check"), city.resident()
        code = city.code(person.numbers["identity"], "identity", "printed", life=3600, at=TURN - 10 * MINUTE)
        for minutes in (-3, -2, -1, 1, 2):
            city.scan(desk, code, purpose="identity-check", document="000000", at=TURN + minutes * MINUTE)
        city.watch(TURN + 3 * MINUTE)
        [alarm] = city.alarms("guessing")
        assert (alarm.count, alarm.facts["of"]) == (5, "code")

    @staticmethod
    def rows(city):
        with city.database.transaction() as session:
            return session.scalars(select(HolderOverMonth)).all()
