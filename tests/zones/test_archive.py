"""The end of a zone: planned, at once, taken back; the deletion of its data, and the report that proves it."""

import hashlib
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, text

from qe_ban.composition import clocks, working
from qe_ban.kernel.clock import CITY_TIME, rfc3339
from qe_ban.kernel.ids import new_id
from qe_ban.zones.models import Demand, DemandStep, Sunset
from qe_ban.zones.rules.purge import AT_ONCE
from qe_ban.zones.service import purge
from tests.factories.accounts import together
from tests.zones.conftest import demand, short

BACKUPS = timedelta(days=30)


@pytest.fixture(autouse=True)
def nothing_due(zones):
    """Finish what other tests left due."""
    for _ in range(20):
        run(zones)


def run(zones, **ahead):
    with zones.clock.shift(**ahead) as now, zones.database.transaction() as session:
        purge.run(session, now, BACKUPS)


def count_rows(zones, slug):
    with zones.database.transaction() as session:
        return session.scalar(select(func.count()).where(Demand.zone == slug))


def standing(zones, slug, who=None):
    answer = zones.get(f"/zones/{slug}/sunset", (who or zones.town.staff()).headers)
    assert answer.status_code == 200, answer.json
    return answer.json


def test_an_end_with_deletion_deletes_and_proves_it(zones):
    slug, me, admin = zones.publish(), zones.resident(), zones.town.staff()
    demands = [zones.send_demand(slug, me), zones.send_demand(slug), zones.send_demand(slug)]
    zones.take(slug, demands[1], "accept", admin)
    other = zones.publish()
    other_demand = zones.send_demand(other, me)
    answer = zones.end(slug, admin, delete=True, confirm=slug)
    assert (answer.status_code, answer.json["ended"], answer.json["deletion"]["state"]) == (200, True, "deleting")
    # gone for everybody at once, before the worker comes
    assert zones.get(f"/zones/{slug}").status_code == 404
    assert zones.send(slug).status_code == 404
    assert zones.get(f"/me/demands/{demands[0]}", me).status_code == 404
    assert [row["id"] for row in zones.get("/me/demands", me).json["items"]] == [other_demand]
    assert zones.get(f"/zones/{slug}/demands/{demands[1]}", admin.headers).status_code == 404
    assert zones.take(slug, demands[1], "refuse", admin, {"reason": "晚了"}).status_code == 404
    assert zones.get(f"/zones/{slug}/demands/counts", admin.headers).json["waiting"] == 0
    run(zones)
    report = standing(zones, slug)["deletion"]["report"]
    assert report["before"] == {"demands": 3, "by_state": {"accepted": 1, "received": 2}, "demand_steps": 4}
    assert report["data_keys_destroyed"] == 3
    until = datetime.fromisoformat(report["backups_until"])
    assert until == datetime.fromisoformat(report["done_at"]) + BACKUPS
    assert f"{until.astimezone(CITY_TIME).date()}清除" in report["kept"][-1]
    assert (report["deleted"], report["after"]) == (3, {"demands": 0, "demand_steps": 0})
    with zones.database.transaction() as session:
        # as whoever reads the audit log counts it again
        query = "SELECT subject FROM audit_events WHERE action = 'demands.send' AND details->'after'->>'zone' = :zone"
        ids = session.scalars(text(query), {"zone": slug}).all()
    assert sorted(ids) == sorted(demands)
    assert report["digest"]["value"] == hashlib.sha256("".join(f"{one}\n" for one in sorted(ids)).encode()).hexdigest()
    assert report["requested_by"] == str(admin.id)
    assert report["due_at"] <= report["begun_at"] <= report["done_at"]
    assert (count_rows(zones, slug), count_rows(zones, other)) == (0, 1)
    with zones.database.transaction() as session:
        orphans = select(func.count()).where(DemandStep.demand_id.in_(demands))
        assert session.scalar(orphans) == 0
        event = session.execute(
            text("SELECT details FROM audit_events WHERE action = 'zones.data_deleted' AND subject = :zone"),
            {"zone": slug},
        ).scalar_one()
    assert event == report
    # what was deleted once stays as it is reported
    run(zones, days=1)
    assert standing(zones, slug)["deletion"]["report"] == report


def test_a_planned_deletion_waits_for_its_time_and_catches_up(zones):
    slug = zones.publish()
    zones.send_demand(slug)
    at = zones.clock() + timedelta(hours=1)
    plan = zones.end(slug, at=rfc3339(at), delete=True, confirm=slug).json
    assert (plan["ended"], plan["deletion"]["state"], plan["deletion"]["report"]) == (False, "planned", None)
    assert zones.send(slug).status_code == 201
    run(zones)
    assert count_rows(zones, slug) == 2
    # the worker was down for days
    run(zones, days=3)
    assert count_rows(zones, slug) == 0
    with zones.clock.shift(days=3):
        report = standing(zones, slug)["deletion"]["report"]
    assert report["due_at"] == plan["ends_at"] < report["begun_at"]


def test_many_demands_go_in_several_runs(zones):
    slug = zones.publish()
    one = zones.send_demand(slug)
    with zones.database.transaction() as session:
        first = session.get_one(Demand, one)
        row = {column.name: getattr(first, column.name) for column in Demand.__table__.columns}
        session.execute(insert(Demand), [row | {"id": new_id()} for _ in range(AT_ONCE + 20)])
    zones.end(slug, delete=True, confirm=slug)
    run(zones)
    assert count_rows(zones, slug) == 21
    assert standing(zones, slug)["deletion"]["report"] is None
    run(zones)
    report = standing(zones, slug)["deletion"]["report"]
    assert (report["before"]["demands"], report["deleted"]) == (AT_ONCE + 21, AT_ONCE + 21)


def test_a_run_that_fails_changes_nothing_and_the_next_goes_on(zones):
    slug = zones.publish()
    one = zones.send_demand(slug)
    zones.end(slug, delete=True, confirm=slug)

    def fail():
        with zones.database.transaction() as session:
            purge.run(session, zones.clock(), BACKUPS)
            assert session.get(Demand, one) is None
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert count_rows(zones, slug) == 1
    assert standing(zones, slug)["deletion"]["report"] is None
    run(zones)
    assert standing(zones, slug)["deletion"]["report"]["deleted"] == 1


def test_what_was_withdrawn_goes_with_the_zone_and_is_counted(zones):
    slug, me = zones.publish(), zones.resident()
    zones.call("POST", f"/me/demands/{zones.send_demand(slug, me)}/withdraw", me)
    zones.end(slug, delete=True, confirm=slug)
    run(zones)
    report = standing(zones, slug)["deletion"]["report"]
    assert (report["before"]["by_state"], report["deleted"]) == ({"withdrawn": 1}, 1)


def test_two_zones_share_one_run_and_an_empty_one_is_reported_too(zones):
    one, other = zones.publish(), zones.publish()
    zones.send_demand(one)
    for slug in (one, other):
        zones.end(slug, delete=True, confirm=slug)
    run(zones)
    assert standing(zones, one)["deletion"]["report"]["deleted"] == 1
    assert standing(zones, other)["deletion"]["report"]["before"] == {
        "demands": 0, "by_state": {}, "demand_steps": 0
    }  # fmt: skip


def test_workers_at_once_delete_once(zones):
    slug = zones.publish()
    for _ in range(3):
        zones.send_demand(slug)
    zones.end(slug, delete=True, confirm=slug)
    assert together(3, lambda _: run(zones)) == [None] * 3
    assert standing(zones, slug)["deletion"]["report"]["deleted"] == 3
    with zones.database.transaction() as session:
        query = text("SELECT count(*) FROM audit_events WHERE action = 'zones.data_deleted' AND subject = :zone")
        assert session.execute(query, {"zone": slug}).scalar_one() == 1


def test_the_worker_runs_it_by_a_right_clock(zones):
    slug = zones.publish()
    zones.send_demand(slug)
    zones.end(slug, delete=True, confirm=slug)
    [schedule] = [one for one in working.schedules(zones.town.parts) if one.name == "zones.sunset"]
    assert schedule.every <= timedelta(minutes=1)
    with (
        zones.clock.shift(minutes=2) as wrong,
        pytest.raises(clocks.ClockWrong),
        zones.database.transaction() as session,
    ):
        schedule.run(session, wrong)
    assert count_rows(zones, slug) == 1
    with zones.database.transaction() as session:
        schedule.run(session, zones.clock())
    assert count_rows(zones, slug) == 0


def test_no_demand_survives_an_end_that_comes_at_the_same_time(zones):
    for _ in range(3):
        slug, admin = zones.publish(), zones.town.staff()
        senders = [zones.resident() for _ in range(5)]

        def act(number, slug=slug, admin=admin, senders=senders):
            if number == 5:
                return zones.end(slug, admin, delete=True, confirm=slug)
            return zones.send(slug, senders[number])

        answers = together(6, act)
        assert answers[5].status_code == 200
        assert {answer.status_code for answer in answers[:5]} <= {201, 404}
        demands_in_time = sum(answer.status_code == 201 for answer in answers)
        assert count_rows(zones, slug) == demands_in_time
        run(zones)
        assert standing(zones, slug)["deletion"]["report"]["deleted"] == demands_in_time
        assert count_rows(zones, slug) == 0


def test_a_late_request_cannot_slip_behind_a_deletion_by_a_slow_clock(zones):
    slug = zones.publish()
    zones.end(slug, at=rfc3339(zones.clock() + timedelta(seconds=30)), delete=True, confirm=slug)
    # a worker whose clock is ahead
    run(zones, seconds=31)
    answer = zones.send(slug)
    assert (answer.status_code, answer.json["code"]) == (409, "zones.form_closed")
    assert zones.end(slug, verb="reopen").json["code"] == "zones.data_deleted"


def test_an_end_without_deletion_keeps_the_demands_and_can_be_taken_back(zones):
    slug, me = zones.publish(), zones.resident()
    one = zones.send_demand(slug, me)
    assert zones.end(slug).json["deletion"] is None
    run(zones, days=1)
    assert zones.get(f"/me/demands/{one}", me).status_code == 200
    assert zones.end(slug).json["code"] == "zones.ended"
    assert zones.end(slug, verb="reopen").status_code == 200
    assert zones.get(f"/zones/{slug}").status_code == 200
    assert zones.send(slug, me).status_code == 201
    assert zones.end(slug, verb="reopen").json["code"] == "zones.not_ended"


def test_what_has_ended_may_still_be_told_to_delete(zones):
    slug = zones.publish()
    zones.send_demand(slug)
    ended_at = zones.end(slug).json["ends_at"]
    body = zones.end(slug, delete=True, confirm=slug).json
    assert body["ends_at"] == ended_at
    run(zones)
    assert count_rows(zones, slug) == 0


def test_a_planned_deletion_is_taken_back_before_it_is_due_and_never_after(zones):
    slug = zones.publish()
    zones.send_demand(slug)
    at = rfc3339(zones.clock() + timedelta(minutes=10))
    zones.end(slug, at=at, delete=True, confirm=slug)
    assert zones.end(slug, verb="reopen").json["deletion"] is None
    run(zones, hours=1)
    assert count_rows(zones, slug) == 1
    zones.end(slug, at=at, delete=True, confirm=slug)
    # saying it anew without deletion takes the deletion back, too
    assert zones.end(slug, at=at).json["deletion"] is None
    zones.end(slug, at=at, delete=True, confirm=slug)
    with zones.clock.shift(minutes=11):
        for verb in ("reopen", "end"):
            answer = zones.end(slug, verb=verb, delete=True, confirm=slug)
            assert (answer.status_code, answer.json["code"]) == (409, "zones.data_deleted")
    run(zones, minutes=11)
    with zones.clock.shift(minutes=12):
        assert zones.end(slug, verb="reopen").json["code"] == "zones.data_deleted"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"delete": True}, "confirm"), ({"delete": True, "confirm": "karos"}, "confirm"), ({"delete": "yes"}, "delete"),
        ({"delete": None}, "delete"), ({"at": "2020-01-01T00:00:00Z"}, "at"), ({"at": "2999-01-01T00:00:00Z"}, "at"),
        ({"at": "2026-01-01"}, "at"), ({"at": "2026-01-01T00:00:00"}, "at"), ({"at": 5}, "at"), ({"now": True}, "now"),
        ({"at": "9999-12-31T23:59:59-14:00"}, "at"), ({"confirm": "x" * 41}, "confirm"),
    ],
    ids=short,
)  # fmt: skip
def test_ends_that_cannot_be_are_refused(zones, body, field):
    slug = getattr(zones, "endless", None) or zones.publish()
    zones.endless = slug
    answer = zones.end(slug, **body)
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [field]
    assert standing(zones, slug)["ends_at"] is None


def test_a_moment_is_read_with_its_offset(zones):
    slug, at = zones.publish(), zones.clock() + timedelta(hours=2)
    local = (at + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%S+08:00")
    assert zones.end(slug, at=local).json["ends_at"] == rfc3339(at)
    # eight hours too early, were the offset passed over
    past = (at + timedelta(hours=4)).strftime("%Y-%m-%dT%H:%M:%S+08:00")
    assert zones.end(slug, at=past).status_code == 422


def test_of_two_administrators_at_once_one_ends_it(zones):
    slug, admin = zones.publish(), zones.town.staff()
    tag = zones.get(f"/zones/{slug}/sunset", admin.headers).headers["ETag"]
    assert sorted(answer.status_code for answer in together(2, lambda _: zones.end(slug, admin, tag=tag))) == [200, 412]
    assert zones.end(slug, admin, tag=None).status_code == 428
    assert zones.end(slug, admin, tag='"0"', verb="reopen").status_code == 412


@pytest.mark.parametrize("role", ["editor", "reviewer", "district_admin", "auditor", "system_admin", "security_admin"])
def test_only_the_citys_administrators_end_zones(zones, role):
    slug = getattr(zones, "endless", None) or zones.publish()
    zones.endless = slug
    who = zones.town.staff(role, **({"zone": slug} if role in ("editor", "reviewer") else {}))
    for answer in (
        zones.end(slug, who),
        zones.end(slug, who, verb="reopen"),
        zones.get(f"/zones/{slug}/sunset", who.headers),
    ):
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_a_zone_that_is_none_is_not_ended(zones):
    for slug in ("karos", "no-such", "%00"):
        assert zones.end(slug).status_code == 404
        assert zones.end(slug, verb="reopen").status_code == 404
        assert zones.get(f"/zones/{slug}/sunset", zones.town.staff().headers).status_code == 404


def test_a_zone_that_nobody_wrote_can_be_ended_and_the_change_is_audited(zones):
    slug, admin = zones.town.zone(), zones.town.staff()
    fresh = zones.get(f"/zones/{slug}/sunset", admin.headers)
    assert zones.end(slug, admin, tag=fresh.headers["ETag"]).status_code == 200
    assert zones.end(slug, admin, verb="reopen").status_code == 200
    with zones.database.transaction() as session:
        rows = session.execute(
            text("SELECT action, actor_id, details FROM audit_events WHERE subject = :zone ORDER BY id"), {"zone": slug}
        ).all()
        assert session.scalar(select(func.count()).where(Sunset.zone == slug)) == 0
    assert [(row.action, row.actor_id) for row in rows] == [("zones.end", admin.id), ("zones.reopen", admin.id)]
    assert rows[0].details["before"] == {"ends_at": None, "delete_at": None}
    assert rows[1].details["after"] == {"ends_at": None, "delete_at": None}
    assert demand()["firm"] not in str(rows)
