"""Publication: at once or at its time whatever runs, for as long as it is told, by who may still answer for it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import exc, select, update

from qe_ban.publishing.models import PageVersion
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import page_end, pages, stamps
from tests.factories.pages import PREFIX, content
from tests.publishing.asking import done, events, refused

ZONE = PageKind.ZONE
KINDS = pytest.mark.parametrize("kind", list(PageKind))
SHANGHAI, WEST = timezone(timedelta(hours=8)), timezone(timedelta(hours=-12))


def shown(town, slug, kind=ZONE):
    """What residents see: the title, or None."""
    answer = town.client.get(f"/api/v1/{PREFIX[kind]}/{slug}")
    return answer.json["title"] if answer.status_code == 200 else None


def in_force(town, slug):
    with town.database.transaction() as session:
        return pages.in_force(session, ZONE, slug, town.clock())


@KINDS
def test_what_is_approved_is_published_and_seen_at_once(town, kind):
    slug = town.page(kind)
    assert town.publish(kind, slug) == 1
    assert shown(town, slug, kind) == "测试页面"
    assert town.publish(kind, slug, content(title="第二版")) == 2
    assert shown(town, slug, kind) == "第二版"


def test_nothing_is_published_without_an_approval(town):
    slug = town.zone()
    refused(town.do(town.staff(), ZONE, slug, "publish"), 409, "publishing.wrong_state")
    assert shown(town, slug) is None


def test_a_version_at_a_time_holds_from_that_moment_though_nothing_ran(town):
    slug = town.zone()
    town.publish(ZONE, slug, content(title="现在"))
    editor, _ = town.approve_draft(ZONE, slug, content(title="以后"))
    at = town.clock() + timedelta(hours=2)
    answer = done(town.do(editor, ZONE, slug, "publish", {"at": at.isoformat()}))
    mark = {"version": 2, "starts_at": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "ends_at": None}
    assert (answer.json["published"], answer.json["upcoming"]) == (mark, [mark])
    assert (answer.json["state"], answer.json["in_force"]) == ("published", 1)
    assert (shown(town, slug), in_force(town, slug).next_change_at) == ("现在", at)
    with town.clock.shift(hours=1, minutes=59):
        assert shown(town, slug) == "现在"
    with town.clock.shift(days=3):
        assert in_force(town, slug).number == 2
        assert shown(town, slug) == "以后"


def test_a_first_version_at_a_time_is_shown_when_it_comes(town):
    slug = town.zone()
    town.publish(ZONE, slug, at=(town.clock() + timedelta(hours=1)).isoformat())
    assert in_force(town, slug) is None
    with town.clock.shift(hours=1, seconds=1):
        assert in_force(town, slug).number == 1


def test_when_a_version_ends_the_one_before_is_shown_again(town):
    slug = town.zone()
    town.publish(ZONE, slug, content(title="平时"))
    start, end = (town.clock() + timedelta(hours=hours) for hours in (1, 3))
    town.publish(ZONE, slug, content(title="节日"), at=start.isoformat(), end_at=end.isoformat())
    seen = []
    for hours in (0, 2, 4):
        with town.clock.shift(hours=hours):
            seen.append(in_force(town, slug).content["title"])
    assert seen == ["平时", "节日", "平时"]
    with town.clock.shift(hours=2):
        assert in_force(town, slug).next_change_at == end


def test_an_end_alone_ends_what_begins_now(town):
    slug = town.zone()
    town.publish(ZONE, slug, end_at=(town.clock() + timedelta(hours=1)).isoformat())
    assert in_force(town, slug).number == 1
    with town.clock.shift(hours=1, seconds=1):
        assert in_force(town, slug) is None


def test_of_several_that_are_planned_the_one_that_began_last_is_shown(town):
    slug = town.zone()
    for title, hours in (("晚", 4), ("早", 2)):
        editor, _ = town.approve_draft(ZONE, slug, content(title=title))
        at = (town.clock() + timedelta(hours=hours)).isoformat()
        answer = done(town.do(editor, ZONE, slug, "publish", {"at": at, "later": "keep"}))
    assert [one["version"] for one in answer.json["upcoming"]] == [2, 1]
    assert [(one["version"], one["outcome"]) for one in answer.json["later"]] == [(1, "kept")]
    seen = []
    for hours in (3, 5):
        with town.clock.shift(hours=hours):
            seen.append(in_force(town, slug).content["title"])
    assert seen == ["早", "晚"]


def test_times_that_cannot_be_are_refused_and_the_approval_stands(town):
    slug = town.zone()
    editor, _ = town.approve_draft(ZONE, slug)
    now = town.clock()

    def moment(**ahead):
        return (now + timedelta(**ahead)).isoformat()

    for body, places in (
        ({"at": moment(minutes=-2)}, {"at"}),
        ({"at": "2020-01-01T00:00:00Z"}, {"at"}),
        ({"at": moment(days=9 * 366)}, {"at"}),
        ({"end_at": moment(seconds=-1)}, {"end_at"}),
        ({"at": moment(hours=2), "end_at": moment(hours=1)}, {"end_at"}),
        ({"at": moment(hours=2), "end_at": moment(hours=2)}, {"end_at"}),
        ({"at": moment(minutes=-2), "end_at": moment(hours=-1)}, {"at", "end_at"}),
    ):
        refused(town.do(editor, ZONE, slug, "publish", body), 422, "publishing.schedule_invalid", *places)
    for said in (
        "tomorrow",
        "2030-01-01",
        "2030-01-01T00:00:00",
        "2030-02-30T00:00:00Z",
        "2030-01-01T25:00:00Z",
        1,
        True,
    ):
        refused(town.do(editor, ZONE, slug, "publish", {"at": said}), 422, "invalid_fields", "at")
    for said in ("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"):
        refused(town.do(editor, ZONE, slug, "publish", {"at": said}), 422, "invalid_fields", "at")
    assert town.get(editor, ZONE, f"{slug}/draft").json["state"] == "approved"


def test_a_time_that_has_just_passed_means_now(town):
    slug = town.zone()
    town.publish(ZONE, slug, at=(town.clock() - timedelta(seconds=40)).isoformat())
    assert in_force(town, slug).number == 1
    assert abs(in_force(town, slug).starts_at - town.clock()) < timedelta(seconds=10)


def test_offsets_at_the_edge_of_a_day_name_one_moment(town):
    midnight = (
        (town.clock() + timedelta(days=2)).astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    )
    said = [midnight.isoformat(), midnight.astimezone(WEST).isoformat()]
    said.append(midnight.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert len({text[:10] for text in said}) == 2
    assert len({text[11:] for text in said}) == 3
    for text in said:
        slug = town.zone()
        town.publish(ZONE, slug, at=text)
        with town.database.transaction() as session:
            assert session.scalar(select(PageVersion.starts_at).where(PageVersion.slug == slug)) == midnight
    end = (midnight + timedelta(seconds=1)).astimezone(WEST).isoformat()
    town.publish(ZONE, town.zone(), at=midnight.isoformat(), end_at=end)
    editor, _ = town.approve_draft(ZONE, slug)
    body = {"at": midnight.isoformat(), "end_at": midnight.astimezone(WEST).isoformat()}
    refused(town.do(editor, ZONE, slug, "publish", body), 422, "publishing.schedule_invalid", "end_at")


LOST = {
    "disabled": lambda town: {"disabled_at": town.clock()},
    "another role": lambda _: {"roles": ["editor"]},
    "another place": lambda _: {"district": "370202"},
    "another zone": lambda _: {"zone": "elsewhere"},
}


@pytest.mark.parametrize("lost", LOST)
def test_the_approval_of_a_reviewer_who_lost_the_right_lapses_and_nothing_else_is_lost(town, lost):
    slug = town.zone()
    editor, reviewer = town.approve_draft(ZONE, slug, content(title="改"))
    town.change(reviewer, **({"roles": ["reviewer"]} | LOST[lost](town)))
    refused(town.do(editor, ZONE, slug, "publish"), 409, "publishing.approval_lapsed")
    held = town.get(editor, ZONE, f"{slug}/draft").json
    assert (held["state"], held["reviewed_by"], held["latest"]) == ("submitted", None, 0)
    assert (held["content"]["title"], held["editors"]) == ("改", [str(editor.id)])
    assert events(town, ZONE, slug)[-1].action == "pages.lapse"
    done(town.do(town.staff("reviewer", zone=slug), ZONE, slug, "approve"))
    assert done(town.do(editor, ZONE, slug, "publish")).json["published"]["version"] == 1


def test_a_reviewer_who_lost_the_right_after_publication_changes_nothing(town):
    slug = town.zone()
    editor, reviewer = town.approve_draft(ZONE, slug)
    done(town.do(editor, ZONE, slug, "publish", {"at": (town.clock() + timedelta(hours=1)).isoformat()}))
    town.change(reviewer, disabled_at=town.clock())
    with town.clock.shift(hours=2):
        assert in_force(town, slug).number == 1


def test_a_page_that_has_ended_is_neither_submitted_nor_published(town):
    slug, editor = town.zone(), town.staff()
    town.publish(ZONE, slug)
    approved, _ = town.approve_draft(ZONE, slug, content(title="再来"))
    with town.database.transaction() as session:
        page_end.set_end(pages.hold(session, ZONE, slug), town.clock() + timedelta(hours=1))
    at = (town.clock() + timedelta(hours=2)).isoformat()
    refused(town.do(approved, ZONE, slug, "publish", {"at": at}), 422, "publishing.schedule_invalid", "at")
    assert in_force(town, slug).next_change_at is not None
    with town.clock.shift(hours=1, seconds=1):
        assert in_force(town, slug) is None
        refused(town.do(approved, ZONE, slug, "publish"), 409, "publishing.page_ended")
        refused(town.do(editor, ZONE, slug, "rollback", {"version": 1}), 409, "publishing.page_ended")
        done(town.put(editor, ZONE, slug, content(title="存着")))
        refused(town.do(editor, ZONE, slug, "submit"), 409, "publishing.page_ended")


def test_a_version_never_changes(town):
    slug = town.zone()
    town.publish(ZONE, slug)
    with pytest.raises(exc.DBAPIError, match="never changes"), town.database.transaction() as session:
        session.execute(update(PageVersion).where(PageVersion.slug == slug).values(content={}))


def test_every_publication_counts_the_stamp_up(town):
    slug = town.zone()

    def stamp():
        with town.database.transaction() as session:
            return stamps.current(session).of(ZONE, slug)

    editor, _ = town.approve_draft(ZONE, slug)
    before = stamp()
    done(town.do(editor, ZONE, slug, "publish", {"at": (town.clock() + timedelta(hours=1)).isoformat()}))
    assert stamp() > before


def test_a_publication_is_audited_with_what_residents_will_see_otherwise(town):
    slug = town.zone()
    town.publish(ZONE, slug, content(title="旧"))
    town.publish(ZONE, slug, content(title="新"))
    event = events(town, ZONE, slug)[-1]
    assert (event.action, event.details["version"], event.details["replaces"]) == ("pages.publish", 2, 1)
    changed = [(change["before"], change["after"]) for change in event.details["changes"]]
    assert changed == [("旧", "新")]
    assert datetime.fromisoformat(event.details["starts_at"]) <= town.clock()
