"""A topic is renamed while others write items under it: whoever comes last, all are found by the new name."""

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from qe_ban.audit import service as audit
from qe_ban.items.models import Item, Topic
from qe_ban.items.queries import writing
from qe_ban.items.service import publishing, topics
from qe_ban.items.service.publishing import Draft
from qe_ban.items.service.topics import NewTopic
from tests.factories.items import add_department, add_item, basic_code, content, item_code
from tests.factories.venues import AdminFactory
from tests.factories.waits import HANG_TIMEOUT

NOW = datetime(2026, 10, 1, 8, tzinfo=UTC)


@pytest.fixture
def slug(database):
    slug = f"t-{basic_code()}"
    with database.transaction() as session:
        session.add(Topic(slug=slug, name=f"旧名{slug}", audience="person", position=0, updated_at=NOW))
    return slug


@pytest.fixture
def renaming(database, slug):
    """Begin to rename the topic on a connection of its own; gives the thread, and what went wrong in it."""
    wrong = []

    def rename():
        new, change = NewTopic(slug, f"新名{slug}", "person"), audit.Change(AdminFactory(), NOW)
        try:
            with database.transaction() as session:
                topics.put(session, new, precondition=lambda _: None, change=change)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test tells it
            wrong.append(error)

    def begin():
        thread = threading.Thread(target=rename)
        thread.start()
        thread.join(0.3)
        return thread, wrong

    return begin


def text_id(database, code):
    with database.transaction() as session:
        return session.scalars(select(Item.text_id).where(Item.code == code)).one()


def test_who_publishes_under_the_old_name_is_seen_by_the_renaming(database, slug, renaming):
    basic, department = basic_code(), add_department(database)
    code = item_code(department, basic)
    with database.transaction() as session:
        publishing.put(session, [Draft(code, content(department, topics=[slug]))], by=None, source="staff", now=NOW)
        thread, wrong = renaming()
        assert thread.is_alive()
    thread.join(HANG_TIMEOUT)
    assert (thread.is_alive(), wrong) == (False, [])
    other = add_department(database)
    after = add_item(database, Draft(item_code(other, basic), content(other, topics=[slug])), now=NOW)
    assert text_id(database, code) == text_id(database, after)


def test_who_holds_an_item_and_ends_it_never_waits_in_a_ring_with_the_renaming(database, slug, renaming):
    code = add_item(database, topics=[slug], now=NOW)
    with database.transaction() as session:
        assert writing.hold_known(session, code) is not None
        thread, wrong = renaming()
        assert publishing.end(session, [code], at=NOW, now=NOW) == 1
    thread.join(HANG_TIMEOUT)
    assert (thread.is_alive(), wrong) == (False, [])


def test_nobody_waits_for_a_topic_that_keeps_its_name(database, slug):
    department, change = add_department(database), audit.Change(AdminFactory(), NOW)
    with database.transaction() as session:
        draft = Draft(item_code(department), content(department, topics=[slug]))
        publishing.put(session, [draft], by=None, source="staff", now=NOW)
        moved = NewTopic(slug, f"旧名{slug}", "person", None, 7)

        def move():
            with database.transaction() as other:
                topics.put(other, moved, precondition=lambda _: None, change=change)

        thread = threading.Thread(target=move)
        thread.start()
        thread.join(HANG_TIMEOUT)
        assert not thread.is_alive()
