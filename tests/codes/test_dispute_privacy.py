"""What a dispute tells: of when it was opened the day, of the scan the hour, of whose it is nothing."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from qe_ban.app import assemble, create_app
from qe_ban.audit import service as audit
from qe_ban.audit.service import sealing
from qe_ban.codes import service as codes
from qe_ban.codes.models import Dispute
from qe_ban.codes.rules.disputes import ANSWER_WITHIN
from qe_ban.codes.service import Wallet, dispute_seals, retention
from qe_ban.kernel.clock import CITY_TIME, rfc3339, start_of_day
from qe_ban.kernel.principal import Principal, PrincipalKind
from qe_ban.keys import lifecycle, vault
from qe_ban.keys.rings import KeyRings
from tests.codes.test_appeals import answer_appeal, appeal  # noqa: F401  fixtures
from tests.codes.test_disputes import API, SHINAN, WORDS, answer, dispute, mine, scan_entry  # noqa: F401  fixtures
from tests.conftest import closing_pool
from tests.factories.accounts import StaffFactory
from tests.factories.codes import Town
from tests.factories.databases import with_schema

ACTS = "SELECT * FROM audit_events WHERE subject = :id AND action IN ('disputes.dispute', 'disputes.appeal')"
DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)


class TownAtHour(Town):
    """A town whose clock a test sets; it begins with yesterday (UTC), so that no key of it lies ahead."""

    def __init__(self, settings, name):
        self.moment = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - DAY
        self.settings = with_schema(settings, name)
        super().__init__(assemble(self.settings, pool=4))
        self.database = self.parts.database
        with self.database.transaction() as session:
            lifecycle.init(session, self.settings.master_key, self.moment - HOUR)
        clerk = StaffFactory(roles=("city_admin",)).create(self.database, self.parts.rings, self.moment)
        self.clerk = Principal(PrincipalKind.STAFF, clerk, frozenset(), uuid4())
        self.sealing_rings = KeyRings(
            self.database, self.settings.master_key, data_keys=self.settings.data_keys_dir, sealing=True
        )

    @property
    def now(self):
        return self.moment

    def scan(self, terminal, code):
        request = codes.VerifyRequest(scanner=terminal.id, scan_id=uuid4(), purpose="gate-entry", code=code)
        with self.database.statements() as connection:
            codes.verify(self.parts.get(Wallet), connection, request, self.now)

    def dismiss(self, dispute_id):
        with self.database.transaction() as session:
            change = audit.Change(self.clerk, self.now)
            codes.answer_dispute(
                session, self.parts.rings, dispute_id=UUID(dispute_id), text="不成立", upheld=False, change=change
            )

    def seal(self):
        with self.database.transaction() as session:
            sealing.seal_next(session, self.sealing_rings, self.moment)

    def findings(self):
        with self.database.transaction() as session:
            audit.hold_still(session)
            return list(audit.Check(session, self.moment).run())


def test_events_of_disputes_and_appeals_hold_in_the_audit_at_every_hour_of_a_day(settings):
    town = TownAtHour(settings, "dispute_hours")
    guardian, ward = town.resident(), town.resident()
    for_, terminal = town.guard(guardian, ward), town.terminal("gate-entry")
    with closing_pool(create_app(town.settings, clock=lambda: town.moment)) as app:
        client, begin = app.test_client(), town.moment
        for hour in range(24):
            town.moment = begin + timedelta(hours=hour, minutes=20)
            town.seal()
            town.scan(terminal, town.code(ward.numbers["identity"], "identity"))
            headers = {"Authorization": f"Bearer {town.access(guardian.id)}"}
            ledger = client.get(f"{API}/codes/ledger", query_string={"for": for_}, headers=headers).get_json()
            disputes_ = client.post(
                f"{API}/codes/ledger/{ledger['items'][0]['id']}/dispute",
                json={"text": WORDS},
                query_string={"for": for_},
                headers=headers,
            )
            assert disputes_.status_code == 201, disputes_.get_data(as_text=True)
            town.dismiss(disputes_.get_json()["id"])
            path = f"{API}/me/disputes/{disputes_.get_json()['id']}/appeal"
            again = client.post(path, json={"text": WORDS}, query_string={"for": for_}, headers=headers)
            assert again.status_code == 201, again.get_data(as_text=True)
            town.moment += 10 * SECOND
            town.seal()
    town.moment = begin + DAY + timedelta(hours=20)
    with town.database.transaction() as session:
        assert session.execute(text(ACTS), {"id": str(for_)}).all() == []
        assert codes.record_disputes(session, town.parts.rings, town.moment) == 24
    with town.database.transaction() as session:
        acts = session.execute(text(ACTS), {"id": str(for_)}).all()
    assert {act.at for act in acts} == {town.moment}
    days = Counter((begin + timedelta(hours=hour)).astimezone(CITY_TIME).date().isoformat() for hour in range(24))
    for action in ("disputes.dispute", "disputes.appeal"):
        assert Counter(act.details["day"] for act in acts if act.action == action) == days
    town.seal()
    assert town.findings() == []
    town.parts.database.dispose()


@pytest.fixture
def by_guardian(town, scan_entry, dispute):  # noqa: F811
    """Return a ward's dispute that a guardian opened: returns the guardian, the guardianship and the dispute."""

    def call():
        guardian, ward = town.resident(), town.resident()
        for_ = town.guard(guardian, ward)
        return guardian, for_, dispute(guardian, scan_entry(ward)["id"], **{"for": for_})

    return call


def events_of(town, subject):
    with town.parts.database.transaction() as session:
        query = text("SELECT *, xmin::text AS transaction FROM audit_events WHERE subject = :id ORDER BY id")
        return session.execute(query, {"id": str(subject)}).all()


def row_of(town, dispute_id):
    with town.parts.database.transaction() as session:
        return session.execute(
            text("SELECT *, xmin::text AS transaction FROM disputes WHERE id = :id"), {"id": dispute_id}
        ).one()


def test_the_audit_has_a_dispute_when_its_day_is_over_and_of_its_moment_the_day(town, scan_entry, dispute):  # noqa: F811
    person = town.resident()
    dispute_ = dispute(person, scan_entry(person)["id"])
    assert events_of(town, dispute_["id"]) == []
    with town.parts.database.transaction() as session:
        codes.record_disputes(session, town.parts.rings, town.now)
    assert events_of(town, dispute_["id"]) == []
    tomorrow = start_of_day(town.now) + DAY
    for _ in range(2):
        with town.parts.database.transaction() as session:
            codes.record_disputes(session, town.parts.rings, tomorrow)
    (event,) = events_of(town, dispute_["id"])
    assert (event.action, event.actor_id, event.request_id, event.at) == ("disputes.open", None, None, tomorrow)
    today = datetime.fromisoformat(dispute_["opened_at"]).astimezone(CITY_TIME).date().isoformat()
    assert event.details == {"before": None, "after": {"state": "open", "district": SHINAN}, "day": today}


def test_an_appeal_is_recorded_likewise_after_what_it_appeals_of(town, scan_entry, dispute, answer, appeal):  # noqa: F811
    person = town.resident()
    dispute_ = dispute(person, scan_entry(person)["id"])["id"]
    answer(town.staff("city_admin"), dispute_, upheld=False)
    assert appeal(person, dispute_).status_code == 201
    assert [event.action for event in events_of(town, dispute_)] == ["disputes.answer"]
    with town.parts.database.transaction() as session:
        codes.record_disputes(session, town.parts.rings, start_of_day(town.now) + DAY)
    events = events_of(town, dispute_)[1:]
    assert [(event.action, event.request_id) for event in events] == [
        ("disputes.open", None),
        ("disputes.appeal", None),
    ]
    assert events[1].details["after"] == {"state": "appealed"}


def test_what_guardians_do_with_disputes_is_recorded_when_the_day_is_over_with_the_day_alone(
    town,
    by_guardian,
    answer,  # noqa: F811
    appeal,  # noqa: F811
):
    disputes_ = [by_guardian() for _ in range(4)]
    for guardian, for_, dispute_ in disputes_[:2]:
        answer(town.staff("city_admin"), dispute_["id"], upheld=False)
        assert appeal(guardian, dispute_["id"], **{"for": for_}).status_code == 201
    assert [events_of(town, for_) for _, for_, _ in disputes_] == [[]] * 4
    tomorrow = start_of_day(town.now) + DAY
    for _ in range(2):
        with town.parts.database.transaction() as session:
            codes.record_disputes(session, town.parts.rings, tomorrow)
    today = start_of_day(town.now).astimezone(CITY_TIME).date().isoformat()
    last_dispute = max(events_of(town, dispute_["id"])[-1].id for _, _, dispute_ in disputes_)
    for at, (guardian, for_, dispute_) in enumerate(disputes_):
        acts = events_of(town, for_)
        assert {act.action for act in acts} == {"disputes.dispute", "disputes.appeal" if at < 2 else "disputes.dispute"}
        for act in acts:
            assert (act.actor_kind, act.actor_id, act.request_id) == ("resident", guardian.id, None)
            assert (act.at, act.details) == (tomorrow, {"day": today})
            assert act.id > last_dispute, "an act stands beside its dispute"
            assert dispute_["id"] not in str(act)
            assert dispute_["scan"]["id"] not in str(act)


def test_the_acts_of_a_day_stand_in_an_order_of_lot(town, by_guardian):
    disputes_ = [by_guardian() for _ in range(8)]
    with town.parts.database.transaction() as session:
        codes.record_disputes(session, town.parts.rings, start_of_day(town.now) + DAY)
    by_act = sorted(range(8), key=lambda at: events_of(town, disputes_[at][1])[0].id)
    by_dispute = sorted(range(8), key=lambda at: events_of(town, disputes_[at][2]["id"])[0].id)
    # each fails once in 8! runs
    assert by_act != list(range(8))
    assert by_act != by_dispute


def test_an_appeal_by_another_guardianship_than_the_disputes_is_recorded_as_such(town, by_guardian, answer, appeal):  # noqa: F811
    guardian, for_, dispute_ = by_guardian()
    answer(town.staff("city_admin"), dispute_["id"], upheld=False)
    with town.parts.database.transaction() as session:
        statement = "UPDATE guardianships SET state = 'ended', ended_at = now(), ended_by = 'guardian' WHERE id = :id"
        ward = session.scalar(text(f"{statement} RETURNING ward_id"), {"id": for_})
    again = town.guard(guardian, SimpleNamespace(id=ward))
    assert appeal(guardian, dispute_["id"], **{"for": again}).status_code == 201
    with town.parts.database.transaction() as session:
        codes.record_disputes(session, town.parts.rings, start_of_day(town.now) + DAY)
    assert [act.action for act in events_of(town, for_)] == ["disputes.dispute"]
    assert [act.action for act in events_of(town, again)] == ["disputes.appeal"]


@pytest.mark.parametrize("who", ["guardian", "ward"])
def test_an_account_that_closes_before_the_day_is_over_takes_no_guardians_act_from_the_audit(
    town,
    client,
    scan_entry,  # noqa: F811
    dispute,  # noqa: F811
    who,
):
    both = {"guardian": town.resident(), "ward": town.resident()}
    for_ = town.guard(both["guardian"], both["ward"], basis="entrusted")
    dispute(both["guardian"], scan_entry(both["ward"])["id"], **{"for": for_})
    response = client.post(f"{API}/me/closing", json={"confirm": True}, headers=both[who].headers)
    assert response.status_code == 200, response.get_data(as_text=True)
    with town.parts.database.transaction() as session:
        codes.record_disputes(session, town.parts.rings, start_of_day(town.now) + DAY)
    acts = [event for event in events_of(town, for_) if event.action == "disputes.dispute"]
    assert [(act.actor_id, act.actor_kind) for act in acts] == [(both["guardian"].id, "resident")]


def test_staff_read_that_a_guardian_showed_the_code_and_no_column_says_it(client, town, scan, dispute):  # noqa: F811
    guardian, ward = town.resident(), town.resident()
    for_ = town.guard(guardian, ward)
    by = {"query_string": {"for": for_}, "headers": guardian.headers}
    code = client.post(f"{API}/codes/identity/issue", **by).get_json()["code"]
    scan(town.terminal("gate-entry", district=SHINAN), code, "gate-entry")
    (entry,) = client.get(f"{API}/codes/ledger", **by).get_json()["items"]
    dispute_ = dispute(guardian, entry["id"], **{"for": for_})
    assert dispute_["scan"]["guardian"] is True
    staff = town.staff("district_admin", district=SHINAN)
    listing = client.get(f"{API}/disputes", query_string={"limit": 100}, headers=staff).get_json()["items"]
    (list_row,) = [row for row in listing if row["id"] == dispute_["id"]]
    assert list_row["scan"]["guardian"] is True
    assert client.get(f"{API}/disputes/{dispute_['id']}", headers=staff).get_json()["scan"]["guardian"] is True
    assert row_of(town, dispute_["id"]).scan["guardian"] is False
    with town.parts.database.transaction() as session:
        row = session.get_one(Dispute, UUID(dispute_["id"]))
        row.scan = row.scan | {"guardian": True}
    with town.parts.database.transaction() as session:
        codes.conceal_disputes(session, town.parts.rings, town.now)
    assert row_of(town, dispute_["id"]).scan["guardian"] is False


def test_what_is_refused_leaves_no_event_of_a_guardian(town, by_guardian, dispute, appeal):  # noqa: F811
    guardian, for_, dispute_ = by_guardian()
    dispute(guardian, dispute_["scan"]["id"], status=409, **{"for": for_})
    assert appeal(guardian, dispute_["id"], **{"for": for_}).status_code == 409
    with town.parts.database.transaction() as session:
        codes.record_disputes(session, town.parts.rings, start_of_day(town.now) + DAY)
    assert [event.action for event in events_of(town, for_)] == ["disputes.dispute"]


def test_a_row_says_in_clear_the_day_and_of_the_scan_the_hour(town, scan_entry, dispute, answer, appeal):  # noqa: F811
    person = town.resident()
    dispute_ = dispute(person, scan_entry(person)["id"])
    answer(town.staff("city_admin"), dispute_["id"], upheld=False)
    appeal(person, dispute_["id"])
    row = row_of(town, dispute_["id"])
    today = start_of_day(town.now)
    assert row.opened_at == row.appealed_at == today
    assert row.due_at == row.appeal_due_at == today + ANSWER_WITHIN + DAY - SECOND
    # no id of the seventh version, that is of the millisecond
    assert abs((row.id.int >> 80) / 1000 - town.now.timestamp()) > 3600
    assert row.scan["at"] == rfc3339(datetime.fromisoformat(dispute_["scan"]["at"]).replace(minute=0, second=0))
    in_clear = json.dumps(row.scan)
    assert dispute_["scan"]["scan_id"] not in in_clear
    assert dispute_["scan"]["id"] not in in_clear


def test_no_column_tells_a_guardians_dispute_from_a_residents(town, by_guardian, scan_entry, dispute, answer, appeal):  # noqa: F811
    guardian, for_, first = by_guardian()
    person = town.resident()
    second = dispute(person, scan_entry(person)["id"])
    for disputes_ in (first, second):
        answer(town.staff("city_admin"), disputes_["id"], upheld=False)
    assert appeal(guardian, first["id"], **{"for": for_}).status_code == 201
    assert appeal(person, second["id"]).status_code == 201
    shapes = []
    for disputes_ in (first, second):
        row = row_of(town, disputes_["id"])._asdict()
        others = {
            "id",
            "scan_id",
            "scan",
            "holder",
            "venue_id",
            "answered_by",
            "answered_at",
            "transaction",
            "data_key",
        }
        shapes.append(
            {
                name: len(value) if isinstance(value, bytes) else value
                for name, value in row.items()
                if name not in others
            }
        )
    assert shapes[0] == shapes[1]


def test_staff_read_no_id_and_no_second_of_a_scan(client, town, scan_entry, dispute, answer, appeal, answer_appeal):  # noqa: F811
    person = town.resident()
    entry = scan_entry(person)
    dispute_ = dispute(person, entry["id"])
    district, city = town.staff("district_admin", district=SHINAN), town.staff("city_admin")
    listing = client.get(f"{API}/disputes", query_string={"limit": 100}, headers=district).get_json()["items"]
    rows = [row for row in listing if row["id"] == dispute_["id"]]
    rows.append(client.get(f"{API}/disputes/{dispute_['id']}", headers=district).get_json())
    rows.append(answer(district, dispute_["id"], upheld=False).get_json())
    assert appeal(person, dispute_["id"]).status_code == 201
    rows.append(client.get(f"{API}/disputes/{dispute_['id']}", headers=city).get_json())
    rows.append(answer_appeal(city, dispute_["id"]).get_json())
    assert len(rows) == 5
    for row in rows:
        assert row["scan"] == {name: value for name, value in entry.items() if name not in ("id", "scan_id")} | {
            "at": rfc3339(datetime.fromisoformat(entry["at"]).replace(minute=0, second=0))
        }
        assert row["opened_at"] == rfc3339(start_of_day(town.now))
        assert entry["id"] not in json.dumps(row)
    (own,) = mine(client, person)
    assert own["scan"] == entry
    assert own["opened_at"] == dispute_["opened_at"]


def test_ones_own_disputes_come_in_order_and_each_on_one_page(client, town, scan_entry, dispute):  # noqa: F811
    person = town.resident()
    ids = [dispute(person, scan_entry(person)["id"])["id"] for _ in range(5)]
    assert [row["id"] for row in mine(client, person)] == ids[::-1]
    pages, cursor = [], None
    while cursor is not None or not pages:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = client.get(f"{API}/me/disputes", query_string=query, headers=person.headers).get_json()
        pages.append([row["id"] for row in page["items"]])
        cursor = page["next"]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert sorted(one for page in pages for one in page) == sorted(ids)


def previous(town, dispute_id, moment):
    """Make a dispute into what the previous release wrote: everything in clear, to the microsecond."""
    with town.parts.database.transaction() as session:
        row = session.get_one(Dispute, UUID(dispute_id))
        rings = town.parts.rings
        exact, parties = dispute_seals.open_scan(rings, row), dispute_seals.open_parties(rings, row)
        row.scan, row.scan_sealed = exact.scan, None
        row.resident_sealed = vault.seal(rings, dispute_seals.RESIDENT, row.id, " ".join(map(str, parties)), town.now)
        row.opened_at, row.due_at = moment, moment + ANSWER_WITHIN
        if row.appealed_at is not None:
            row.appeal_by_guardian, row.appellant_sealed = len(parties) > 1, None
            row.appealed_at, row.appeal_due_at = moment, moment + ANSWER_WITHIN


def test_what_the_previous_release_wrote_is_sealed_and_reads_as_before(client, town, by_guardian, answer, appeal):  # noqa: F811
    guardian, for_, dispute_ = by_guardian()
    answer(town.staff("city_admin"), dispute_["id"], upheld=False)
    appeal(guardian, dispute_["id"], **{"for": for_})
    moment = town.now.replace(microsecond=123456)
    previous(town, dispute_["id"], moment)
    before = mine(client, guardian, **{"for": for_})
    for _ in range(2):
        with town.parts.database.transaction() as session:
            codes.conceal_disputes(session, town.parts.rings, town.now)
    row = row_of(town, dispute_["id"])
    assert row.opened_at == row.appealed_at == start_of_day(moment)
    assert row.due_at == row.appeal_due_at == start_of_day(moment) + ANSWER_WITHIN + DAY - SECOND
    assert row.appeal_by_guardian is False
    (after,) = mine(client, guardian, **{"for": for_})
    deadlines = {"due_at": rfc3339(row.due_at), "appeal": before[0]["appeal"] | {"due_at": rfc3339(row.appeal_due_at)}}
    assert after == before[0] | deadlines
    assert after["appeal"]["text"] is not None


def test_a_dispute_names_its_scan_only_as_long_as_that_is_kept(town, scan_entry, dispute):  # noqa: F811
    person = town.resident()
    dispute_ = dispute(person, scan_entry(person)["id"])
    with town.parts.database.transaction() as session:
        retention.scan_ids_step(session, start_of_day(town.now))
    assert str(row_of(town, dispute_["id"]).scan_id) == dispute_["scan"]["id"]
    with town.parts.database.transaction() as session:
        session.get_one(Dispute, UUID(dispute_["id"])).opened_at = start_of_day(town.now) - 90 * DAY
    for _ in range(2):
        with town.parts.database.transaction() as session:
            retention.scan_ids_step(session, start_of_day(town.now) - 89 * DAY)
    with town.parts.database.transaction() as session:
        assert session.scalars(select(Dispute.scan_id).where(Dispute.id == UUID(dispute_["id"]))).one().version == 4
