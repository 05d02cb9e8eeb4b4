"""What residents keep at hand names nobody: its rows stand under a keyed hash, and rows of before are moved there."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from qe_ban.accounts.errors import SessionEnded
from qe_ban.accounts.models import Resident
from qe_ban.accounts.service import Accounts, closing, residents
from qe_ban.app import upgrade
from qe_ban.audit.service import AtShell
from qe_ban.db import overlaps
from qe_ban.db.engine import DatabaseUnavailable
from qe_ban.halls.models import FavouriteItem, FollowedHall, RecentItem, ResidentHall
from qe_ban.halls.service import list_owners, moving, own_lists
from qe_ban.halls.service import residents as service
from qe_ban.kernel.clock import start_of_day, system_clock
from tests.factories import items
from tests.factories.accounts import random_phone

pytestmark = pytest.mark.xdist_group("privacy")
LISTS = (ResidentHall, FollowedHall, FavouriteItem, RecentItem)
ELDER = service.Setting("shinan", "elder")
LATER = timedelta(seconds=5)


class Keeper:
    """A resident who keeps something in every list."""

    def __init__(self, parts):
        self.parts, self.rings = parts, parts.rings
        with parts.database.transaction() as session:
            self.id = residents.of_phone(parts.rings, session, phone=random_phone(), now=system_clock())
        self.item = items.add_item(parts.database)

    @property
    def owner(self):
        return list_owners.owner_ids(self.rings, self.id)[0]

    def keep(self):
        now = system_clock()
        with self.parts.database.transaction() as session:
            service.choose(self.rings, session, self.parts.city, self.id, ELDER, now)
            service.follow(self.rings, session, self.parts.city, self.id, "shinan", now)
            service.favour(self.rings, session, self.id, self.item, now)
            service.use(self.rings, session, self.id, self.item, now)
        return now

    def write(self, model, owner, at):
        """Leave a row as of a moment, under an id."""
        key = "shinan" if model is FollowedHall else self.item[19:]
        with self.parts.database.transaction() as session:
            own_lists.save(self.rings, session, own_lists.new_row(model, owner, key), system_clock(), at=at)

    def owners(self):
        """Return under which ids rows of each list stand."""
        with self.parts.database.transaction() as session:
            return {
                model: session.scalars(
                    select(model.resident_id).where(model.resident_id.in_(list_owners.owner_ids(self.rings, self.id)))
                ).all()
                for model in LISTS
            }

    def lists(self):
        """Return what the resident reads."""
        with self.parts.database.transaction() as session:
            home = service.home(self.rings, session, self.parts.city, self.id, system_clock())
            entries = [
                own_lists.entries(self.rings, session, model, self.id)
                for model in (FollowedHall, FavouriteItem, RecentItem)
            ]
        return home, entries

    def unfollow(self):
        with self.parts.database.transaction() as session:
            service.unfollow(self.rings, session, self.id, "shinan", system_clock())


@pytest.fixture
def keeper(parts):
    return Keeper(parts)


def written(parts, resident):
    """Return which transactions wrote and locked an account's row."""
    with parts.database.transaction() as session:
        row = session.execute(text("SELECT xmin::text, xmax::text FROM residents WHERE id = :id"), {"id": resident})
        return tuple(row.one())


def test_lists_stand_under_a_hash_and_whoever_writes_them_leaves_no_trace_on_the_account(parts, keeper):
    before = written(parts, keeper.id)
    keeper.keep()
    assert keeper.owner != keeper.id
    assert keeper.owners() == {model: [keeper.owner] for model in LISTS}
    assert written(parts, keeper.id) == before


def hold_at_once(parts, resident):
    with parts.database.transaction() as session:
        session.execute(text("SET LOCAL lock_timeout = '50ms'"))
        list_owners.hold(parts.rings, session, resident, system_clock())


def test_while_the_previous_release_may_serve_lists_stand_where_it_reads_them(parts, serve_beside, keeper):
    serve_beside(timedelta(hours=1))
    keeper.keep()
    upgrade.rewrite(parts)
    assert keeper.owners() == {model: [keeper.id] for model in LISTS}
    with parts.database.transaction() as session:
        session.get_one(Resident, keeper.id, with_for_update=True)
        # that release takes this lock alone
        with pytest.raises(DatabaseUnavailable):
            hold_at_once(parts, keeper.id)


def test_then_the_worker_moves_them_and_the_resident_sees_no_difference(parts, serve_beside, keeper):
    serve_beside(timedelta(hours=1))
    now = keeper.keep()
    before = keeper.lists()
    serve_beside(timedelta(seconds=-1))
    assert keeper.lists() == before
    upgrade.rewrite(parts)
    assert keeper.owners() == {model: [keeper.owner] for model in LISTS}
    assert keeper.lists() == before
    home, (followed, *_) = before
    assert (home.setting, followed[0].at) == (ELDER, now)
    upgrade.rewrite(parts)
    with parts.database.transaction() as session:
        assert overlaps.is_rewritten(session)


@pytest.mark.parametrize("model", [FollowedHall, FavouriteItem, RecentItem])
@pytest.mark.parametrize("later_is_plain", [True, False])
def test_an_entry_that_stands_under_both_ids_is_told_once_and_moved_as_of_its_later_moment(
    parts, keeper, model, later_is_plain
):
    now = system_clock()
    early, late = start_of_day(now) - timedelta(days=1), now
    keeper.write(model, keeper.id, late if later_is_plain else early)
    keeper.write(model, keeper.owner, early if later_is_plain else late)
    with parts.database.transaction() as session:
        assert [entry.at for entry in own_lists.entries(parts.rings, session, model, keeper.id)] == [late]
    moving.move_all(parts.database, parts.rings, system_clock)
    assert keeper.owners()[model] == [keeper.owner]
    with parts.database.transaction() as session:
        assert [entry.at for entry in own_lists.entries(parts.rings, session, model, keeper.id)] == [late]


def test_what_stands_under_the_plain_id_is_changed_and_deleted_before_it_is_moved(parts, keeper):
    now = system_clock()
    keeper.write(RecentItem, keeper.id, now)
    keeper.write(FollowedHall, keeper.id, now)
    with parts.database.transaction() as session:
        service.use(parts.rings, session, keeper.id, keeper.item, now + LATER)
    keeper.unfollow()
    _, (followed, _, recent) = keeper.lists()
    assert followed == []
    assert [entry.at for entry in recent] == [now + LATER]


def test_lists_that_somebody_writes_are_left_for_the_next_run(parts, keeper):
    keeper.write(FollowedHall, keeper.id, system_clock())
    with parts.database.transaction() as session:
        list_owners.hold(parts.rings, session, keeper.id, system_clock())
        assert moving.move_all(parts.database, parts.rings, system_clock) >= 1
        assert keeper.owners()[FollowedHall] == [keeper.id]
    moving.move_all(parts.database, parts.rings, system_clock)
    assert keeper.owners()[FollowedHall] == [keeper.owner]
    assert moving.move_all(parts.database, parts.rings, system_clock) == 0


def test_who_unfollows_during_a_move_has_unfollowed(parts, keeper):
    keeper.write(FollowedHall, keeper.id, system_clock())
    first = keeper.id.int - 1
    with ThreadPoolExecutor(1) as pool:
        with parts.database.transaction() as session:
            moving.move(session, parts.rings, type(keeper.id)(int=first), system_clock(), limit=1)
            waiting = pool.submit(keeper.unfollow)
            time.sleep(0.3)
            assert not waiting.done()
        waiting.result()
    assert keeper.owners()[FollowedHall] == []


def close(parts, resident):
    with parts.database.transaction() as session:
        session.execute(text("SET LOCAL lock_timeout = '50ms'"))
        row = session.get_one(Resident, resident, with_for_update=True)
        closing.close(parts.get(Accounts), session, row, change=AtShell(system_clock()), why="resident")


def test_an_account_is_not_closed_while_a_list_is_written_and_none_is_written_after_it(parts, keeper):
    keeper.keep()
    keeper.write(FollowedHall, keeper.id, system_clock())
    with parts.database.transaction() as session:
        list_owners.hold(parts.rings, session, keeper.id, system_clock())
        with pytest.raises(DatabaseUnavailable):
            close(parts, keeper.id)
    close(parts, keeper.id)
    assert keeper.owners() == {model: [] for model in LISTS}
    with pytest.raises(SessionEnded):
        keeper.keep()
    with pytest.raises(SessionEnded):
        keeper.unfollow()
