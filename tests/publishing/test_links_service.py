"""What came of following a link is remembered for an hour."""

import random
import secrets
from datetime import UTC, datetime, timedelta

import pytest

from qe_ban.publishing.adapters.links import HttpLinks, LinkState
from qe_ban.publishing.models import LinkCheck
from qe_ban.publishing.service import links
from qe_ban.publishing.service.links import Links
from tests.factories.accounts import together
from tests.factories.endings import end as end_rows
from tests.publishing.hosts import Host, status

HOUR = timedelta(hours=1)
ALIVE, DEAD, UNREACHABLE = LinkState.ALIVE, LinkState.DEAD, LinkState.UNREACHABLE


@pytest.fixture
def now():
    return datetime.now(UTC)


class Turning:
    """A host whose answer can be changed."""

    def __init__(self):
        self.number = 200
        self.host = Host(self.answer)

    def answer(self, connection, request):
        status(self.number)(connection, request)

    def url(self, path=None):
        return self.host.url(path or f"/{secrets.token_hex(6)}")

    @property
    def asked(self):
        return len([line for line in self.host.asked if line.startswith("HEAD")])


@pytest.fixture
def host():
    made = Turning()
    yield made
    made.host.close()


@pytest.fixture
def following(database):
    return Links(database, HttpLinks(private=True, patience=0.4, over_all=2.0))


def row(database, url):
    with database.transaction() as session:
        return session.get(LinkCheck, url)


def test_a_fresh_answer_is_not_asked_for_again(database, following, host, now):
    url = host.url()
    assert following.check([url, url], now) == {url: ALIVE}
    host.number = 404
    assert following.check([url], now + HOUR - timedelta(seconds=1)) == {url: ALIVE}
    assert host.asked == 1
    assert following.check([url], now + HOUR) == {url: DEAD}
    found = row(database, url)
    assert (found.state, found.status, found.checked_at) == ("dead", 404, now + HOUR)


def test_the_last_answer_stands_whatever_was_there_before(database, following, host, now):
    url = host.url()
    states = []
    for number in (404, 410, 503, 404, 200, 404):
        host.number, now = number, now + HOUR
        following.check([url], now)
        states.append(row(database, url).state)
    assert states == [DEAD, DEAD, UNREACHABLE, DEAD, ALIVE, DEAD]


def test_an_address_that_no_index_holds_is_not_followed(following, host, now):
    """Of Chinese characters each is three bytes, and none of these can be compressed."""
    letters = random.Random(1)
    url = host.url("/" + "".join(chr(letters.randrange(0x4E00, 0x9FA5)) for _ in range(1500)))
    assert following.check([url], now) == {url: UNREACHABLE}
    assert host.asked == 0


def test_more_addresses_than_one_statement_takes_are_looked_up(database, now):
    with database.transaction() as session:
        assert links.find_results(session, {f"https://www.gov.cn/{number}" for number in range(70_000)}) == {}


def test_several_are_told_each_for_itself(following, host, now):
    good, away = host.url(), "http://127.0.0.1:1/"
    assert following.check([good, away, "nonsense", "http://h/" + "x" * 3000], now) == {
        good: ALIVE,
        away: UNREACHABLE,
        "nonsense": UNREACHABLE,
        "http://h/" + "x" * 3000: UNREACHABLE,
    }
    assert following.check([], now) == {}


def test_known_asks_nobody(database, following, host, now):
    url, other = host.url(), host.url()
    following.check([url], now)
    with database.transaction() as session:
        found = links.find_results(session, {url, other})
        assert links.find_results(session, []) == {}
    assert found == {url: links.LinkCheckResult(ALIVE, now)}
    assert host.asked == 1


def test_the_worker_looks_at_the_oldest_first_and_gives_all_it_knows(database, host, now):
    old, older, never, fresh = (host.url() for _ in range(4))
    following = Links(database, HttpLinks(private=True))
    following.check([older], now - 3 * HOUR)
    following.check([old], now - 2 * HOUR)
    following.check([fresh], now)
    host.host.asked.clear()
    found = following.recheck([fresh, old, never, older, never], now)
    assert set(found) == {old, older, never, fresh}
    assert {checked.checked_at for checked in found.values()} == {now}
    assert host.asked == 3


def test_many_at_once_are_all_answered(database, following, host, now):
    urls = [host.url() for _ in range(6)]
    outcomes = together(5, lambda number: following.check(urls[number:] + urls[:number], now))
    assert outcomes == [dict.fromkeys(urls, ALIVE)] * 5
    assert all(row(database, url).state == "alive" for url in urls)


def test_what_nobody_asks_for_is_forgotten(database, following, host, now):
    old, young = host.url(), host.url()
    following.check([old], now - timedelta(days=31))
    following.check([young], now - timedelta(days=29))
    with database.transaction() as session:
        end_rows(session, links.ENDINGS, now)
    assert row(database, old) is None
    assert row(database, young) is not None
