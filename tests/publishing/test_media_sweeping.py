"""Which pictures are used, and which are let go: never one that somebody uses at that moment."""

import io
import os
import secrets
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import exc, func, select

from qe_ban.app import assemble
from qe_ban.audit.models import AuditEvent
from qe_ban.composition import working
from qe_ban.halls.models import App
from qe_ban.halls.rules.words import APP_STATES
from qe_ban.publishing.adapters.media import FULL, DirectoryStore
from qe_ban.publishing.errors import StoreAway
from qe_ban.publishing.models import Media, MediaUse
from qe_ban.publishing.service import media
from qe_ban.publishing.service.media import Pictures
from tests.factories.accounts import together
from tests.factories.waits import HANG_TIMEOUT
from tests.publishing import photos

DAY = timedelta(days=1)


def put(session, store, data, now):
    """Hand in a file for nobody in particular; gives its row."""
    return media.store_picture(session, store, media.reencode(io.BytesIO(data)), None, now)[0]


@pytest.fixture
def now():
    return datetime.now(UTC)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "media"


@pytest.fixture
def store(root):
    return DirectoryStore(root)


@pytest.fixture
def slug():
    return f"page-{secrets.token_hex(6)}"


@pytest.fixture
def hand_in(database, store, now):
    """Hand in a picture that nobody has, some days ago; gives its digest."""

    def do(days=0):
        with database.transaction() as session:
            return put(session, store, photos.jpeg(400, 300), now - days * DAY).digest

    return do


@pytest.fixture
def use(database, slug):
    def do(*digests, owner="hall", number=0, slug=slug):
        with database.transaction() as session:
            return media.store_uses(session, owner, slug, number, digests)

    return do


@pytest.fixture
def collect(database, now):
    def do(now=now):
        with database.transaction() as session:
            return media.collect(session, now)

    return do


@pytest.fixture
def sweep(database, store, now):
    def do(now=now):
        with database.transaction() as session:
            return media.sweep_files(session, store, now)

    return do


def stands(database, digest):
    with database.transaction() as session:
        return session.get(Media, digest) is not None


def used(database, slug):
    with database.transaction() as session:
        rows = select(MediaUse.owner, MediaUse.number, MediaUse.digest).where(MediaUse.slug == slug)
        return sorted(tuple(row) for row in session.execute(rows))


def test_a_picture_is_kept_with_its_row_and_its_event(database, store, hand_in):
    digest = hand_in()
    with database.transaction() as session:
        row = session.get_one(Media, digest)
        event = session.scalars(select(AuditEvent).where(AuditEvent.subject == digest)).one()
    assert (row.type, row.width, row.height, row.widths) == ("image/jpeg", 400, 300, [320])
    with store.open(digest, FULL) as file:
        assert len(file.read()) == row.bytes
    assert (event.action, event.details["width"]) == ("media.put", 400)


def test_one_picture_handed_in_by_many_at_once_is_one(database, store, now):
    data = photos.jpeg(500, 300)

    def hand_in(_):
        with database.transaction() as session:
            return media.store_picture(session, store, media.reencode(io.BytesIO(data)), None, now)

    outcomes = together(6, hand_in)
    assert len({row.digest for row, _ in outcomes}) == 1
    assert sorted(is_new for _, is_new in outcomes) == [False] * 5 + [True]


def test_when_the_store_is_away_there_is_no_row(database, now):
    picture = media.reencode(io.BytesIO(photos.jpeg()))
    with pytest.raises(StoreAway), database.transaction() as session:
        media.store_picture(session, DirectoryStore(None), picture, None, now)
    assert not stands(database, picture.digest)


def test_files_that_were_lost_are_there_again_when_the_picture_is_handed_in_again(database, store, now):
    data = photos.jpeg()
    for _ in range(2):
        with database.transaction() as session:
            digest = put(session, store, data, now).digest
        with store.open(digest, FULL) as file:
            assert file.read(2) == b"\xff\xd8"
        store.remove(digest)


def test_uses_take_the_place_of_those_before_and_unknown_pictures_are_told(database, hand_in, use, slug):
    one, two, unknown = hand_in(), hand_in(), secrets.token_hex(32)
    assert use(one, two, unknown) == {unknown}
    assert used(database, slug) == sorted([("hall", 0, one), ("hall", 0, two)])
    assert use(two, two) == frozenset()
    assert use(one, number=3) == frozenset()
    assert use(one, owner="zone") == frozenset()
    assert used(database, slug) == sorted([("hall", 0, two), ("hall", 3, one), ("zone", 0, one)])
    assert use() == frozenset()
    assert used(database, slug) == sorted([("hall", 3, one), ("zone", 0, one)])


@pytest.mark.parametrize("digest", ["", "x", "' OR 1=1 --", "a" * 10_000, "A" * 64])
def test_what_is_no_digest_is_an_unknown_picture(database, use, slug, digest):
    assert use(digest) == {digest}
    assert used(database, slug) == []


def test_a_source_gives_what_pages_show(database, hand_in, now):
    digest, unknown = hand_in(), secrets.token_hex(32)
    with database.transaction() as session:
        found = media.source(session, [digest, unknown], now)
        assert media.source(session, [], now) == {}
    url = f"/api/v1/media/{digest}"
    sizes = [{"width": 320, "url": f"{url}/320"}]
    assert found == {digest: {"url": url, "type": "image/jpeg", "width": 400, "height": 300, "sizes": sizes}}


def test_only_what_nobody_uses_and_that_is_old_is_let_go(database, hand_in, use, collect):
    young, old, kept = hand_in(6.9), hand_in(7.1), hand_in(30)
    use(kept)
    assert collect() >= 1
    assert [stands(database, digest) for digest in (young, old, kept)] == [True, False, True]
    with database.transaction() as session:
        actions = session.scalars(select(AuditEvent.action).where(AuditEvent.subject == old).order_by(AuditEvent.id))
        assert list(actions) == ["media.put", "media.let_go"]
    use()
    collect()
    assert not stands(database, kept)


def test_what_is_handed_in_again_begins_anew(database, store, collect, now):
    data = photos.jpeg()
    for days in (30, 1):
        with database.transaction() as session:
            digest = put(session, store, data, now - days * DAY).digest
    collect()
    assert stands(database, digest)


def test_files_go_a_day_after_their_rows_and_no_others(database, root, store, hand_in, use, collect, sweep, now):
    gone, kept, orphan = hand_in(8), hand_in(8), secrets.token_hex(32)
    use(kept)
    store.store(orphan, {FULL: b"of a transaction that never committed"})
    collect()
    assert sweep() == 0, "all files are of this hour"
    assert (root / gone[:2] / gone / FULL).exists()
    assert sweep(now + 2 * DAY) == 2
    assert store.open(gone, FULL) is None
    assert store.open(orphan, FULL) is None
    with store.open(kept, FULL) as file:
        assert file.read(2) == b"\xff\xd8"
    assert sweep(now + 2 * DAY) == 0


def test_a_sweep_takes_some_at_a_time(database, store, now):
    for _ in range(5):
        store.store(secrets.token_hex(32), {FULL: b"x"})
    counts = []
    for _ in range(3):
        with database.transaction() as session:
            counts.append(media.sweep_files(session, store, now + 2 * DAY, at_most=2))
    assert counts == [2, 2, 1]


def test_a_draft_saved_while_a_sweep_is_at_work_does_not_find_the_picture(database, hand_in, slug, now):
    digest, outcome = hand_in(30), []

    def save():
        with database.transaction() as session:
            outcome.append(media.store_uses(session, "hall", slug, 0, [digest]))

    with database.transaction() as session:
        media.collect(session, now)
        saver = threading.Thread(target=save)
        saver.start()
        saver.join(0.3)
        assert saver.is_alive(), "it waits for what becomes of the sweep"
    saver.join(HANG_TIMEOUT)
    assert outcome == [{digest}]
    assert used(database, slug) == []


def test_a_sweep_while_a_draft_is_saved_leaves_the_picture(database, hand_in, collect, slug):
    digest = hand_in(30)
    with database.transaction() as session:
        assert media.store_uses(session, "hall", slug, 0, [digest]) == frozenset()
        collect()
    assert stands(database, digest)
    collect()
    assert stands(database, digest)


def test_drafts_and_sweeps_at_once_never_break_anything(database, hand_in, now, slug):
    digests = [hand_in(30) for _ in range(6)]

    def work(number):
        with database.transaction() as session:
            if number % 2:
                media.collect(session, now)
                return frozenset()
            return media.store_uses(session, "hall", f"{slug}-{number}", 0, digests)

    outcomes = together(8, work)
    assert all(isinstance(outcome, frozenset) for outcome in outcomes), outcomes
    for number in range(0, 8, 2):
        assert {row[2] for row in used(database, f"{slug}-{number}")} == set(digests) - outcomes[number]


def test_files_of_a_picture_that_is_being_handed_in_are_left(database, store, root, sweep, now):
    data = photos.jpeg()
    picture = media.reencode(io.BytesIO(data))
    store.store(picture.digest, picture.files)
    with database.transaction() as session:
        media.store_picture(session, store, picture, None, now)
        session.flush()
        os.utime(root / picture.digest[:2] / picture.digest, (0, 0))
        # its row is not to be seen yet from there
        assert sweep(now) == 0
    with store.open(picture.digest, FULL) as file:
        assert file.read(2) == b"\xff\xd8"
    assert stands(database, picture.digest)


def test_a_picture_that_another_table_refers_to_stays_and_holds_nothing_up(database, hand_in, collect, now):
    icon, other = hand_in(30), hand_in(30)
    row = {"name": "挪车", "summary": None, "kind": "native", "address": None, "native_page": "move-car"}
    row |= {
        "owner": "胶州",
        "category": "traffic",
        "state": next(iter(APP_STATES)),
        "state_reason": None,
        "districts": [],
    }
    with database.transaction() as session:
        slug = f"app-{secrets.token_hex(6)}"
        session.add(App(slug=slug, icon=icon, position=1, revision=1, updated_at=now, **row))
    collect()
    assert [stands(database, digest) for digest in (icon, other)] == [True, False]


def test_the_workers_schedules_let_go_of_a_picture_and_then_of_its_files(settings, database, now):
    parts = assemble(settings)
    old = now - 8 * DAY
    with database.transaction() as session:
        digest = put(session, parts.get(Pictures).store, photos.jpeg(), old).digest
    place = settings.media_dir / digest[:2] / digest
    os.utime(place, (old.timestamp(), old.timestamp()))
    schedules = {schedule.name: schedule.run for schedule in working.schedules(parts)}
    for name in ("media.collect", "media.files"):
        assert place.exists()
        with database.transaction() as session:
            schedules[name](session, now)
    assert not stands(database, digest)
    assert not place.exists()
    parts.database.dispose()


def test_pictures_in_use_cannot_be_deleted_by_whoever_forgets_to_look(database, hand_in, use):
    digest = hand_in()
    use(digest)
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(MediaUse).where(MediaUse.digest == digest)) == 1
    with pytest.raises(exc.IntegrityError), database.transaction() as session:
        session.delete(session.get_one(Media, digest))
