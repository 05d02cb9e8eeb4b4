"""What is kept of a page: each view's screen encoded once, and copies in Valkey for processes that have nothing."""

import gzip
from datetime import UTC, datetime, timedelta

import pytest

from qe_ban.db.engine import Database, DatabaseUnavailable
from qe_ban.publishing.errors import PageNotFound
from qe_ban.publishing.rules.views import View
from qe_ban.publishing.service import screens
from qe_ban.web import wire
from tests.factories.shelves import HALL, Newsstand

ELDER = View(age_mode="elder")
LONG = {"id": "long", "type": "rich_text", "html": "<p>" + "青岛" * 2000 + "</p>"}


@pytest.fixture
def stand(database, settings):
    return Newsstand(database, settings.redis_url)


@pytest.fixture
def nowhere(tmp_path):
    made = Database(f"postgresql:///x?host={tmp_path}")
    yield made
    made.dispose()


def test_a_screen_has_a_tag_for_each_encoding_and_the_gzipped_bytes_hold_the_plain_ones(stand):
    stand.publish("早", blocks=[LONG])
    screen = stand.process().screen()
    assert gzip.decompress(screen.gzip_body.data) == screen.plain.data
    assert screen.gzip_body.tag != screen.plain.tag
    assert len(screen.gzip_body.data) < len(screen.plain.data) / 10


def test_every_process_gives_the_same_bytes_and_tags(stand):
    stand.publish("早", blocks=[LONG])
    one, other = stand.process().screen(), stand.process().screen()
    assert one.gzip_body == other.gzip_body
    assert one.plain == other.plain


def test_a_tiny_screen_is_not_gzipped(stand):
    stand.publish("早")
    assert stand.process().screen().gzip_body is None


def test_a_view_has_its_own_screen_where_a_block_is_aimed_and_shares_the_bytes_where_none_is(stand):
    aimed = {"id": "big", "type": "rich_text", "aim": {"age_mode": "elder"}}
    stand.publish("早", blocks=[LONG, aimed])
    process = stand.process()
    anybody, elder, firm = process.screen(), process.screen(ELDER), process.screen(View(audience="firm"))
    assert [len(wire.loads(screen.plain.data)["blocks"]) for screen in (anybody, elder)] == [1, 2]
    assert firm.plain is anybody.plain
    assert process.loads == 1


def test_a_screen_is_encoded_once_until_something_in_it_begins_or_ends(stand):
    now = datetime.now(UTC)
    late = {"id": "late", "type": "rich_text", "starts_at": (now + timedelta(hours=1)).isoformat()}
    stand.publish("早", blocks=[LONG, late])
    process = stand.process()
    before = process.screen(now=now)
    assert process.screen(now=now + timedelta(minutes=59)) is before
    after = process.screen(now=now + timedelta(hours=1))
    assert [block["id"] for block in wire.loads(after.plain.data)["blocks"]] == ["long", "late"]
    assert process.loads == 1


def test_whoever_invents_views_fills_no_memory(stand):
    stand.publish("早")
    process = stand.process()
    for number in range(screens.MAX_VIEWS * 3):
        process.screen(View(district=str(number)))
    (held,) = process.shelf._pages.values()
    assert len(held._screens) == screens.MAX_VIEWS


def test_a_process_that_has_nothing_shows_the_copy_of_another_one_marked(stand, nowhere):
    stand.publish("早", blocks=[LONG], ends_at=datetime.now(UTC) + timedelta(hours=1))
    whole = stand.process().screen()
    fresh = stand.process(database=nowhere)
    screen = fresh.screen(now=datetime.now(UTC) + timedelta(seconds=90))
    assert screen.plain == whole.plain
    assert 89 <= screen.age <= 91


def test_a_copy_by_another_release_is_none(stand, nowhere):
    stand.publish("早")
    stand.process(release="1").read()
    with pytest.raises(DatabaseUnavailable):
        stand.process(release="2", database=nowhere).read()


def test_a_slow_process_puts_no_older_page_over_one_that_was_withdrawn(stand, nowhere):
    number = stand.publish("早")
    slow, quick = stand.process(), stand.process()
    slow.read()
    before = slow.shelf._pages[HALL, stand.slug]
    stand.withdraw(number)
    with pytest.raises(PageNotFound):
        quick.read()
    slow.shelf._shared_cache.keep(HALL, stand.slug, before.page, before.stamp, datetime.now(UTC))
    with pytest.raises(PageNotFound):
        stand.process(database=nowhere).read()


def test_a_page_that_is_too_large_leaves_no_copy_and_is_shown_all_the_same(stand, nowhere, monkeypatch):
    monkeypatch.setattr("qe_ban.publishing.service.shared_cache.MAX_COPY_BYTES", 1000)
    stand.publish("早", blocks=[LONG])
    assert stand.process().read() == ("早", None)
    with pytest.raises(DatabaseUnavailable):
        stand.process(database=nowhere).read()
