"""What a resident decides counts at once and names nobody until the worker turns it over with all others."""

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import func, select, text, update

from qe_ban.accounts import service as accounts
from qe_ban.accounts.models import Consent, ConsentEvent, FreshConsent
from qe_ban.accounts.rules import ConsentState
from qe_ban.accounts.service import fresh_consents
from qe_ban.accounts.service.fresh_decisions import Decision
from qe_ban.codes import service as codes
from qe_ban.codes.service import rehashing
from qe_ban.db import overlaps
from qe_ban.keys import lifecycle, retirement
from qe_ban.keys.models import Key, Ring
from tests.codes.test_two_worlds import names_of, rows_of  # noqa: F401 - a fixture
from tests.codes.test_verify_races import at_once
from tests.factories.alarm_town import AlarmTown
from tests.factories.codes import TURNING_OVER

ME = "/api/v1/me"
CONSENTS = f"{ME}/consents"
PURPOSE, OTHER = "senior-discount", "visitor-registration"


@pytest.fixture
def old(town):
    return town.resident(born="19400307")


@pytest.fixture
def turn_over(town):
    """Let no other test turn over what is fresh here; returns the worker's turn."""

    def turn():
        with town.parts.database.transaction() as session:
            codes.turn_over_requests(session, town.parts.rings)
            return accounts.turn_over_consents(session, town.parts.rings, town.now)

    with town.parts.database.transaction() as session:
        session.execute(select(func.pg_advisory_xact_lock(TURNING_OVER)))
        yield turn


@pytest.fixture
def decide(client):
    def call(method, person, purpose=PURPOSE, for_=None, at=client):
        query = {} if for_ is None else {"for": for_}
        answer = at.open(f"{CONSENTS}/{purpose}", method=method, query_string=query, headers=person.headers)
        assert answer.status_code == 200, answer.get_json()
        return answer.get_json()

    return call


def get_list(client, person, path="", for_=None, **query):
    query |= {} if for_ is None else {"for": for_}
    answer = client.get(f"{CONSENTS}{path}", query_string=query, headers=person.headers)
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def history(client, person, **query):
    return [event["state"] for event in get_list(client, person, "/history", **query)["items"]]


def fresh_rows(town, person):
    with town.parts.database.transaction() as session:
        filter_ = fresh_consents._owned(town.parts.rings, person.id, town.now)
        return session.scalars(select(FreshConsent).where(filter_)).all()


def stored_rows(town, person, model=Consent):
    with town.parts.database.transaction() as session:
        return session.scalars(select(model).where(model.resident_id == person.id)).all()


@contextmanager
def hold_lock(town, statement, **values):
    with town.parts.database.transaction() as session:
        session.execute(text(statement), values)
        yield


class TestWhatItNames:
    def test_a_decision_s_transaction_names_no_resident_and_leaves_no_number_on_one(
        self,
        town,
        old,
        turn_over,
        decide,
        rows_of,  # noqa: F811
    ):
        on_row = text("SELECT xmin::text, xmax::text FROM residents WHERE id = :id")
        with town.parts.database.transaction() as session:
            before = session.execute(on_row, {"id": old.id}).one()
        decide("PUT", old)
        (row,) = fresh_rows(town, old)
        with town.parts.database.transaction() as session:
            writer = session.scalar(
                text("SELECT xmin::text FROM fresh_consents WHERE holder = :holder"), {"holder": row.holder}
            )
            assert session.execute(on_row, {"id": old.id}).one() == before
        rows = rows_of(writer)
        assert rows.keys() == {"fresh_consents"}
        assert names_of(old, rows) == []
        assert str(old.id).encode() not in row.content_sealed
        assert stored_rows(town, old) == stored_rows(town, old, ConsentEvent) == []

    def test_its_hashes_are_of_the_month_and_none_of_another_use(self, town, old):
        rings, month_end = town.parts.rings, datetime(2027, 1, 31, 15, 59, 59, tzinfo=UTC)
        number, next_month = old.numbers["identity"], month_end + timedelta(seconds=2)

        def hashes(at):
            return fresh_consents.holder_hashes(rings, number, PURPOSE, at)

        assert hashes(month_end)[0] != hashes(next_month)[0]
        assert hashes(month_end)[0] in hashes(next_month), "what was decided before is found after"
        assert hashes(next_month)[0] in hashes(month_end), "also by a server whose clock is behind"
        assert hashes(month_end)[0] in hashes(month_end + timedelta(days=28))
        assert hashes(month_end)[0] not in fresh_consents.holder_hashes(rings, number, OTHER, month_end)
        assert hashes(month_end)[0] != fresh_consents._owner_hashes(rings, old.id, month_end)[0]

    def test_all_are_turned_over_by_one_transaction_with_their_exact_moments_sealed(
        self, town, turn_over, decide, client
    ):
        people = [town.resident() for _ in range(3)]
        answers = {person.id: decide("PUT", person) for person in people}
        assert turn_over() >= 3
        written_rows = text("SELECT DISTINCT xmin::text FROM consents WHERE resident_id = ANY (:ids)")
        events = text("SELECT DISTINCT xmin::text FROM consent_events WHERE resident_id = ANY (:ids)")
        with town.parts.database.transaction() as session:
            ids = {"ids": [person.id for person in people]}
            writers = {*session.scalars(written_rows, ids), *session.scalars(events, ids)}
        assert len(writers) == 1
        for person in people:
            assert fresh_rows(town, person) == []
            assert get_list(client, person)["items"] == [answers[person.id]]


class TestWhatCounts:
    @pytest.mark.parametrize("turned_over", [False, True], ids=["fresh", "turned over"])
    def test_the_newest_decision_counts_at_the_next_scan(
        self, town, old, turn_over, decide, scan, issue, client, turned_over
    ):
        terminal = town.terminal(PURPOSE)
        for method, reason in (("PUT", "ok"), ("DELETE", "consent_required"), ("PUT", "ok")):
            decide(method, old)
            if turned_over:
                turn_over()
            assert (fresh_rows(town, old) == []) is turned_over
            assert scan(terminal, issue(old), PURPOSE)["reason"] == reason
        assert history(client, old) == ["granted", "withdrawn", "granted"]

    def test_it_is_of_its_purpose_and_its_resident_alone(self, town, old, turn_over, decide, scan, issue):
        terminal, neighbour = town.terminal(PURPOSE, OTHER, scene="community"), town.resident(born="19400307")
        decide("PUT", old, OTHER)
        assert scan(terminal, issue(old), PURPOSE)["reason"] == "consent_required"
        assert scan(terminal, issue(neighbour), OTHER)["reason"] == "consent_required"
        assert scan(terminal, issue(old), OTHER)["reason"] == "ok"

    def test_a_request_that_is_turned_over_later_undoes_nothing(
        self, town, old, turn_over, decide, scan, issue, client
    ):
        decide("PUT", old)
        decide("DELETE", old)
        assert scan(town.terminal(PURPOSE), issue(old), PURPOSE)["reason"] == "consent_required"
        turn_over()
        (stands,) = get_list(client, old)["items"]
        assert stands["state"] == "withdrawn"

    def test_lists_and_history_go_on_over_the_worker_s_turn(self, town, old, turn_over, decide, client):
        decide("PUT", old, "social-enquiry")
        turn_over()
        for method in ("PUT", "DELETE", "PUT"):
            decide(method, old, PURPOSE)
        decide("PUT", old, OTHER)
        whole = [
            (event["purpose"], event["state"], event["at"]) for event in get_list(client, old, "/history")["items"]
        ]
        assert [one[:2] for one in whole] == [
            (OTHER, "granted"),
            (PURPOSE, "granted"),
            (PURPOSE, "withdrawn"),
            (PURPOSE, "granted"),
            ("social-enquiry", "granted"),
        ]
        for turn_after in range(1, 5):
            pages, cursor = [], {}
            for number in range(5):
                if number == turn_after:
                    turn_over()
                page = get_list(client, old, "/history", limit=1, **cursor)
                pages += [(event["purpose"], event["state"], event["at"]) for event in page["items"]]
                cursor = {"cursor": page["next"]}
            assert pages == whole
        assert [row["purpose"] for row in get_list(client, old)["items"]] == sorted([PURPOSE, OTHER, "social-enquiry"])

    def test_consents_are_paged_by_purpose_fresh_or_not(self, town, old, turn_over, decide, client):
        decide("PUT", old, OTHER)
        turn_over()
        decide("PUT", old, PURPOSE)
        decide("DELETE", old, OTHER)
        first = get_list(client, old, limit=1)
        second = get_list(client, old, limit=1, cursor=first["next"])
        states = [(row["purpose"], row["state"]) for row in first["items"] + second["items"]]
        assert (states, second["next"]) == ([(PURPOSE, "granted"), (OTHER, "withdrawn")], None)

    def test_whoever_has_no_name_yet_and_so_no_code_decides_as_before(self, town, decide, client):
        person = town.resident(has_real_name=False)
        decide("PUT", person)
        assert fresh_rows(town, person) == []
        assert [row.state for row in stored_rows(town, person)] == ["granted"]


class TestBesideOthers:
    def test_from_two_phones_and_beside_the_worker_each_event_is_a_change(
        self, town, old, turn_over, decide, scan, issue, client, make_app
    ):
        phones, terminal = [make_app().test_client() for _ in range(2)], town.terminal(PURPOSE)
        decide("PUT", old)

        def act(number):
            if number == 8:
                return [turn_over() for _ in range(6)]
            return decide("PUT" if number % 2 else "DELETE", old, at=phones[number % 2])

        for _ in range(2):
            at_once(9, act)
        answer_states = history(client, old)
        assert answer_states[0] == get_list(client, old)["items"][0]["state"]
        assert all(one != other for one, other in pairwise(answer_states))
        assert scan(terminal, issue(old), PURPOSE)["accepted"] is (answer_states[0] == "granted")
        turn_over()
        assert history(client, old) == answer_states

    def test_no_scan_sees_an_older_state_while_the_worker_turns_over(
        self, town, old, turn_over, decide, scan, client, make_app
    ):
        terminal, stop, worker = town.terminal(PURPOSE), threading.Event(), []

        def turn():
            while not stop.is_set():
                worker.append(turn_over())

        thread = threading.Thread(target=turn)
        thread.start()
        try:
            for number in range(24):
                decide("DELETE" if number % 2 else "PUT", old)
                for _ in range(3):
                    code = town.code(old.numbers["identity"], "identity")
                    assert scan(terminal, code, PURPOSE)["accepted"] is not bool(number % 2)
                    (states,) = get_list(client, old)["items"]
                    assert states["state"] == ("withdrawn" if number % 2 else "granted")
        finally:
            stop.set()
            thread.join()
        assert sum(worker) > 1
        assert len(history(client, old, limit=100)) == 24

    def test_a_worker_that_dies_in_the_middle_changes_nothing_and_the_next_one_does_it_once(
        self, town, old, turn_over, decide, client, monkeypatch
    ):
        decide("PUT", old)
        with monkeypatch.context() as dying:
            dying.setattr(fresh_consents, "_delete", lambda *_: (_ for _ in ()).throw(ConnectionError))
            with pytest.raises(ConnectionError):
                turn_over()
        assert (len(fresh_rows(town, old)), stored_rows(town, old)) == (1, [])
        for _ in range(2):
            turn_over()
        assert history(client, old) == ["granted"]

    def test_whoever_is_held_waits_and_hinders_no_other(self, town, old, turn_over, decide, scan, issue):
        other = town.resident()
        for person in (old, other):
            decide("PUT", person)
        with hold_lock(town, "SELECT FROM residents WHERE id = :id FOR UPDATE", id=old.id):
            turn_over()
            assert [len(stored_rows(town, person)) for person in (old, other)] == [0, 1]
            assert scan(town.terminal(PURPOSE), issue(old), PURPOSE)["reason"] == "ok"
        turn_over()
        assert len(stored_rows(town, old)) == 1

    def test_of_a_purpose_for_several_kinds_all_rows_are_turned_over_or_none(self, town, old, turn_over):
        rings, numbers = town.parts.rings, sorted(old.numbers.values())[:3]
        with town.parts.database.transaction() as session:
            fresh_consents.write(
                rings, session, numbers, {}, Decision(ConsentState.GRANTED, town.now),
                resident_id=old.id, purpose=PURPOSE,
            )  # fmt: skip
        one = max(row.holder for row in fresh_rows(town, old))
        with hold_lock(town, "SELECT FROM fresh_consents WHERE holder = :holder FOR UPDATE", holder=one):
            turn_over()
            assert (len(fresh_rows(town, old)), stored_rows(town, old)) == (3, [])
        turn_over()
        assert (fresh_rows(town, old), len(stored_rows(town, old, ConsentEvent))) == ([], 1)

    def test_the_moments_are_in_the_order_of_the_decisions_whichever_clock_is_behind(self, town, old, turn_over):
        rings, at = town.parts.rings, town.now
        for state, moment in ((ConsentState.GRANTED, at), (ConsentState.WITHDRAWN, at - timedelta(seconds=1))):
            with town.parts.database.transaction() as session:
                moments = fresh_consents.lock(rings, session, old.id, at)
                fresh_consents.write(
                    rings, session, [old.numbers["identity"]], moments, Decision(state, moment),
                    resident_id=old.id, purpose=PURPOSE,
                )  # fmt: skip
        turn_over()
        assert [row.state for row in stored_rows(town, old)] == ["withdrawn"]

    def test_what_does_not_open_gives_no_consent_hinders_nobody_and_is_replaced(
        self, town, old, turn_over, decide, scan, issue, client
    ):
        other, terminal = town.resident(), town.terminal(PURPOSE)
        for person in (old, other):
            decide("PUT", person)
        (row,) = fresh_rows(town, old)
        with town.parts.database.transaction() as session:
            broken = update(FreshConsent).where(FreshConsent.holder == row.holder)
            session.execute(broken.values(content_sealed=row.content_sealed[:-1] + b"?"))
        turn_over()
        assert len(stored_rows(town, other)) == 1
        assert scan(terminal, issue(old), PURPOSE)["reason"] == "consent_required"
        assert decide("PUT", old)["state"] == "granted"
        assert scan(terminal, issue(old), PURPOSE)["reason"] == "ok"


class TestWhoEndsIt:
    def test_closing_takes_along_what_was_decided_just_now_and_says_so(self, town, old, turn_over, decide, client):
        for method in ("PUT", "DELETE"):
            decide(method, old)
        plan = client.get(f"{ME}/closing", headers=old.headers).get_json()
        proof = client.post(f"{ME}/closing", json={"confirm": True}, headers=old.headers).get_json()
        for rows in (plan["deletes"], proof["deleted"]):
            answer_states = {row["what"]: row["rows"] for row in rows}
            assert (answer_states["consents"], answer_states["consent_events"]) == (1, 2)
        assert fresh_rows(town, old) == stored_rows(town, old) == stored_rows(town, old, ConsentEvent) == []

    def test_what_a_closed_account_decided_at_the_last_moment_is_dropped(self, town, old, turn_over, client):
        client.post(f"{ME}/closing", json={"confirm": True}, headers=old.headers)
        with town.parts.database.transaction() as session:
            fresh_consents.write(
                town.parts.rings, session, [old.numbers["identity"]], {}, Decision(ConsentState.GRANTED, town.now),
                resident_id=old.id, purpose=PURPOSE,
            )  # fmt: skip
        turn_over()
        assert fresh_rows(town, old) == stored_rows(town, old) == []

    def test_a_guardian_decides_after_what_the_ward_decided(self, town, turn_over, decide, client):
        ward, guardian = town.resident(born="20150601"), town.resident()
        for_ = town.guard(guardian, ward)
        decide("PUT", ward)
        assert get_list(client, guardian, for_=for_)["items"][0]["state"] == "granted"
        decide("DELETE", guardian, for_=for_)
        events = get_list(client, ward, "/history")["items"]
        assert [(event["state"], event["guardian"]) for event in events] == [("withdrawn", True), ("granted", False)]
        turn_over()
        assert get_list(client, ward, "/history")["items"] == events

    def test_the_end_of_a_guardianship_leaves_what_the_ward_gave_just_now(
        self, town, turn_over, decide, scan, issue, client
    ):
        ward, guardian = town.resident(born="20150601"), town.resident()
        for_ = town.guard(guardian, ward)
        decide("PUT", guardian, for_=for_)
        decide("PUT", ward)
        town.unguard(guardian, for_)
        (stands,) = get_list(client, ward)["items"]
        assert (stands["state"], stands["guardian"]) == ("granted", False)
        assert scan(town.terminal(PURPOSE), issue(ward), PURPOSE)["reason"] != "consent_required"

    def test_ward_guardian_worker_and_the_end_at_once_wait_for_nobody_in_vain(
        self, town, turn_over, scan, issue, client, make_app
    ):
        ward, guardian = town.resident(born="20150601"), town.resident()
        for_, terminal = town.guard(guardian, ward), town.terminal("account-opening")
        clients = [make_app().test_client() for _ in range(4)]

        def put_and_take_back(number, person, **query):
            path, at = f"{CONSENTS}/account-opening", clients[number]
            return [
                at.open(path, method=method, query_string=query, headers=person.headers).status_code
                for method in ("PUT", "DELETE", "PUT", "DELETE")
            ]

        def act(number):
            if number < 2:
                return put_and_take_back(number, ward)
            if number < 4:
                return put_and_take_back(number, guardian, **{"for": for_})
            return [turn_over() for _ in range(6)] if number == 4 else town.unguard(guardian, for_)

        answers = at_once(6, act)
        assert {status for answer_states in answers[:4] for status in answer_states} <= {200, 404, 409}
        assert {status for answer_states in answers[:2] for status in answer_states} == {200}
        turn_over()
        (stands,) = get_list(client, ward)["items"]
        verdict = scan(terminal, issue(ward), "account-opening")["reason"]
        assert (verdict == "consent_required") is (stands["state"] != "granted")

    def test_while_the_previous_release_may_serve_it_reads_every_decision(
        self, town, old, turn_over, decide, client, monkeypatch
    ):
        decide("PUT", old)
        monkeypatch.setattr(overlaps, "is_over", lambda _session, _now: False)
        decide("DELETE", old)
        assert fresh_rows(town, old) == []
        assert [row.state for row in stored_rows(town, old)] == ["withdrawn"]
        assert history(client, old) == ["withdrawn", "granted"]


class TestRotation:
    def test_a_decision_under_the_secret_before_counts_and_the_next_one_replaces_it(
        self, town, old, turn_over, decide, scan, issue, client, monkeypatch
    ):
        terminal, rings = town.terminal(PURPOSE), type(town.parts.rings)
        decide("PUT", old)
        macs = rings.macs

        def macs_after_rotation(self, ring, purpose, message):
            old_macs = macs(self, ring, purpose, message)
            return [bytes(byte ^ 1 for byte in old_macs[0]), *old_macs] if ring is Ring.HOLDER else old_macs

        monkeypatch.setattr(rings, "macs", macs_after_rotation)
        assert scan(terminal, issue(old), PURPOSE)["reason"] == "ok"
        decide("DELETE", old)
        assert scan(terminal, issue(old), PURPOSE)["reason"] == "consent_required"
        assert len(fresh_rows(town, old)) == 1
        turn_over()
        assert history(client, old) == ["withdrawn", "granted"]

    def test_a_secret_stays_until_what_was_decided_under_it_is_turned_over(self, settings):
        city = AlarmTown(settings, "fresh_consents")
        try:
            person = city.resident()
            with city.database.transaction() as session:
                kid = session.scalars(select(Key.kid).where(Key.ring == Ring.HOLDER)).one()
                fresh_consents.write(
                    city.parts.rings, session, [person.numbers["identity"]], {},
                    Decision(ConsentState.GRANTED, city.now), resident_id=person.id, purpose=PURPOSE,
                )  # fmt: skip
            with city.database.transaction() as session:
                lifecycle.rotate(session, city.settings.master_key, Ring.HOLDER, city.now)
            with city.database.transaction() as session:
                key = retirement.find(session, kid)
                late = retirement.superseded_at(session, key) + timedelta(days=7)
                with pytest.raises(retirement.KeyNeeded, match="授权决定"):
                    rehashing.retire(session, key, late)
            with city.database.transaction() as session:
                assert accounts.turn_over_consents(session, city.parts.rings, city.now) == 1
                rehashing.retire(session, retirement.find(session, kid), late)
        finally:
            city.database.dispose()
