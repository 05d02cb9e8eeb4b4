"""What is watched of scans: each alarm is raised by what really happens, and none by an ordinary day."""

import json
from datetime import timedelta

import pytest

from qe_ban.audit import service as audit
from qe_ban.codes import service as codes
from qe_ban.codes.queries import detection as queries
from qe_ban.codes.rules import State, with_check_digit
from qe_ban.kernel.city import Travel
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Principal, PrincipalKind
from tests.factories.accounts import together
from tests.factories.alarm_town import DAY, HOUR, MINUTE, SECOND, AlarmTown

GATE = "gate-entry"


@pytest.fixture
def city(settings):
    town = AlarmTown(settings, "watched")
    yield town
    town.database.dispose()


def only(alarms):
    (alarm,) = alarms
    return alarm


class TestCodes:
    def test_an_authentic_code_of_nobody(self, city):
        gate = city.terminal(GATE)
        assert city.scan(gate, city.code(1 << 40, "identity")).reason == "revoked"
        assert city.watch() == 1
        alarm = only(city.alarms())
        assert (alarm.kind, alarm.subject, alarm.count) == ("reference_unknown", str(gate.id), 1)
        assert city.watch() == 0
        city.close(alarm)
        assert city.watch() == 0
        city.scan(gate, city.code(1 << 40, "identity"))
        assert city.watch() == 1

    def test_an_authentic_code_of_another_kind(self, city):
        gate = city.terminal(GATE)
        assert city.scan(gate, city.code(city.resident().numbers["dining"], "identity")).reason == "forged"
        city.watch()
        assert only(city.alarms()).kind == "reference_unknown"

    def test_revoked_and_suspended_people_are_none(self, city):
        gate, person = city.terminal(GATE), city.resident()
        for state in (State.REVOKED, State.SUSPENDED):
            city.record(person, "identity", state)
            assert not city.scan(gate, city.code(person.numbers["identity"], "identity")).accepted
        assert city.watch() == 0

    def test_forged_codes_at_one_scanner(self, city):
        gate, other, person = city.terminal(GATE), city.terminal(GATE), city.resident()
        for _ in range(5):
            assert city.scan(gate, city.forge(person)).reason == "unknown_key"
        city.scan(other, city.forge(person), times=3, every=timedelta(0))
        city.watch()
        alarm = only(city.alarms())
        assert (alarm.kind, alarm.subject, alarm.count) == ("forged_codes", str(gate.id), 5)

    def test_false_codes_that_go_round(self, city):
        person = city.resident()
        gates = [city.terminal(GATE) for _ in range(4)]
        for gate in gates[:3]:
            city.scan(gate, city.forge(person))
        assert city.watch() == 0
        city.scan(gates[3], city.forge(person))
        city.watch()
        alarm = only(city.alarms())
        assert (alarm.subject, alarm.facts) == ("city", {"codes": 4, "scanners": 4})
        assert city.watch() == 0
        assert only(city.alarms()).count == 4

    def test_what_is_no_code_of_ours_is_none(self, city):
        city.scan(city.terminal(GATE), "https://pay.example/1", times=100)
        assert city.watch() == 0


class TestGuessing:
    @pytest.mark.parametrize(("misses", "disputes_"), [(30, 1), (29, 0)], ids=str)
    def test_short_numbers(self, city, misses, disputes_):
        gate, start = city.terminal(GATE), city.now - 10 * MINUTE
        for n in range(misses):
            number = with_check_digit(f"{n:09d}")
            assert city.type(gate, number, at=start + n * 7 * SECOND).reason == "expired"
        assert city.watch() == disputes_
        assert [(one.kind, one.subject, one.count) for one in city.alarms()] == [
            ("guessing", str(gate.id), misses)
        ] * disputes_

    def test_a_printed_code_that_is_locked(self, city):
        desk, person = city.terminal("identity-check"), city.resident()
        code = city.code(person.numbers["identity"], "identity", "printed", life=3600)
        for _ in range(4):
            city.scan(desk, code, purpose="identity-check", document="000000")
        assert city.watch() == 0
        city.scan(desk, code, purpose="identity-check", document="000000")
        assert city.watch() == 1
        alarm = only(city.alarms())
        holder = codes.holder_hash(city.parts.rings, person.numbers["identity"], city.now)
        assert (alarm.kind, alarm.subject, alarm.count) == ("guessing", holder.hex(), 5)

    def test_many_documents_at_one_scanner(self, city):
        desk = city.terminal("identity-check")
        for _ in range(4):
            code = city.code(city.resident().numbers["identity"], "identity", "printed", life=3600)
            for _ in range(4):
                verdict = city.scan(desk, code, purpose="identity-check", document="000000")
        city.watch()
        alarm = only(city.alarms())
        assert (alarm.subject, alarm.count) == (f"{desk.id}/documents", 16)
        assert alarm.last_at == verdict.server_time

    def test_paper_shown_before_the_document_is_none(self, city):
        desk, person = city.terminal("identity-check"), city.resident()
        code = city.code(person.numbers["identity"], "identity", "printed", life=3600)
        verdict = city.scan(desk, code, times=30, every=timedelta(0), purpose="identity-check")
        assert verdict.reason == "document_mismatch"
        assert city.watch() == 0


class TestTravel:
    def walk(self, city, person, *stops, guardian=False):
        """Show a code at gates, minutes after the first; returns the moments."""
        start = city.now - 30 * MINUTE
        for gate, minutes in stops:
            at = start + minutes * MINUTE
            code = city.code(person.numbers["identity"], "identity", at=at, guardian=guardian)
            assert city.scan(gate, code, at=at).accepted
        return start

    def test_two_districts_at_once(self, city):
        south, north, person = city.terminal(GATE), city.terminal(GATE, district="370203"), city.resident()
        start = self.walk(city, person, (south, 0), (north, 0.7))
        assert city.watch(start + MINUTE) == 1
        alarm = only(city.alarms())
        holder = codes.holder_hash(city.parts.rings, person.numbers["identity"], start)
        assert (alarm.kind, alarm.subject, alarm.count) == ("implausible_travel", holder.hex(), 1)
        assert alarm.facts == {
            "districts": ["370202", "370203"],
            "venues": 2,
            "changes": 1,
            "shortest_seconds": 42,
        }
        assert city.watch(start + 2 * MINUTE) == 0

    def test_there_and_back_in_ten_minutes(self, city):
        south, north, person = city.terminal(GATE), city.terminal(GATE, district="370203"), city.resident()
        start = self.walk(city, person, (south, 0), (north, 3), (south, 6))
        assert city.watch(start + 7 * MINUTE) == 1

    def test_many_on_their_way_to_work_hide_nobody(self, city, monkeypatch):
        monkeypatch.setattr(queries, "MOST", 1)
        south, north = city.terminal(GATE), city.terminal(GATE, district="370203")
        for _ in range(3):
            self.walk(city, city.resident(), (south, 0), (north, 5))
        start = self.walk(city, city.resident(), (south, 0), (north, 0.7))
        assert city.watch(start + 6 * MINUTE) == 1

    def test_a_day_out_is_none(self, city):
        south, north, person = city.terminal(GATE), city.terminal(GATE, district="370203"), city.resident()
        start = self.walk(city, person, (south, 0), (south, 1), (north, 5), (north, 6), (south, 20))
        assert [city.watch(start + n * MINUTE) for n in range(1, 25)] == [0] * 24

    def test_two_venues_of_one_district_at_once(self, city):
        gate, other, person = city.terminal(GATE), city.terminal(GATE), city.resident()
        start = self.walk(city, person, (gate, 0), (other, 0.5))
        assert city.watch(start + MINUTE) == 1
        assert only(city.alarms()).facts == {
            "districts": ["370202"],
            "venues": 2,
            "changes": 1,
            "shortest_seconds": 30,
        }

    def test_twice_there_and_back_within_a_district(self, city):
        gate, other, person = city.terminal(GATE), city.terminal(GATE), city.resident()
        start = self.walk(city, person, (gate, 0), (other, 2), (gate, 4), (other, 6), (gate, 8))
        assert [city.watch(start + n * MINUTE) for n in (7, 9)] == [0, 1]

    def test_a_gate_and_the_canteen_behind_it_are_none(self, city):
        gate, canteen, person = city.terminal(GATE), city.terminal(GATE), city.resident()
        start = self.walk(city, person, (gate, 0), (canteen, 1), (gate, 8))
        assert [city.watch(start + n * MINUTE) for n in range(1, 12)] == [0] * 11

    def test_two_gates_of_one_venue_are_none(self, city):
        gate, person = city.terminal(GATE), city.resident()
        start = self.walk(city, person, (gate, 0), (city.terminal(GATE, venue=gate.venue), 0.2), (gate, 0.4))
        assert city.watch(start + MINUTE) == 0

    def test_the_city_says_how_soon_is_too_soon(self, city):
        gate, other, person = city.terminal(GATE), city.terminal(GATE), city.resident()
        start = self.walk(city, person, (gate, 0), (other, 2))
        assert city.watch(start + 3 * MINUTE) == 0
        watches = codes.detectors(city.parts.rings, Travel(between_venues=3 * MINUTE))
        assert audit.Watchman(city.database, watches).run(start + 3 * MINUTE) == 1

    @pytest.mark.parametrize("district", ["370202", "370203"])
    def test_a_code_that_guardians_show_in_two_places_at_once(self, city, district):
        gate, other, child = city.terminal(GATE), city.terminal(GATE, district=district), city.resident(born="20160307")
        city.guard(city.resident(), child)
        start = self.walk(city, child, (gate, 0), (other, 0.5), guardian=True)
        assert city.watch(start + MINUTE) == 1
        alarm = only(city.alarms())
        assert (alarm.kind, alarm.facts["guardian"], alarm.facts["shortest_seconds"]) == (
            "implausible_travel",
            True,
            30,
        )

    def test_both_series_of_one_holder_are_one_alarm(self, city):
        gates = [city.terminal(GATE) for _ in range(4)]
        child = city.resident(born="20160307")
        city.guard(city.resident(), child)
        start = self.walk(city, child, (gates[0], 0), (gates[1], 0.5))
        self.walk(city, child, (gates[2], 0), (gates[3], 0.2), guardian=True)
        assert city.watch(start + MINUTE) == 1
        assert only(city.alarms()).count == 2

    def test_a_parent_shows_the_code_of_a_child_elsewhere(self, city):
        south, north = city.terminal(GATE), city.terminal(GATE, district="370203")
        parent, child = city.resident(), city.resident(born="20160307")
        city.guard(parent, child)
        start = self.walk(city, child, (south, 0))
        at = start + 30 * SECOND
        code = city.code(child.numbers["identity"], "identity", at=at, guardian=True)
        assert city.scan(north, code, at=at).accepted
        assert city.watch(start + MINUTE) == 0


def test_disputes_that_nobody_answered(city):
    gate, person = city.terminal(GATE), city.resident()
    resident = audit.Change(Principal(PrincipalKind.RESIDENT, person.id, frozenset(), new_id()), city.now)
    for n in range(3):
        city.scan(gate, city.code(person.numbers["identity"], "identity"), at=city.now + n * SECOND)
    with city.database.transaction() as session:
        dispute_ids = [
            codes.open_dispute(
                session, city.parts.rings, resident=person.id, scan=entry.id, text="不是我", change=resident
            ).dispute.id
            for entry in codes.entries(session, city.parts.rings, person.id, limit=10)
        ]
    with city.database.transaction() as session:
        change = audit.Change(Principal(PrincipalKind.STAFF, city.clerk(), frozenset(), new_id()), city.now)
        codes.answer_dispute(
            session, city.parts.rings, dispute_id=dispute_ids[0], text="已查", upheld=True, change=change
        )
    assert city.watch(city.now + 14 * DAY) == 0
    # the fifteenth day ends at midnight
    assert city.watch(city.now + 16 * DAY) == 1
    alarm = only(city.alarms())
    assert (alarm.kind, alarm.subject, alarm.count) == ("dispute_overdue", "370202", 2)
    assert city.watch(city.now + 17 * DAY) == 0


def test_two_workers_at_once_raise_one(city):
    gate, now = city.terminal(GATE), city.now
    for _ in range(3):
        city.scan(gate, city.code(1 << 40, "identity"))
    outcomes = together(4, lambda _: city.watch(now + MINUTE))
    assert sorted(outcomes) == [0, 0, 0, 1]
    assert only(city.alarms()).count == 3


def test_nobody_is_named(city):
    south, north, person = city.terminal(GATE), city.terminal(GATE, district="370203"), city.resident()
    TestTravel().walk(city, person, (south, 29), (north, 29.7))
    city.scan(south, city.forge(person), times=5, every=timedelta(0))
    assert city.watch() == 2
    alarms_text = json.dumps([[one.subject, one.facts] for one in city.alarms()], ensure_ascii=False)
    for secret in (person.phone, person.name, person.id_number, person.id_number[-6:], str(person.id)):
        assert secret not in alarms_text


def test_the_watching_reads_no_more_than_an_hour(city):
    city.scan(city.terminal(GATE), city.code(1 << 40, "identity"))
    assert city.watch(city.now + HOUR + MINUTE) == 0
