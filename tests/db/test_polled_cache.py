"""What is polled is given while it is young enough, and by nobody once it is not."""

import time

import pytest

from qe_ban.db import polled_cache
from qe_ban.db.engine import DatabaseUnavailable
from qe_ban.db.polled_cache import PolledCache


class Source:
    def __init__(self):
        self.reads, self.away = 0, False

    def __call__(self, _session, _before):
        self.reads += 1
        if self.away:
            raise DatabaseUnavailable
        return self.reads


@pytest.fixture
def source():
    return Source()


@pytest.fixture
def value(database, source, monkeypatch):
    for name, seconds in (("FRESH", 0.1), ("USABLE", 0.4), ("RETRY", 0.05)):
        monkeypatch.setattr(polled_cache, name, seconds)
    return PolledCache(database, source)


def test_it_is_read_anew_when_it_is_no_longer_fresh(value, source):
    assert [value.get(), value.get()] == [1, 1]
    time.sleep(0.11)
    assert value.get() == 2


def test_too_old_it_is_given_to_nobody_not_even_right_after_a_try_in_vain(value, source):
    value.get()
    source.away = True
    began, last = time.monotonic(), None
    while last is None or time.monotonic() - began < 0.7:
        try:
            value.get()
            last = time.monotonic()
        except DatabaseUnavailable:
            pass
        if time.monotonic() - began > 0.7:
            break
    assert last - began < 0.45
    assert source.reads < 20, "tried now and then, not by everybody"


def test_too_old_it_is_there_again_soon_after_it_can_be_read(value, source):
    value.get()
    source.away = True
    time.sleep(0.5)
    with pytest.raises(DatabaseUnavailable):
        value.get()
    source.away = False
    time.sleep(0.06)
    assert value.get() == source.reads
