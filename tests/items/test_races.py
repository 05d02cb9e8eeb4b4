"""Who wins when several publish, edit, turn and delete at the same instant: exactly one, and nothing is lost."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from qe_ban.audit import service as audit
from qe_ban.items.errors import TopicInUse, TopicInvalid
from qe_ban.items.models import Item, ItemVersion, Topic
from qe_ban.items.service import publishing, topics
from qe_ban.items.service.publishing import Draft, Outcome
from qe_ban.items.service.topics import NewTopic
from tests.factories.accounts import together
from tests.factories.items import add_department, add_item, content, item_code
from tests.factories.venues import AdminFactory

NOW = datetime(2026, 10, 1, 8, tzinfo=UTC)


def put(database, drafts, now=NOW):
    with database.transaction() as session:
        return publishing.put(session, drafts, by=None, source="import", now=now)


def numbers(database, code):
    with database.transaction() as session:
        wanted = select(ItemVersion.number).join(Item, Item.id == ItemVersion.item_id).where(Item.code == code)
        return sorted(session.scalars(wanted))


def test_of_many_who_make_an_item_at_once_one_does(database):
    department = add_department(database)
    codes = [item_code(department) for _ in range(5)]
    drafts = [Draft(code, content(department)) for code in codes]
    outcomes = together(6, lambda number: put(database, drafts if number % 2 else drafts[::-1]))
    assert sorted(outcome[0] for outcome in outcomes).count(Outcome.CREATED) == 1
    assert all(set(outcome) in ({Outcome.CREATED}, {Outcome.UNCHANGED}) for outcome in outcomes), outcomes
    assert [numbers(database, code) for code in codes] == [[1]] * 5


def test_changes_at_once_become_versions_one_after_another(database):
    department = add_department(database)
    codes = [item_code(department) for _ in range(4)]
    put(database, [Draft(code, content(department)) for code in codes])

    def change(number):
        drafts = [Draft(code, content(department, phone=str(number))) for code in codes]
        return put(database, drafts if number % 2 else drafts[::-1], NOW + timedelta(minutes=1))

    outcomes = together(6, change)
    assert all(outcome == [Outcome.CHANGED] * 4 for outcome in outcomes), outcomes
    assert [numbers(database, code) for code in codes] == [[1, 2, 3, 4, 5, 6, 7]] * 4


def test_fresh_and_known_items_mixed_never_wait_in_a_ring(database):
    department = add_department(database)
    known, fresh = ([item_code(department) for _ in range(10)] for _ in range(2))
    put(database, [Draft(code, content(department)) for code in known])

    def work(number):
        mixed = [*known[number:], *fresh[: 10 - number], *known[:number]]
        return put(database, [Draft(code, content(department, name=f"第{number}")) for code in mixed])

    outcomes = together(6, work)
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)], outcomes


def test_turning_twice_at_once_turns_each_item_once(database):
    codes = [add_item(database, now=NOW) for _ in range(6)]
    department = add_department(database)
    later = [Draft(code, content(department, name="后来"), NOW + timedelta(hours=1)) for code in codes]
    put(database, later)

    def turn(_):
        with database.transaction() as session:
            return publishing.turn(session, NOW + timedelta(hours=2))

    together(4, turn)
    with database.transaction() as session:
        rows = session.scalars(select(Item).where(Item.code.in_(codes))).all()
    assert {(row.name, row.version, row.turns_at) for row in rows} == {("后来", 2, None)}


def any_state(_):
    return None


def add_topics(database, *names, audience="person"):
    slugs = [f"{name}-{item_code()[-12:]}" for name in names]
    with database.transaction() as session:
        for slug in slugs:
            session.add(Topic(slug=slug, name=slug, audience=audience, position=0, updated_at=NOW))
    return slugs


def test_two_halves_of_a_circle_at_once_make_none(database):
    left, right = add_topics(database, "left", "right")
    change = audit.Change(AdminFactory(), NOW)

    def hang(number):
        child, parent = (left, right) if number % 2 else (right, left)
        with database.transaction() as session:
            return topics.put(session, NewTopic(child, child, "person", parent), precondition=any_state, change=change)

    outcomes = together(6, hang)
    assert {type(outcome) for outcome in outcomes} == {bool, TopicInvalid}
    with database.transaction() as session:
        parents = {row.slug: row.parent for row in session.scalars(select(Topic).where(Topic.slug.in_((left, right))))}
    assert sorted(parents.values(), key=str) in ([None, right], [None, left], [left, None], [right, None])


def test_a_topic_is_deleted_or_used_but_not_both(database):
    department, change = add_department(database), audit.Change(AdminFactory(), NOW)
    for _ in range(4):
        (slug,) = add_topics(database, "used")
        code = item_code(department)

        def work(number, slug=slug, code=code):
            with database.transaction() as session:
                if number:
                    return topics.delete(session, slug=slug, precondition=any_state, change=change)
                known = set(
                    session.scalars(select(Topic.slug).where(Topic.slug == slug).with_for_update(key_share=True))
                )
                draft = Draft(code, content(department, topics=sorted(known)))
                return publishing.put(session, [draft], by=None, source="import", now=NOW)

        made, deleted = together(2, work)
        assert made == [Outcome.CREATED]
        with database.transaction() as session:
            used = session.scalars(select(Item.topics).where(Item.code == code)).one()
            there = session.get(Topic, slug) is not None
        assert (used, deleted is None or isinstance(deleted, TopicInUse)) == ([slug] if there else [], True)
