"""What a shelf serves: never old unmarked, and with as few ways to the engines as told."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from qe_ban.db.engine import Database, DatabaseUnavailable
from qe_ban.kernel.city import CITY_HALL
from qe_ban.publishing.errors import PageNotFound
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import page_cache, stamps
from tests.factories.shelves import ANYBODY, HALL, Newsstand
from tests.factories.waits import HANG_TIMEOUT


@pytest.fixture
def stand(database, settings):
    return Newsstand(database, settings.redis_url)


def test_many_who_ask_a_fresh_process_at_once_have_the_page_loaded_once(stand):
    stand.publish("早")
    process = stand.process()
    process.gate.clear()
    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(process.read) for _ in range(12)]
        process.gate.set()
        assert {future.result() for future in asked} == {("早", None)}
    assert process.loads == 1


def test_a_change_is_shown_by_the_process_that_made_it_at_once_and_by_others_when_they_look_next(stand):
    stand.publish("早")
    here, there = stand.process(), stand.process()
    assert here.read() == there.read() == ("早", None)
    stand.publish("午")
    here.shelf.publish_invalidation()
    assert here.read() == ("午", None)
    stand.hands.at += page_cache.LOOK_INTERVAL
    assert there.later() == ("午", None)


def test_whoever_made_a_change_is_told_only_when_it_is_shown_and_others_go_on_meanwhile(stand):
    stand.publish("早")
    process = stand.process()
    process.read()
    stand.publish("午")
    process.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        telling = pool.submit(process.shelf.publish_invalidation)
        assert process.loading.wait(HANG_TIMEOUT)
        assert process.read() == ("早", None)
        assert not telling.done()
        process.gate.set()
        telling.result()
    assert process.read() == ("午", None)


def test_a_change_of_one_page_has_no_other_one_loaded_and_one_of_what_all_may_tell_of_has_all(stand):
    other = f"{stand.slug}-other"
    stand.publish("早")
    process = stand.process()
    process.read()
    with pytest.raises(PageNotFound):
        process.read(slug=other)
    assert process.loads == 2
    stand.publish("午")
    process.shelf.publish_invalidation()
    assert process.loads == 3
    with stand.database.transaction() as session:
        stamps.bump(session)
    process.shelf.publish_invalidation()
    assert process.loads == 5


def test_a_change_of_the_city_s_hall_has_all_halls_loaded_but_no_zone(stand):
    process = stand.process()
    with pytest.raises(PageNotFound):
        process.read()
    with pytest.raises(PageNotFound):
        process.shelf.page(PageKind.ZONE, stand.slug, datetime.now(UTC))
    with stand.database.transaction() as session:
        stamps.bump(session, HALL, CITY_HALL)
    process.shelf.publish_invalidation()
    assert process.loads == 3


def test_a_change_that_nobody_told_of_is_found_within_seconds(stand):
    stand.publish("早")
    process = stand.process()
    process.read()
    stand.publish("午")
    for _ in range(int(page_cache.ASK_INTERVAL) + 1):
        stand.hands.at += page_cache.LOOK_INTERVAL
        title = process.later()
    assert title == ("午", None)


def test_valkey_is_asked_once_a_second_however_often_pages_are_read(stand):
    stand.publish("早")
    process = stand.process()
    process.read()

    asked, ask = [], process.valkey.execute_command
    process.valkey.execute_command = lambda *words, **options: (asked.append(words[0]), ask(*words, **options))[1]
    for _ in range(3):
        stand.hands.at += page_cache.LOOK_INTERVAL
        for _ in range(50):
            process.read()
        process.settle()
    assert asked.count("GET") == 3
    assert process.loads == 1


def test_without_valkey_a_change_is_found_within_a_second_all_the_same(stand, tmp_path):
    stand.publish("早")
    process = stand.process(url=f"unix://{tmp_path}/none")
    assert process.read() == ("早", None)
    stand.publish("午")
    stand.hands.at += page_cache.LOOK_INTERVAL
    assert process.later() == ("午", None)


def test_whoever_comes_after_a_long_rest_gets_what_is_published_now_and_so_do_those_beside(stand):
    stand.publish("早")
    process = stand.process()
    process.read()
    stand.publish("午")
    stand.hands.at += 3600
    process.gate.clear()
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(process.read) for _ in range(6)]
        time.sleep(0.05)
        process.gate.set()
        assert {future.result() for future in asked} == {("午", None)}
    assert process.loads == 2


def test_while_a_page_is_loaded_nobody_waits_and_past_two_seconds_it_is_marked(stand):
    stand.publish("早")
    process = stand.process()
    process.read()
    stand.publish("午")
    stand.process().shelf.publish_invalidation()
    stand.hands.at += page_cache.LOOK_INTERVAL
    process.gate.clear()
    assert process.read() == ("早", None)
    assert process.loading.wait(HANG_TIMEOUT)
    assert process.read() == ("早", None)
    stand.hands.at += 5
    assert process.read() == ("早", 6), "marked, and not waited for: something hangs"
    process.gate.set()
    assert process.later() == ("午", None)


def test_a_version_comes_and_goes_at_its_time(stand):
    now = datetime.now(UTC)
    stand.publish("早", starts_at=now - timedelta(hours=1))
    stand.publish("午", starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=2))
    process = stand.process()
    told = [process.read(now=now + timedelta(hours=hours)) for hours in (0, 0.999, 1, 1.999, 2)]
    assert told == [("早", None), ("早", None), ("午", None), ("午", None), ("早", None)]
    assert process.loads == 3


def test_what_a_page_turns_to_is_loaded_and_encoded_before_and_shown_at_that_moment_without_waiting(stand):
    turn = datetime.now(UTC) + timedelta(hours=1)
    stand.publish("早")
    stand.publish("午", starts_at=turn)
    process = stand.process()
    process.read()
    for before in (10, 2):
        stand.hands.at += page_cache.LOOK_INTERVAL
        assert process.later(now=turn - timedelta(seconds=before)) == ("早", None)
    process.gate.clear()
    assert process.read(now=turn - timedelta(microseconds=1)) == ("早", None)
    assert process.read(now=turn) == ("午", None)
    process.gate.set()
    process.settle()
    assert process.loads == 2
    stand.publish("晚", starts_at=turn)
    process.shelf.publish_invalidation()
    assert process.read(now=turn) == ("晚", None)


def test_a_change_before_a_page_turns_is_in_what_it_turns_to(stand):
    turn = datetime.now(UTC) + timedelta(hours=1)
    stand.publish("早")
    number = stand.publish("午", starts_at=turn)
    process = stand.process()
    process.later(now=turn - timedelta(seconds=2))
    stand.withdraw(number)
    process.shelf.publish_invalidation()
    assert process.read(now=turn) == ("早", None)


def test_a_page_opens_at_its_moment_without_being_asked_for_in_vain_before(stand):
    opens = datetime.now(UTC) + timedelta(hours=1)
    stand.publish("早", starts_at=opens)
    process = stand.process()
    for before in (3600, 1800, 1, 0.001):
        stand.hands.at += page_cache.LOOK_INTERVAL
        with pytest.raises(PageNotFound):
            process.later(now=opens - timedelta(seconds=before))
        process.settle()
    assert process.read(now=opens) == ("早", None)
    assert process.loads == 2


def test_what_moves_no_stamp_is_read_again_after_a_minute_and_costs_no_encoding_when_it_is_the_same(stand):
    stand.publish("早")
    process = stand.process()
    before = process.screen()
    stand.hands.at += page_cache.MAX_AGE - 1
    process.read()
    assert process.loads == 1
    stand.hands.at += 1
    process.later()
    assert process.screen() is before
    assert process.loads == 2


def test_what_views_saw_is_encoded_anew_before_it_is_shown(stand):
    stand.publish("早")
    process = stand.process()
    process.read()
    stand.publish("午")
    process.shelf.publish_invalidation()
    (held,) = process.shelf._pages.values()
    ready = held._ready[ANYBODY]
    assert process.screen() is ready


def test_a_page_of_which_nothing_is_in_force_is_looked_up_once_and_an_unknown_one_never(stand):
    process = stand.process()
    for slug in (stand.slug, "no-such"):
        for _ in range(5):
            with pytest.raises(PageNotFound):
                process.read(slug=slug)
    assert process.loads == 1
    stand.publish("早")
    process.shelf.publish_invalidation()
    assert process.read() == ("早", None)


def test_a_page_before_it_is_cut_comes_with_the_same_mark(stand):
    stand.publish("早")
    process = stand.process()
    dressed, age = process.shelf.page(HALL, stand.slug, datetime.now(UTC))
    assert (dressed.body["title"], age) == ("早", None)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.sampled_from([0, 1])),
        st.tuples(st.just("read"), st.sampled_from([0, 1])),
        st.tuples(st.just("wait"), st.sampled_from([0.3, 0.9, 1.0, 2.5, 5.0, 61.0])),
    ),
    min_size=5,
    max_size=30,
)


@examples(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_happens_nothing_older_than_two_seconds_is_shown_unmarked(database, settings, steps):
    stand = Newsstand(database, settings.redis_url)
    processes = stand.process(), stand.process()
    stand.publish("0")
    history = [(stand.hands.at, "0")]
    for step, what in steps:
        if step == "publish":
            title = str(len(history))
            stand.publish(title)
            processes[what].shelf.publish_invalidation()
            history.append((stand.hands.at, title))
        elif step == "wait":
            stand.hands.at += what
        else:
            title, age = processes[what].read()
            current = max((at for at, _ in history if at <= stand.hands.at - page_cache.STALE_AFTER), default=0.0)
            recent = [name for at, name in history if at >= current]
            assert age is None, "the parts answer"
            assert title in recent


@pytest.mark.slow
def test_readers_beside_a_writer_never_see_what_was_replaced_two_seconds_before(database, settings):
    """Five seconds of the shelf's are one of ours, so that its bounds are passed through often."""

    def quick() -> float:
        return time.monotonic() * 5

    stand = Newsstand(database, settings.redis_url, hands=quick)
    here, there = stand.process(), stand.process()
    replaced: dict[str, float] = {}
    stand.publish("0")
    here.shelf.publish_invalidation()
    over = threading.Event()

    def write() -> None:
        for number in range(1, 25):
            stand.publish(str(number))
            here.shelf.publish_invalidation()
            replaced[str(number - 1)] = quick()
            time.sleep(0.08)
        over.set()

    def readings(read: Callable[[], tuple[str, int | None]]) -> list[tuple[float, str]]:
        seen = []
        while not over.is_set():
            began = quick()
            title, age = read()
            if age is None:
                seen.append((began, title))
            time.sleep(0.001)
        return seen

    with ThreadPoolExecutor(7) as pool:
        seen = [pool.submit(readings, process.read) for process in (here, there) for _ in range(3)]
        pool.submit(write).result()
        for future in seen:
            found = future.result()
            assert len({title for _, title in found}) > 1
            late = [began - replaced[title] for began, title in found if title in replaced]
            assert max(late, default=0) <= page_cache.STALE_AFTER


def test_with_nothing_in_memory_and_no_engine_there_is_no_answer(stand, tmp_path):
    process = stand.process(url=f"unix://{tmp_path}/none", database=Database(f"postgresql:///x?host={tmp_path}"))
    with pytest.raises(DatabaseUnavailable):
        process.read()
