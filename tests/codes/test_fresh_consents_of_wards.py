"""What a guardian decides for a ward counts at once and names nobody, and the audit has it when the day is over."""

# ruff: noqa: F811 - fixtures of another file

import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from qe_ban.accounts.models import ActForWard, ConsentEvent
from qe_ban.accounts.rules import ConsentState
from qe_ban.accounts.service import fresh_decisions
from qe_ban.accounts.service.fresh_decisions import Decision
from qe_ban.kernel.clock import CITY_TIME, start_of_day
from qe_ban.keys import vault
from tests.codes.test_fresh_consents import (  # noqa: F401 - fixtures
    decide,
    fresh_rows,
    get_list,
    hold_lock,
    stored_rows,
    turn_over,
)
from tests.codes.test_two_worlds import names_of, rows_of  # noqa: F401 - a fixture
from tests.factories.wards import acts_of

PURPOSE = "account-opening"
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


@pytest.fixture
def family(town):
    """Return a guardian, a ward who has a phone, and what `?for=` takes."""
    guardian, ward = town.resident(), town.resident(born="20150601")
    return guardian, ward, town.guard(guardian, ward)


@pytest.fixture
def verdict(town, family, scan, issue):
    terminal = town.terminal(PURPOSE)
    return lambda: scan(terminal, issue(family[1]), PURPOSE)["reason"]


class TestDecisions:
    def test_its_transaction_names_nobody_and_leaves_no_number_on_a_row(
        self,
        town,
        family,
        turn_over,
        decide,
        rows_of,
    ):
        guardian, ward, for_ = family
        numbers = [
            (text(f"SELECT xmin::text, xmax::text FROM {table} WHERE id = :id"), {"id": id_})
            for table, id_ in (("residents", ward.id), ("residents", guardian.id), ("guardianships", for_))
        ]

        def read_numbers():
            with town.parts.database.transaction() as session:
                return [session.execute(*number).one() for number in numbers]

        before = read_numbers()
        decide("PUT", guardian, PURPOSE, for_)
        (row,) = fresh_rows(town, ward)
        with town.parts.database.transaction() as session:
            query = text("SELECT xmin::text FROM fresh_consents WHERE holder = :holder")
            writer = session.scalar(query, {"holder": row.holder})
        rows = rows_of(writer)
        # the ward has a phone and is told
        assert rows.keys() == {"fresh_consents", "acts_for_wards", "outbox"}
        assert names_of(ward, rows) == names_of(guardian, rows) == []
        assert for_ not in json.dumps(rows)
        assert read_numbers() == before

    @pytest.mark.parametrize("turned_over", [False, True], ids=["fresh", "turned over"])
    def test_it_counts_at_the_next_scan(self, town, family, turn_over, decide, verdict, client, turned_over):
        guardian, ward, for_ = family
        for method, reason in (("PUT", "ok"), ("DELETE", "consent_required"), ("PUT", "ok")):
            decide(method, guardian, PURPOSE, for_)
            if turned_over:
                turn_over()
            assert (fresh_rows(town, ward) == []) is turned_over
            assert verdict() == reason
        for person, query in ((ward, {}), (guardian, {"for_": for_})):
            (status,) = get_list(client, person, **query)["items"]
            assert (status["state"], status["guardian"]) == ("granted", True)
            events = get_list(client, person, "/history", **query)["items"]
            assert [event["state"] for event in events] == ["granted", "withdrawn", "granted"]
            assert {event["guardian"] for event in events} == {True}

    def test_it_is_written_with_the_guardianship(self, town, family, turn_over, decide):
        guardian, ward, for_ = family
        decide("PUT", guardian, PURPOSE, for_)
        turn_over()
        rows = [*stored_rows(town, ward), *stored_rows(town, ward, ConsentEvent)]
        assert [row.guardianship_id for row in rows] == [UUID(for_)] * 2

    def test_no_length_tells_who_decided(self, town, family, turn_over, decide):
        guardian, ward, for_ = family
        other = town.resident(born="20150601")
        decide("PUT", guardian, PURPOSE, for_)
        decide("PUT", other, PURPOSE)
        (of_guardian,), (own,) = fresh_rows(town, ward), fresh_rows(town, other)
        assert len(of_guardian.content_sealed) == len(own.content_sealed)

    def test_the_end_of_the_guardianship_ends_it_at_once(self, town, family, turn_over, decide, verdict, client):
        guardian, ward, for_ = family
        decide("PUT", guardian, PURPOSE, for_)
        town.unguard(guardian, for_)
        assert fresh_rows(town, ward) == []
        assert verdict() == "consent_required"
        events = get_list(client, ward, "/history")["items"]
        assert [event["state"] for event in events] == ["withdrawn", "granted"]

    @pytest.mark.parametrize(
        "end", ["ends_at = now()", "state = 'ended', ended_at = now(), ended_by = 'until'"], ids=["date", "0.4.0"]
    )
    def test_an_end_that_turns_nothing_over_ends_it_too(self, town, family, turn_over, decide, verdict, client, end):
        guardian, ward, for_ = family
        decide("PUT", guardian, PURPOSE, for_)
        assert verdict() == "ok"
        with town.parts.database.transaction() as session:
            session.execute(text(f"UPDATE guardianships SET {end} WHERE id = :id"), {"id": for_})
        for _ in range(2):
            assert verdict() == "consent_required"
            (status,) = get_list(client, ward)["items"]
            assert (status["state"], status["guardian"]) == ("withdrawn", True)
            turn_over()

    def test_a_guardianship_that_somebody_ends_waits_and_hinders_no_other(self, town, family, turn_over, decide):
        guardian, ward, for_ = family
        other = town.resident()
        decide("PUT", guardian, PURPOSE, for_)
        decide("PUT", other, PURPOSE)
        with hold_lock(town, "SELECT FROM guardianships WHERE id = :id FOR UPDATE", id=for_):
            turn_over()
            assert (len(fresh_rows(town, ward)), len(stored_rows(town, other))) == (1, 1)
        turn_over()
        assert len(stored_rows(town, ward)) == 1


class TestBesideRelease040:
    def test_a_guardian_s_decision_does_not_open_to_it_and_so_gives_no_consent(self, town, family, turn_over, decide):
        guardian, ward, for_ = family
        decide("PUT", ward, "social-enquiry")
        decide("PUT", guardian, PURPOSE, for_)
        contents = []
        for row in fresh_rows(town, ward):
            try:
                content = vault.unseal(town.parts.rings, "fresh_consents.content", row.holder, row.content_sealed)
                contents.append(json.loads(content))
            except vault.SealBroken:
                continue
        assert [content["purpose"] for content in contents] == ["social-enquiry"]
        assert [len(decision) for decision in contents[0]["decisions"]] == [2]

    def test_what_it_wrote_is_the_resident_s_own(self, town):
        rings, now, holder = town.parts.rings, town.now, bytes(32)
        content = {
            "resident": str(UUID(int=1)),
            "purpose": PURPOSE,
            "rows": 1,
            "decisions": [["granted", now.isoformat()]],
        }
        ciphertext = vault.seal(rings, "fresh_consents.content", vault.row_key((holder,)), json.dumps(content), now)
        fresh = fresh_decisions.unseal(rings, holder, ciphertext)
        assert fresh.decisions == (Decision(ConsentState.GRANTED, now),)


class TestAudit:
    def test_acts_are_recorded_when_their_day_is_over_once_and_by_the_day(self, town, family, client, decide):
        guardian, _, for_ = family
        decide("PUT", guardian, PURPOSE, for_)
        client.post("/api/v1/codes/identity/suspend", query_string={"for": for_}, headers=guardian.headers)
        client.get("/api/v1/codes/ledger", query_string={"for": for_}, headers=guardian.headers)
        tomorrow = start_of_day(town.now) + DAY
        assert acts_of(town.parts.database, town.parts.rings, for_, tomorrow - SECOND) == []
        for _ in range(2):
            events = acts_of(town.parts.database, town.parts.rings, for_, tomorrow)
            day = town.now.astimezone(CITY_TIME).date().isoformat()
            assert {event.action: event.details for event in events} == {
                "consents.grant": {"purpose": PURPOSE, "day": day},
                "codes.suspend": {"kind": "identity", "day": day},
                "ledger.read": {"day": day},
            }
            assert len(events) == 3
            assert {(event.actor_kind, event.actor_id, event.at) for event in events} == {
                ("resident", guardian.id, tomorrow)
            }

    def test_what_waits_says_the_day_has_one_length_and_names_nobody(self, town, family, client, decide):
        guardian, _, for_ = family
        with town.parts.database.transaction() as session:
            before = set(session.scalars(select(ActForWard.id)))
        decide("PUT", guardian, PURPOSE, for_)
        client.get("/api/v1/codes/ledger", query_string={"for": for_}, headers=guardian.headers)
        with town.parts.database.transaction() as session:
            acts = session.scalars(select(ActForWard).where(ActForWard.id.not_in(before))).all()
        assert len(acts) == 2
        assert len({len(act.content_sealed) for act in acts}) == 1
        assert {act.acted_at for act in acts} == {start_of_day(town.now)}
        assert {act.id.version for act in acts} != {7}

    def test_an_act_stands_or_falls_with_what_is_done(self, town, family, client):
        guardian, _, for_ = family
        answer = client.delete(f"/api/v1/me/consents/{PURPOSE}", query_string={"for": for_}, headers=guardian.headers)
        assert answer.status_code == 404
        tomorrow = start_of_day(town.now) + DAY
        assert acts_of(town.parts.database, town.parts.rings, for_, tomorrow) == []

    def test_they_are_recorded_in_the_order_of_random_ids(self, town, family, client, monkeypatch):
        guardian, _, for_ = family
        for method in ("suspend", "resume") * 10:
            path = f"/api/v1/codes/identity/{method}"
            assert client.post(path, query_string={"for": for_}, headers=guardian.headers).status_code == 200
        events = acts_of(town.parts.database, town.parts.rings, for_, start_of_day(town.now) + DAY)
        actions = [event.action for event in events]
        assert sorted(actions) == ["codes.resume"] * 10 + ["codes.suspend"] * 10
        assert actions != ["codes.suspend", "codes.resume"] * 10

    def test_an_act_that_does_not_open_stays_and_hinders_no_other(self, town, family, client):
        guardian, _, for_ = family
        tomorrow = start_of_day(town.now) + DAY
        with town.parts.database.transaction() as session:
            broken = ActForWard(id=uuid4(), content_sealed=bytes(64), acted_at=start_of_day(town.now))
            session.add(broken)
            session.flush()
            broken_id = broken.id
        client.get("/api/v1/codes/ledger", query_string={"for": for_}, headers=guardian.headers)
        events = acts_of(town.parts.database, town.parts.rings, for_, tomorrow)
        assert [event.action for event in events] == ["ledger.read"]
        with town.parts.database.transaction() as session:
            assert session.get(ActForWard, broken_id) is not None
            session.delete(session.get(ActForWard, broken_id))
