from datetime import UTC, datetime, timedelta

import pytest

from qe_ban.db import valkey
from qe_ban.items.models import Entry
from qe_ban.items.service.popularity import LEFT, Popularity
from tests.factories.digests import plain_digest
from tests.factories.items import basic_code

DAY = timedelta(days=1)


@pytest.fixture
def popular(settings):
    client = valkey.connect(settings.redis_url)
    for key in client.scan_iter("qe:seen:*"):
        client.delete(key)
    return Popularity(client, plain_digest)


@pytest.fixture
def entry(catalogue):
    made = basic_code()
    with catalogue.transaction() as session:
        session.add(Entry(entry=made, popularity=100))
    return made


def popularity_of(catalogue, popular, entry, now):
    with catalogue.transaction() as session:
        popular.fold(session, now)
    with catalogue.transaction() as session:
        return session.get_one(Entry, entry).popularity


def test_networks_of_a_day_count_once_each_when_the_day_is_over(catalogue, popular, entry):
    now = datetime.now(UTC)
    for number in range(30):
        popular.seen(entry, f"192.0.2.{number % 10}", now)
    assert popularity_of(catalogue, popular, entry, now) == 100
    after = popularity_of(catalogue, popular, entry, now + DAY)
    assert after == pytest.approx(100 * LEFT + 10, abs=1)
    assert popularity_of(catalogue, popular, entry, now + DAY) == after, "a day is added once"
    assert popularity_of(catalogue, popular, entry, now + 2 * DAY) == after


def test_with_valkey_away_nothing_is_counted_and_nothing_fails(catalogue, entry):
    popular = Popularity(valkey.connect("unix:///nowhere/valkey.sock"), plain_digest)
    popular.seen(entry, "192.0.2.1", datetime.now(UTC))
    assert popularity_of(catalogue, popular, entry, datetime.now(UTC) + DAY) == 100
