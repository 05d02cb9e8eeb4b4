"""Alarms: one open for a kind and a subject, read and closed by people whose reading and closing is recorded."""

import secrets
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import exc, select, text

from qe_ban.audit import routes, service
from qe_ban.audit.models import Alarm, AuditEvent
from qe_ban.audit.rules.alarms import WORDS, AlarmKind
from qe_ban.kernel.errors import AuthenticationRequired
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Principal, PrincipalKind
from qe_ban.keys import words
from qe_ban.web import application, guard, parts
from tests.factories.accounts import together
from tests.factories.endings import end as end_rows

NOW = datetime.now(UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
KIND = AlarmKind.FORGED_CODES
NOTE = "已停用终端\n并通报"


def staff(*scopes):
    return Principal(PrincipalKind.STAFF, new_id(), frozenset(scopes), new_id())


DUTY, READER, OTHER = staff("alarms.read", "alarms.close"), staff("alarms.read"), staff("audit.read")


@pytest.fixture
def call(settings, database, rings):
    """Call the interface of alarms; a caller's token is the name of what it may do."""
    callers = {"duty": DUTY, "reader": READER, "other": OTHER}

    def principal_from(token):
        try:
            return callers[token]
        except KeyError:
            raise AuthenticationRequired from None

    app, api = application.build(settings, lambda: NOW, name="alarm-tests")
    for part in (database, rings):
        parts.provide(app, part)
    guard.install(app, principal_from)
    api.register_blueprint(routes.alarms)
    client = app.test_client()

    def do(path="", *, token="duty", method=None, **more):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        method = method or ("POST" if "json" in more or "data" in more else "GET")
        return client.open(f"/api/v1/alarms{path}", method=method, headers=headers, **more)

    return do


@pytest.fixture
def subject():
    return str(uuid.uuid4())


@pytest.fixture
def raise_alarm(database, subject):
    """Raise an alarm about the subject; return the id where one was opened."""

    def do(at=NOW, count=1, kind=KIND, about=subject, **facts):
        with database.transaction() as session:
            return service.raise_(session, kind, about, facts=facts, at=at, count=count, now=NOW)

    return do


def rows(database, subject):
    with database.transaction() as session:
        return session.scalars(select(Alarm).where(Alarm.subject == subject).order_by(Alarm.id)).all()


def events(database, **fields):
    with database.transaction() as session:
        return session.scalars(select(AuditEvent).filter_by(**fields).order_by(AuditEvent.id)).all()


class TestRaising:
    def test_what_is_found_anew_adds_to_the_open_one(self, database, raise_alarm, subject):
        first = raise_alarm(count=3, codes=3)
        assert first is not None
        assert raise_alarm(NOW + MINUTE, count=2, codes=5) is None
        (alarm,) = rows(database, subject)
        values = (alarm.id, alarm.count, alarm.last_at, alarm.facts, alarm.opened_at)
        assert values == (first, 5, NOW + MINUTE, {"codes": 5}, NOW)

    def test_what_was_counted_is_not_counted_again(self, database, raise_alarm, subject):
        raise_alarm(count=3)
        assert raise_alarm(NOW, count=3) is raise_alarm(NOW - MINUTE, count=3) is None
        assert [alarm.count for alarm in rows(database, subject)] == [3]

    def test_after_closing_only_newer_facts_open_another(self, database, call, raise_alarm, subject):
        first = raise_alarm()
        assert call(f"/{first}/close", json={"note": "已处置"}).status_code == 200
        assert raise_alarm() is None
        second = raise_alarm(NOW + MINUTE)
        assert [alarm.id for alarm in rows(database, subject)] == [first, second]

    def test_kinds_and_subjects_do_not_meet(self, raise_alarm):
        assert (
            len({raise_alarm(), raise_alarm(kind=AlarmKind.GUESSING), raise_alarm(about=str(uuid.uuid4()))} - {None})
            == 3
        )

    def test_many_raise_one_concurrently(self, database, raise_alarm, subject):
        outcomes = together(8, lambda _: raise_alarm(count=4))
        assert sum(alarm_id is not None for alarm_id in outcomes) == 1
        assert [alarm.count for alarm in rows(database, subject)] == [4]

    def test_the_table_itself_holds_no_two(self, database, raise_alarm, subject):
        raise_alarm()
        copy = (
            "INSERT INTO alarms SELECT :id, kind, subject, now(), now(), 1, '{}' FROM alarms WHERE subject = :subject"
        )
        with pytest.raises(exc.IntegrityError, match="uq_alarms_open"), database.transaction() as session:
            session.execute(text(copy), {"id": new_id(), "subject": subject})

    def test_the_sealed_log_keeps_that_there_was_one(self, database, raise_alarm, subject):
        (event,) = events(database, subject=str(raise_alarm()))
        assert (event.action, event.actor_id) == ("alarms.open", None)
        assert event.details == {"kind": "forged_codes", "about": subject}

    def test_the_sealed_log_keeps_no_hash_of_a_holder(self, database, raise_alarm, call):
        """It is kept for longer than the scans that have the hash."""
        alarm_id = raise_alarm(about=secrets.token_hex(32))
        assert call(f"/{alarm_id}/close", json={"note": "已处置"}).status_code == 200
        assert [event.details["about"] for event in events(database, subject=str(alarm_id))] == ["holder", "holder"]

    def test_a_holders_hash_ends_with_the_scans(self, database, raise_alarm):
        old, new, holder = secrets.token_hex(32), secrets.token_hex(32), str(uuid.uuid4())
        ages = {old: timedelta(days=91), new: timedelta(days=89), holder: timedelta(days=91)}
        alarm_ids = {subject: raise_alarm(NOW - age, about=subject) for subject, age in ages.items()}
        with database.transaction() as session:
            service.forget_holders(session, NOW - timedelta(days=90))
            subjects = {subject: session.get_one(Alarm, id_).subject for subject, id_ in alarm_ids.items()}
        assert subjects == {old: f"holder/{alarm_ids[old]}", new: new, holder: holder}

    def test_every_kind_has_words_for_people(self):
        assert set(WORDS) == set(AlarmKind)
        for texts in WORDS.values():
            assert all("\u4e00" <= text[0] <= "\u9fff" for text in (texts.title, texts.advice))


class TestReading:
    def test_an_alarm_says_what_it_means_and_what_to_do(self, call, raise_alarm, subject):
        alarm_id = raise_alarm(codes=5)
        (item,) = [one for one in call("?kind=forged_codes&limit=100").json["items"] if one["subject"] == subject]
        assert item.pop("advice").startswith("出现多个签名无效")
        moment = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert item == {
            "id": str(alarm_id),
            "kind": "forged_codes",
            "title": "伪造码",
            "subject": subject,
            "state": "open",
            "opened_at": moment,
            "last_at": moment,
            "count": 1,
            "facts": {"codes": 5},
            "closed_at": None,
            "closed_by": None,
            "closing_note": None,
        }

    def test_pages_hang_together_newest_first(self, call, raise_alarm):
        alarm_ids = [str(raise_alarm(kind=AlarmKind.STAFF_LOOK_UPS, about=str(uuid.uuid4()))) for _ in range(3)]
        ids, cursor = [], ""
        while cursor is not None and not set(alarm_ids) <= set(ids):
            answer = call(f"?kind=staff_look_ups&limit=2{cursor and '&cursor=' + cursor}")
            ids += [one["id"] for one in answer.json["items"]]
            cursor = answer.json["next"]
        assert [one for one in ids if one in alarm_ids] == alarm_ids[::-1]

    def test_closed_ones_stand_apart(self, call, raise_alarm):
        alarm_id = raise_alarm(kind=AlarmKind.UNSEALED_AUDIT)
        call(f"/{alarm_id}/close", json={"note": "已处置"})
        items = {
            state: call(f"?state={state}&kind=unsealed_audit&limit=100").json["items"] for state in ("open", "closed")
        }
        assert str(alarm_id) not in [one["id"] for one in items["open"]]
        (item,) = [one for one in items["closed"] if one["id"] == str(alarm_id)]
        assert (item["state"], item["closed_by"], item["closing_note"]) == ("closed", str(DUTY.id), "已处置")

    def test_reading_is_recorded_with_what_was_asked(self, call, database):
        call("?state=closed&kind=guessing", token="reader")
        event = events(database, actor_id=READER.id)[-1]
        assert (event.action, event.subject) == ("alarms.read", "alarms")
        assert event.details == {"state": "closed", "kind": "guessing", "before": None}
        assert event.request_id

    @pytest.mark.parametrize(
        "query",
        [
            "?state=all",
            "?state=",
            "?kind=fire",
            "?kind=guessing&kind=guessing",
            "?limit=0",
            "?limit=101",
            "?limit=x",
            "?cursor=abc",
            "?cursor=WyJhIl0",
            "?cursor=WzFd",
            f"?cursor={'a' * 2000}",
            "?subject=x",
        ],
    )
    def test_a_bad_query_is_refused_and_reads_nothing(self, call, database, query):
        before = len(events(database, actor_id=DUTY.id))
        answer = call(query)
        assert answer.status_code in {400, 422}
        assert answer.content_type == "application/problem+json"
        assert any("\u4e00" <= letter <= "\u9fff" for letter in answer.json["detail"])
        assert len(events(database, actor_id=DUTY.id)) == before


class TestClosing:
    def test_it_is_closed_once_and_recorded_without_the_note(self, call, database, rings, raise_alarm, subject):
        alarm_id = raise_alarm(count=7)
        body = call(f"/{alarm_id}/close", json={"note": NOTE}).json
        assert (body["state"], body["closing_note"]) == ("closed", NOTE)
        again = call(f"/{alarm_id}/close", json={"note": "再次"})
        assert (again.status_code, again.json["code"]) == (409, "audit.alarm_closed")
        (event,) = events(database, action="alarms.close", subject=str(alarm_id))
        assert event.actor_id == DUTY.id
        assert event.details == {
            "before": {"state": "open", "count": 7},
            "after": {"state": "closed"},
            "kind": "forged_codes",
            "about": subject,
        }
        (row,) = rows(database, subject)
        assert row.closing_note == words.PLACEHOLDER
        assert words.read(rings, words.CLOSING_NOTE, row.id, row.closing_note_sealed, row.closing_note) == NOTE

    def test_of_many_who_close_concurrently_one_does(self, call, raise_alarm):
        alarm_id = raise_alarm()
        answers = together(6, lambda _: call(f"/{alarm_id}/close", json={"note": "已处置"}).status_code)
        assert sorted(answers) == [200, 409, 409, 409, 409, 409]

    def test_nobody_closes_what_is_about_themselves(self, call, database, raise_alarm):
        about = str(DUTY.id)
        alarm_id = raise_alarm(kind=AlarmKind.STAFF_LOOK_UPS, about=about)
        answer = call(f"/{alarm_id}/close", json={"note": "没事"})
        assert (answer.status_code, answer.json["code"]) == (403, "audit.alarm_about_caller")
        assert rows(database, about)[-1].closed_at is None

    def test_an_unknown_one(self, call):
        answer = call(f"/{new_id()}/close", json={"note": "已处置"})
        assert (answer.status_code, answer.json["code"]) == (404, "audit.alarm_not_found")
        assert call("/1/close", json={"note": "已处置"}).status_code == 404

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"note": None},
            {"note": 7},
            {"note": ["已处置"]},
            {"note": ""},
            {"note": " \n "},
            {"note": "好"},
            {"note": "字" * 501},
            {"note": "已处置\u202e"},
            {"note": "已处置", "state": "closed"},
            {"note": "本人13900000000已确认"},
            {"note": "证件370202199003071234"},
            {"note": "证件３７０２０２１９９００３０７１２３４"},
            [],
            "已处置",
        ],
        ids=str,
    )
    def test_a_bad_note_is_refused_and_closes_nothing(self, call, database, raise_alarm, subject, body):
        answer = call(f"/{raise_alarm()}/close", json=body)
        assert answer.status_code in {400, 422}, answer.text
        assert any("\u4e00" <= letter <= "\u9fff" for letter in answer.json["detail"])
        assert rows(database, subject)[0].closed_at is None

    def test_the_note_may_have_five_hundred_characters(self, call, raise_alarm):
        assert call(f"/{raise_alarm()}/close", json={"note": "字" * 500}).status_code == 200

    @pytest.mark.parametrize(("token", "status"), [(None, 401), ("nobody", 401), ("other", 403), ("reader", 403)])
    def test_only_who_is_on_duty_closes(self, call, database, raise_alarm, subject, token, status):
        assert call(f"/{raise_alarm()}/close", token=token, json={"note": "已处置"}).status_code == status
        assert rows(database, subject)[0].closed_at is None

    @pytest.mark.parametrize(("token", "status"), [(None, 401), ("other", 403), ("reader", 200)])
    def test_only_who_may_reads(self, call, token, status):
        assert call(token=token).status_code == status


def test_alarms_closed_long_ago_are_forgotten(database, call, raise_alarm):
    alarm_ids = [raise_alarm(about=str(uuid.uuid4())) for _ in range(5)]
    for one in alarm_ids[:4]:
        call(f"/{one}/close", json={"note": "已处置"})
    with database.transaction() as session:
        update = "UPDATE alarms SET closed_at = now() - interval '401 days' WHERE id = ANY (:ids)"
        session.execute(text(update), {"ids": alarm_ids[:3]})
        session.execute(
            text("UPDATE alarms SET opened_at = now() - interval '500 days' WHERE id = :id"), {"id": alarm_ids[4]}
        )
    with database.transaction() as session:
        end_rows(session, service.ENDINGS, NOW)
        remaining = session.scalars(select(Alarm.id).where(Alarm.id.in_(alarm_ids))).all()
    assert set(remaining) == set(alarm_ids[3:])
