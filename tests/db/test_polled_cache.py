"""What is polled is given while it is young enough, and by nobody once it is not."""

from types import SimpleNamespace

import pytest

from qe_ban.db import polled_cache
from qe_ban.db.engine import DatabaseUnavailable
from qe_ban.db.polled_cache import FRESH, RETRY, USABLE, PolledCache


class Source:
    def __init__(self):
        self.reads, self.away = 0, False

    def __call__(self, _session, _before):
        self.reads += 1
        if self.away:
            raise DatabaseUnavailable
        return self.reads


class Hands:
    at = 100.0


@pytest.fixture
def source():
    return Source()


@pytest.fixture
def hands(monkeypatch):
    """The monotonic clock of the cache, that a test turns."""
    clock = Hands()
    monkeypatch.setattr(polled_cache, "time", SimpleNamespace(monotonic=lambda: clock.at))
    return clock


@pytest.fixture
def value(database, source, hands):
    return PolledCache(database, source)


def test_it_is_read_anew_when_it_is_no_longer_fresh(value, source, hands):
    assert value.get() == 1
    hands.at += FRESH - 0.01
    assert value.get() == 1
    hands.at += 0.01
    assert value.get() == 2


def test_too_old_it_is_given_to_nobody_not_even_right_after_a_try_in_vain(value, source, hands):
    value.get()
    source.away = True
    hands.at += USABLE
    assert value.get() == 1
    hands.at += 0.01
    for _ in range(10):
        with pytest.raises(DatabaseUnavailable):
            value.get()
    assert source.reads == 2, "tried now and then, not by everybody"
    hands.at += RETRY
    with pytest.raises(DatabaseUnavailable):
        value.get()
    assert source.reads == 3


def test_too_old_it_is_there_again_soon_after_it_can_be_read(value, source, hands):
    value.get()
    source.away = True
    hands.at += USABLE + 1
    with pytest.raises(DatabaseUnavailable):
        value.get()
    source.away = False
    hands.at += RETRY
    assert value.get() == source.reads
