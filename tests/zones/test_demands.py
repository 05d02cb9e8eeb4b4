"""A firm's demand: sent with consent, sealed, followed by the firm, handled by the zone's editors."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from qe_ban.kernel.ids import new_id
from qe_ban.zones.models import Demand, DemandStep
from qe_ban.zones.rules.demands import WITHDRAWN_TITLE
from qe_ban.zones.service import demand_history
from tests.factories.accounts import together
from tests.zones.conftest import CONSENT, FORM, SOLUTIONS, USCC, demand, short


def events(zones, subject):
    with zones.database.transaction() as session:
        rows = session.execute(
            text("SELECT action, details FROM audit_events WHERE subject = :id ORDER BY id"), {"id": str(subject)}
        )
        return [(row.action, row.details) for row in rows]


def test_a_demand_reaches_the_editors_and_its_answer_the_firm(zones):
    slug, me = zones.publish(FORM, SOLUTIONS), zones.resident()
    editor = zones.town.staff("editor", zone=slug)
    one = zones.send_demand(slug, me, solution="注塑产线联网", size="small", uscc=USCC.lower())
    assert zones.get(f"/zones/{slug}/demands/counts", editor.headers).json["waiting"] == 1
    listed_demand = zones.get(f"/zones/{slug}/demands?state=received&industry=machinery", editor.headers).json["items"]
    assert [(row["id"], row["uscc"], row["state_name"]) for row in listed_demand] == [(one, USCC, "已收到")]
    assert not {"text", "contact", "phone", "answer"} & set(listed_demand[0])
    read = zones.get(f"/zones/{slug}/demands/{one}", editor.headers)
    assert (read.json["contact"], read.json["phone"], read.json["size_name"]) == ("李测试", "13800138000", "小型企业")
    assert read.headers["Cache-Control"] == "private, no-store"
    assert zones.take(slug, one, "accept", editor, tag=read.headers["ETag"]).json["state"] == "accepted"
    answer_body = zones.take(slug, one, "answer", editor, {"text": "建议采用设备联网方案。"})
    assert (answer_body.json["state"], answer_body.json["steps_allowed"]) == ("answered", ["close"])
    mine = zones.get(f"/me/demands/{one}", me).json
    assert (mine["answer"], mine["steps_allowed"]) == ("建议采用设备联网方案。", ["withdraw", "settle", "reopen"])
    assert [step["state"] for step in mine["steps"]] == ["received", "accepted", "answered"]
    assert (
        zones.call("POST", f"/me/demands/{one}/reply", me, {"solved": False, "text": "价格？"}).json["state"]
        == "accepted"
    )
    assert zones.take(slug, one, "answer", editor, {"text": "每线二十万元。"}).status_code == 200
    assert zones.call("POST", f"/me/demands/{one}/reply", me, {"solved": True}).json["state"] == "closed"
    mine = zones.get(f"/me/demands/{one}", me).json
    assert mine["answer"] == "每线二十万元。"
    assert [step["note"] for step in mine["steps"]] == [
        None, None, "建议采用设备联网方案。", "价格？", "每线二十万元。", None,
    ]  # fmt: skip
    assert [row["id"] for row in zones.get("/me/demands", me).json["items"]] == [one]
    audit_events = events(zones, one)
    assert [action for action, _ in audit_events] == [
        "demands.send", "demands.read", "demands.accept", "demands.answer", "demands.reopen", "demands.answer",
        "demands.settle",
    ]  # fmt: skip
    assert audit_events[0][1]["after"] == {"state": "received", "zone": slug, "block": "form", "version": 1}
    assert not any(word in str(audit_events) for word in ("李测试", "13800138000", "二十万", "联网", "有限公司"))


def test_nothing_personal_lies_open_in_any_table(zones):
    slug = zones.publish()
    me, editor = zones.resident(), zones.town.staff()
    one = zones.send_demand(slug, me, key=f"key-{new_id()}", contact="赵秘密", text="机密需求内容", phone="13912345678")
    zones.take(slug, one, "accept", editor)
    zones.take(slug, one, "answer", editor, {"text": "机密答复内容"})
    with zones.database.transaction() as session:
        tables = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        assert {"demands", "demand_steps", "idempotency_keys", "audit_events"} <= set(tables)
        for table in tables:
            text_of_table = session.scalar(text(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t"))
            for word in ("赵秘密", "机密", "13912345678"):
                for spelling in (word, word.encode().hex()):
                    assert spelling not in text_of_table, (table, word)
        row = session.get_one(Demand, one)
        assert row.text_sealed != row.contact_sealed


def test_a_repeat_with_the_same_key_is_one_demand(zones):
    slug, me = zones.publish(), zones.resident()
    key, body = f"key-{new_id()}", demand()
    answers = [zones.call("POST", f"/zones/{slug}/demands", me, body, **{"Idempotency-Key": key}) for _ in range(2)]
    assert answers[0].json == answers[1].json
    assert set(answers[0].json) == {"id", "zone", "state", "state_name", "created_at"}
    assert len(zones.get("/me/demands", me).json["items"]) == 1
    other = zones.publish()
    assert zones.call("POST", f"/zones/{other}/demands", me, body, **{"Idempotency-Key": key}).status_code == 422


def test_of_repeats_at_once_with_one_key_one_is_a_demand(zones):
    slug, me, body = zones.publish(), zones.resident(), demand()
    key = {"Idempotency-Key": f"key-{new_id()}"}
    answers = together(4, lambda _: zones.call("POST", f"/zones/{slug}/demands", me, body, **key))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.json["code"] for answer in answers if answer.status_code == 409} <= {"idempotency_in_flight"}
    assert len({answer.json["id"] for answer in answers if answer.status_code == 201}) == 1
    assert len(zones.get("/me/demands", me).json["items"]) == 1


BAD = [
    ("consent", False), ("consent", None), ("consent", "true"), ("uscc", USCC[:-1] + "0"), ("uscc", "9137"),
    ("uscc", "91370200163562681１"), ("uscc", None), ("industry", "textile"), ("industry", "nothing"),
    ("industry", ["food"]),
    ("size", "huge"), ("solution", "没有的方案"), ("title", ""), ("title", "字" * 61), ("title", 5),
    ("title", "\u202e倒着"),
    ("text", "字" * 2001), ("text", "短"), ("text", "   \n   \n"), ("contact", "字" * 31),
    ("contact", None), ("phone", "12345678"), ("phone", "not a phone"), ("phone", None), ("firm", "一"),
    ("firm", "厂" * 61), ("firm", {}), ("block", "Form"), ("block", None), ("version", 0), ("version", "1"),
    ("unknown", 1), ("resident_id", "x"), ("state", "closed"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), BAD, ids=short)
def test_what_cannot_be_is_refused_with_its_field(zones, field, value):
    slug = getattr(zones, "form", None) or zones.publish(FORM, SOLUTIONS)
    zones.form = slug
    me = getattr(zones, "sender", None) or zones.resident()
    zones.sender = me
    answer = zones.send(slug, me, **{field: value})
    assert answer.status_code == 422, answer.json
    assert list(answer.json["errors"]) == [field]
    assert zones.get("/me/demands", me).json["items"] == []


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"block": ', b'{"a": NaN}', b"\xff\xfe", b"{" * 5000])
def test_a_body_that_is_no_object_is_refused(zones, body):
    slug = zones.town.zones[0]
    headers = zones.resident() | {"Content-Type": "application/json"}
    answer = zones.town.client.post(f"/api/v1/zones/{slug}/demands", data=body, headers=headers)
    assert answer.status_code in (400, 422)


def test_a_body_that_is_too_large_is_refused(zones):
    assert zones.send(zones.publish(), text="字" * 30000).status_code == 413


def test_only_a_form_that_stands_takes_demands(zones):
    now = zones.clock()
    soon, later = ((now + timedelta(seconds=seconds)).isoformat() for seconds in (60, 120))
    slug = zones.publish(FORM | {"starts_at": soon, "ends_at": later}, SOLUTIONS)
    for block, code in (("form", "zones.form_closed"), ("solutions", "zones.form_closed"), ("no", "zones.form_closed")):
        answer = zones.send(slug, block=block)
        assert (answer.status_code, answer.json["code"]) == (409, code)
    with zones.clock.shift(seconds=61):
        assert zones.send(slug).status_code == 201
    with zones.clock.shift(seconds=120):
        assert zones.send(slug).status_code == 409
    for absent in (zones.publish(starts_in=60), zones.town.zone(), "no-such-zone"):
        assert zones.send(absent).status_code == 404


def test_consent_is_to_the_text_that_the_firm_has_read(zones):
    slug = zones.publish()
    zones.publish(FORM, SOLUTIONS, slug=slug)
    # another version, but the same text
    assert zones.send(slug, version=1).status_code == 201
    zones.publish(FORM | {"consent": "另一份同意书"}, slug=slug)
    for version in (1, 2, 99):
        answer = zones.send(slug, version=version)
        assert (answer.status_code, answer.json["code"]) == (409, "zones.consent_changed")
    one = zones.send_demand(slug, version=3)
    with zones.database.transaction() as session:
        row = session.get_one(Demand, one)
        assert (row.version, row.block) == (3, "form")
        assert row.consented_at == row.created_at
    assert CONSENT not in str(events(zones, one))


def test_five_demands_a_day_of_the_citys_also_at_once(zones):
    slugs, me = [zones.publish(), zones.publish()], zones.resident()
    answers = together(8, lambda number: zones.send(slugs[number % 2], me))
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [429] * 3
    late = next(answer for answer in answers if answer.status_code == 429)
    assert late.json["code"] == "zones.too_many_demands"
    seconds = int(late.headers["Retry-After"])
    assert 0 < seconds <= 86400
    assert zones.send(slugs[0]).status_code == 201
    with zones.clock.shift(seconds=seconds + 1):
        assert zones.send(slugs[0], {**zones.resident()}).status_code == 201


def test_steps_out_of_their_order_are_refused(zones):
    slug, editor, me = zones.publish(), zones.town.staff(), zones.resident()
    one = zones.send_demand(slug, me)
    for verb, body in (("answer", {"text": "好"}), ("close", None)):
        answer = zones.take(slug, one, verb, editor, body)
        assert (answer.status_code, answer.json["code"]) == (409, "zones.step_not_allowed")
    assert zones.call("POST", f"/me/demands/{one}/reply", me, {"solved": True}).status_code == 409
    assert zones.take(slug, one, "refuse", editor, {"reason": "不在范围内"}).status_code == 200
    for verb, body in (("accept", None), ("refuse", {"reason": "又"}), ("answer", {"text": "好"}), ("close", None)):
        assert zones.take(slug, one, verb, editor, body).status_code == 409
    mine = zones.get(f"/me/demands/{one}", me).json
    assert (mine["state"], mine["steps"][-1]["note"], mine["steps_allowed"]) == ("refused", "不在范围内", ["withdraw"])
    for status in (200, 409):
        assert zones.call("POST", f"/me/demands/{one}/withdraw", me).status_code == status


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("answer", {}), ("answer", {"text": ""}), ("answer", {"text": "字" * 2001}), ("answer", {"text": 1}),
        ("answer", {"text": "好", "state": "closed"}), ("refuse", {}), ("refuse", {"reason": "字" * 501}),
        ("refuse", {"reason": "\u202e"}), ("refuse", {"reason": None}),
    ],
    ids=short,
)  # fmt: skip
def test_answers_and_reasons_that_cannot_be_are_refused(zones, verb, body):
    slug = getattr(zones, "answering", None) or zones.publish()
    zones.answering = slug
    assert zones.take(slug, zones.send_demand(slug), verb, zones.town.staff(), body).status_code == 422


@pytest.mark.parametrize(
    "body", [{}, {"solved": "yes"}, {"solved": None}, {"solved": True, "text": "字" * 501}], ids=short
)
def test_replies_that_cannot_be_are_refused(zones, body):
    slug, me = zones.publish(), zones.resident()
    assert zones.call("POST", f"/me/demands/{zones.send_demand(slug, me)}/reply", me, body).status_code == 422


def test_of_two_editors_at_once_one_answers(zones):
    slug, one_editor, other = zones.publish(), zones.town.staff(), zones.town.staff()
    one = zones.send_demand(slug)
    zones.take(slug, one, "accept", one_editor)
    tag = zones.get(f"/zones/{slug}/demands/{one}", other.headers).headers["ETag"]
    editors = (one_editor, other)
    answers = together(2, lambda n: zones.take(slug, one, "answer", editors[n], {"text": f"答复{n}"}, tag))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    with zones.database.transaction() as session:
        steps = session.scalars(select(DemandStep.state).where(DemandStep.demand_id == one)).all()
    assert sorted(steps) == ["accepted", "answered", "received"]
    assert zones.take(slug, one, "close", other, tag=None).status_code == 428
    assert zones.take(slug, one, "close", other, tag='"0"').status_code == 412


def test_a_firm_that_withdraws_while_an_editor_refuses_leaves_nothing_behind(zones):
    slug, editor, me = zones.publish(), zones.town.staff(), zones.resident()
    one = zones.send_demand(slug, me)
    answers = together(
        2,
        lambda n: (
            zones.call("POST", f"/me/demands/{one}/withdraw", me)
            if n
            else zones.take(slug, one, "refuse", editor, {"reason": "重复"})
        ),
    )
    assert answers[1].status_code == 200
    assert answers[0].status_code in (200, 409)
    mine = zones.get(f"/me/demands/{one}", me).json
    assert (mine["state"], mine["text"], {step["note"] for step in mine["steps"]}) == ("withdrawn", None, {None})


def test_who_withdraws_takes_back_what_names_them_and_the_row_stays_for_the_count(zones):
    slug, editor, me = zones.publish(), zones.town.staff(), zones.resident()
    one = zones.send_demand(slug, me)
    zones.take(slug, one, "accept", editor)
    zones.take(slug, one, "answer", editor, {"text": "请李测试来电。"})
    zones.call("POST", f"/me/demands/{one}/reply", me, {"solved": False, "text": "打 13800138000"})
    assert zones.call("POST", f"/me/demands/{one}/withdraw", me).status_code == 200
    with zones.database.transaction() as session:
        row = session.get_one(Demand, one)
        columns = [row.text_sealed, row.contact_sealed, row.phone_sealed, row.answer_sealed]
        notes = session.scalars(select(DemandStep.note_sealed).where(DemandStep.demand_id == one)).all()
    assert columns == [None] * 4
    assert notes == [None] * 5
    mine = zones.get(f"/me/demands/{one}", me).json
    read = zones.get(f"/zones/{slug}/demands/{one}", editor.headers).json
    for view in (mine, read):
        assert [view[name] for name in ("text", "contact", "phone", "answer")] == [None] * 4
        assert [(step["state"], step["note"]) for step in view["steps"]] == [
            ("received", None), ("accepted", None), ("answered", None), ("accepted", None), ("withdrawn", None),
        ]  # fmt: skip
        assert (view["state"], view["title"], view["steps_allowed"]) == ("withdrawn", "（已撤回的需求）", [])
    counts = zones.get(f"/zones/{slug}/demands/counts", editor.headers).json
    assert {row["state"]: row["count"] for row in counts["items"]}["withdrawn"] == 1
    assert counts["waiting"] == 0


def test_what_was_withdrawn_counts_among_the_five_of_a_day(zones):
    slug, me = zones.publish(), zones.resident()
    for _ in range(5):
        assert zones.call("POST", f"/me/demands/{zones.send_demand(slug, me)}/withdraw", me).status_code == 200
    assert zones.send(slug, me).status_code == 429


def test_the_database_keeps_nothing_sealed_of_what_was_withdrawn(zones):
    slug, me = zones.publish(), zones.resident()
    one = zones.send_demand(slug, me)
    for change in ("state = 'withdrawn'", "phone_sealed = NULL", "state = 'withdrawn', contact_sealed = NULL"):
        with pytest.raises(IntegrityError), zones.database.transaction() as session:
            session.execute(text(f"UPDATE demands SET {change} WHERE id = :id"), {"id": one})


def test_an_editor_who_opens_what_is_withdrawn_at_that_moment_reads_it_before_or_after(zones):
    slug, editor, me = zones.publish(), zones.town.staff(), zones.resident()
    for _ in range(3):
        one = zones.send_demand(slug, me)
        answers = together(
            4,
            lambda number, one=one: (
                zones.get(f"/zones/{slug}/demands/{one}", editor.headers)
                if number
                else zones.call("POST", f"/me/demands/{one}/withdraw", me)
            ),
        )
        assert [answer.status_code for answer in answers] == [200] * 4
        for view in (answer.json for answer in answers[1:]):
            audit_events = {view[name] is None for name in ("text", "contact", "phone")}
            assert audit_events == {view["state"] == "withdrawn"}


def test_a_row_that_was_read_just_before_a_withdrawal_tells_what_stands_after_it(zones):
    slug, me, rings = zones.publish(), zones.resident(), zones.town.parts.rings
    one = zones.send_demand(slug, me)
    with zones.database.transaction() as session:
        row = session.get_one(Demand, UUID(one))
        assert zones.call("POST", f"/me/demands/{one}/withdraw", me).status_code == 200
        assert row.title_sealed is not None
        assert demand_history.title_of(rings, row) == WITHDRAWN_TITLE
        view = demand_history.open_demand(session, rings, row)
        assert (view.demand.state, view.text, view.contact, view.phone) == ("withdrawn", None, None, None)
        assert [step.state for step in view.steps][-1] == "withdrawn"


def test_lists_go_on_where_they_ended(zones):
    slug, editor = zones.publish(), zones.town.staff()
    demands = [zones.send_demand(slug) for _ in range(3)]
    first = zones.get(f"/zones/{slug}/demands?limit=2", editor.headers).json
    second = zones.get(f"/zones/{slug}/demands?limit=2&cursor={first['next']}", editor.headers).json
    assert [row["id"] for row in first["items"] + second["items"]] == demands[::-1]
    assert second["next"] is None
    for query in ("state=nothing", "industry=x", "cursor=x", "limit=0", "q=x"):
        assert zones.get(f"/zones/{slug}/demands?{query}", editor.headers).status_code == 422
