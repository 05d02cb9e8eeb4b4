"""Limits count in Valkey, and with Valkey away in PostgreSQL, tighter."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from qe_ban.db import limits, valkey
from qe_ban.db.limits import Limiter, RateWindow
from qe_ban.kernel.errors import TooMany
from tests.factories.digests import plain_digest
from tests.factories.endings import end as end_rows

NOW = datetime(2026, 5, 5, 12, 0, 30, tzinfo=UTC)


def limiter(settings, database, url=None, now=NOW):
    return Limiter(valkey.connect(url or settings.redis_url), database, lambda: now, plain_digest)


@pytest.fixture(params=["valkey", "postgresql"])
def counter(request, settings, database):
    return limiter(settings, database, None if request.param == "valkey" else "unix:///nowhere/valkey.sock")


def hits(counter, subject, *, limit, times):
    for n in range(times):
        try:
            counter.hit("test", subject, limit=limit, window=60)
        except TooMany as refused:
            return n, refused.retry_after
    return times, None


def test_the_limit_holds_and_the_wait_is_reported(counter, settings, database):
    hit_count, retry_after = hits(counter, str(uuid4()), limit=6, times=10)
    assert hit_count in (3, 6)
    assert retry_after == 30, "the window ends on the minute"


def test_subjects_and_names_are_apart(counter):
    one = str(uuid4())
    assert hits(counter, one, limit=4, times=2) == (2, None)
    assert hits(counter, one + "x", limit=4, times=2) == (2, None)
    counter.hit("other", one, limit=4, window=60)


def test_with_valkey_away_the_limit_is_half_and_never_none(settings, database):
    away = limiter(settings, database, "unix:///nowhere/valkey.sock")
    assert hits(away, str(uuid4()), limit=10, times=20)[0] == 5
    assert hits(away, str(uuid4()), limit=1, times=20)[0] == 1


def test_parallel_hits_are_all_counted(counter):
    subject = str(uuid4())

    def hit(_):
        try:
            counter.hit("test", subject, limit=10, window=3600)
        except TooMany:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(hit, range(40))) in (5, 10)


def test_no_subject_is_stored_in_the_clear_and_old_windows_are_swept(settings, database):
    subject = f"13800000001-{uuid4()}"
    limiter(settings, database, "unix:///nowhere/valkey.sock").hit("otp", subject, limit=4, window=60)
    with database.transaction() as session:
        assert not [row for row in session.scalars(select(RateWindow.subject)) if "13800000001" in row]
        end_rows(session, limits.ENDINGS, NOW + timedelta(minutes=1))
        assert session.scalars(select(RateWindow).where(RateWindow.ends_at < NOW + timedelta(minutes=1))).all() == []


def test_what_is_forgiven_is_not_counted_and_nothing_falls_below_nought(counter):
    subject = str(uuid4())
    counter.forgive("test", subject, ends=int(NOW.timestamp()) + 30)
    for _ in range(20):
        ends = counter.hit("test", subject, limit=4, window=60)
        counter.forgive("test", subject, ends=ends)
    hit_count, _ = hits(counter, subject, limit=4, times=10)
    assert hit_count in (2, 4), "as often as if nothing had been"


def test_of_many_that_are_forgiven_concurrently_none_is_left_counted(counter):
    subject = str(uuid4())

    def one(_):
        ends = counter.hit("test", subject, limit=1000, window=60)
        counter.forgive("test", subject, ends=ends)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(64)))
    hit_count, _ = hits(counter, subject, limit=4, times=10)
    assert hit_count in (2, 4)


@pytest.mark.parametrize("url", [None, "unix:///nowhere/valkey.sock"], ids=["valkey", "postgresql"])
def test_what_is_forgiven_in_the_next_window_was_counted_in_its_own(settings, database, url):
    subject, moments = str(uuid4()), [NOW]
    moving = Limiter(valkey.connect(url or settings.redis_url), database, lambda: moments[0], plain_digest)
    ends = moving.hit("test", subject, limit=2, window=60)
    moments[0] = NOW + timedelta(seconds=31)
    moving.hit("test", subject, limit=2, window=60)
    moving.forgive("test", subject, ends=ends)
    assert hits(moving, subject, limit=2, times=3)[0] == (1 if url is None else 0), "this one's count stands"
    moments[0] = NOW
    assert hits(moving, subject, limit=2, times=3)[0] == (2 if url is None else 1), "and that one's is taken back"


def test_networks_of_one_48_share_a_wider_limit(settings, database):
    counter, site = limiter(settings, database), f"2001:db8:{uuid4().hex[:4]}"
    refused = 0
    for n in range(14):
        for _ in range(3):
            try:
                counter.hit_network("test", f"{site}:{n:x}::/64", limit=3, window=60)
            except TooMany:
                refused += 1
    assert refused == 14 * 3 - 8 * 3
    other = f"2001:db8:{uuid4().hex[:4]}::/64"
    counter.hit_network("test", other, limit=3, window=60)


def test_one_network_that_asks_on_uses_up_nothing_of_its_neighbours(settings, database):
    counter, site = limiter(settings, database), f"2001:db8:{uuid4().hex[:4]}"
    for n in range(60):
        try:
            counter.hit_network("test", f"{site}:1::/64", limit=3, window=60)
        except TooMany:
            assert n >= 3
    counter.hit_network("test", f"{site}:2::/64", limit=3, window=60)


def test_a_networks_limit_is_apart_by_subject_and_ipv4_has_no_wider_one(settings, database):
    counter = limiter(settings, database)
    address = f"203.0.113.7-{uuid4()}"
    for subject in ("a", "b"):
        counter.hit_network("test", address, limit=1, window=60, subject=subject)
        with pytest.raises(TooMany):
            counter.hit_network("test", address, limit=1, window=60, subject=subject)
