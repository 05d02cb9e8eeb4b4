"""Publishing many items at once: versions, schedules, lists, and what the database itself holds."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from qe_ban.items.models import Item, ItemText, ItemVersion, Topic
from qe_ban.items.rules.content import canonical, digest
from qe_ban.items.service import publishing
from qe_ban.items.service.publishing import Draft, Outcome
from tests.factories.items import add_department, add_item, content, full_content, item_code

NOW = datetime(2026, 10, 1, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def department(database):
    return add_department(database)


@pytest.fixture
def put(database):
    def do(*drafts, now=NOW, source="import"):
        with database.transaction() as session:
            return publishing.put(session, drafts, by=None, source=source, now=now)

    return do


@pytest.fixture
def row(database):
    def read(code):
        with database.transaction() as session:
            return session.scalars(select(Item).where(Item.code == code)).one()

    return read


@pytest.fixture
def versions(database):
    def read(code):
        with database.transaction() as session:
            wanted = select(ItemVersion).join(Item, Item.id == ItemVersion.item_id).where(Item.code == code)
            return session.scalars(wanted.order_by(ItemVersion.number)).all()

    return read


def turn(database, now):
    with database.transaction() as session:
        return publishing.turn(session, now)


def test_a_new_item_is_listed_as_its_content_says(put, row, versions, department):
    code = item_code(department, suffix="07")
    said = full_content(department, district="370202")
    assert put(Draft(code, said)) == [Outcome.CREATED]
    made, (version,) = row(code), versions(code)
    assert made.entry == code[19:]
    assert (made.name, made.department, made.district, made.online) == (said["name"], department, "370202", True)
    assert (made.audiences, made.topics, made.handling, made.reach) == (["person"], [], "instant", "office")
    assert (made.version, made.latest, made.revision, made.turns_at) == (1, 1, 1, None)
    assert (made.starts_at, made.ends_at, made.updated_at) == (NOW, None, NOW)
    assert (version.content, version.digest) == (canonical(said), digest(said))
    assert (version.starts_at, version.created_at, version.created_by, version.source) == (NOW, NOW, None, "import")


def test_the_outcomes_come_in_the_order_of_the_drafts(put, department):
    known, ended, changed, fresh = (item_code(department) for _ in range(4))
    put(*(Draft(code, content(department)) for code in (known, changed)))
    put(Draft(ended, content(department), ends_at=NOW + HOUR))
    drafts = [
        Draft(fresh, content(department)),
        Draft(ended, content(department)),
        Draft(changed, content(department, phone="1")),
        Draft(known, content(department)),
    ]
    wanted = [Outcome.CREATED, Outcome.REOPENED, Outcome.CHANGED, Outcome.UNCHANGED]
    assert put(*drafts, now=NOW + 2 * HOUR) == wanted
    assert put(*drafts, now=NOW + 2 * HOUR) == [Outcome.UNCHANGED] * 4


def test_foreseeing_tells_what_putting_then_does_and_writes_nothing(database, put, row, department):
    known, fresh = item_code(department), item_code(department)
    put(Draft(known, content(department)))
    drafts = [Draft(known, content(department, phone="1")), Draft(fresh, content(department))]
    with database.transaction() as session:
        foreseen = publishing.foresee(session, drafts, NOW)
        assert session.scalar(select(Item.id).where(Item.code == fresh)) is None
    assert row(known).revision == 1
    assert put(*drafts) == foreseen == [Outcome.CHANGED, Outcome.CREATED]


def test_unchanged_rows_are_untouched(put, row, versions, department):
    code = item_code(department)
    put(Draft(code, full_content(department)))
    put(
        Draft(code, full_content(department, summary=None) | {"summary": full_content(department)["summary"]}),
        now=NOW + HOUR,
    )
    assert (row(code).revision, row(code).updated_at, len(versions(code))) == (1, NOW, 1)


def test_a_change_makes_a_version_and_moves_the_lists(put, row, versions, department):
    code, other = item_code(department), content(department, name="社保卡补办", channels=["app"])
    put(Draft(code, content(department)))
    assert put(Draft(code, other), now=NOW + HOUR) == [Outcome.CHANGED]
    made = row(code)
    assert (made.version, made.latest, made.revision, made.name, made.online) == (2, 2, 2, "社保卡补办", True)
    assert (made.starts_at, made.updated_at) == (NOW, NOW + HOUR)
    assert [version.content["name"] for version in versions(code)] == ["社会保障卡申领", "社保卡补办"]


def test_a_scheduled_version_waits_and_then_turns_once(database, put, row, department):
    code, later = item_code(department), content(department, name="社保卡补办")
    put(Draft(code, content(department)))
    put(Draft(code, later, NOW + HOUR))
    made = row(code)
    assert (made.version, made.latest, made.turns_at, made.name) == (1, 2, NOW + HOUR, "社会保障卡申领")
    turn(database, NOW + HOUR - timedelta(seconds=1))
    assert row(code).version == 1
    turn(database, NOW + HOUR)
    made = row(code)
    assert (made.version, made.turns_at, made.name) == (2, None, "社保卡补办")
    with database.transaction() as session:
        assert session.get_one(ItemText, made.text_id).name == "社保卡补办"
    turn(database, NOW + 2 * HOUR)
    assert row(code).updated_at == made.updated_at


def test_a_turn_that_is_overdue_is_not_lost_by_a_further_scheduled_version(database, put, row, department):
    code = item_code(department)
    put(Draft(code, content(department)))
    put(Draft(code, content(department, name="二"), NOW + HOUR))
    put(Draft(code, content(department, name="三"), NOW + 9 * HOUR), now=NOW + 2 * HOUR)
    made = row(code)
    assert (made.version, made.latest, made.turns_at) == (1, 3, NOW + HOUR)
    turn(database, NOW + 2 * HOUR)
    assert (row(code).name, row(code).turns_at) == ("二", NOW + 9 * HOUR)
    turn(database, NOW + 9 * HOUR)
    assert (row(code).name, row(code).turns_at) == ("三", None)


def test_an_edit_now_replaces_what_was_scheduled(database, put, row, department):
    code = item_code(department)
    put(Draft(code, content(department)))
    put(Draft(code, content(department, name="二"), NOW + HOUR))
    put(Draft(code, content(department, name="三")))
    assert (row(code).version, row(code).turns_at) == (3, None)
    turn(database, NOW + 2 * HOUR)
    assert row(code).name == "三"


def test_ends_and_reopening(database, put, row, department):
    code = item_code(department)
    put(Draft(code, content(department)))
    with database.transaction() as session:
        assert publishing.end(session, [code, item_code()], at=NOW + HOUR, now=NOW) == 1
        assert publishing.end(session, [code], at=NOW + HOUR, now=NOW) == 0
    assert (row(code).ends_at, row(code).revision) == (NOW + HOUR, 2)
    with database.transaction() as session:
        assert publishing.end(session, [code], at=NOW + 9 * HOUR, now=NOW + 2 * HOUR) == 0, "over is over"
        assert publishing.reopen(session, [code], now=NOW + 2 * HOUR) == 1
        assert publishing.reopen(session, [code], now=NOW + 2 * HOUR) == 0
    assert row(code).ends_at is None


@pytest.mark.parametrize(
    "statement",
    [
        update(ItemVersion).values(source="staff"),
        update(ItemVersion).values(content={}),
        delete(ItemVersion),
        text("TRUNCATE item_versions CASCADE"),
    ],
    ids=["update", "content", "delete", "truncate"],
)
def test_a_published_version_never_changes(database, versions, statement):
    code = add_item(database)
    with pytest.raises(DBAPIError, match="a published version never changes"), database.transaction() as session:
        session.execute(statement)
    assert len(versions(code)) == 1


def test_a_topic_s_name_is_found_under_its_items(database, put, row, department):
    slug = f"t-{item_code()[-12:]}"
    with database.transaction() as session:
        session.add(Topic(slug=slug, name=f"换名{slug}", audience="person", position=0, updated_at=NOW))
    code = item_code(department)
    put(Draft(code, content(department, topics=[slug])))
    before = row(code).text_id
    with database.transaction() as session:
        session.execute(update(Topic).where(Topic.slug == slug).values(name=f"新名{slug}"))
        assert publishing.reword(session, slug, NOW) == 1
    assert row(code).text_id != before


def test_nothing_to_do_is_done_quietly(database, put):
    assert put() == []
    with database.transaction() as session:
        assert publishing.end(session, [], at=NOW, now=NOW) == 0
