"""A real Valkey: what it acknowledged stays, through a stop and through a kill."""

import os
import signal
from collections.abc import Iterator

import pytest
import redis

from qe_ban.embedded.errors import EngineFailed, StartCancelled
from qe_ban.embedded.home import Home
from qe_ban.embedded.valkey import Valkey


@pytest.fixture
def valkey(home: Home) -> Iterator[Valkey]:
    server = Valkey(home, maxmemory="64mb")
    yield server
    server.stop()


@pytest.fixture
def client(valkey: Valkey) -> Iterator[redis.Redis]:
    valkey.start()
    with redis.Redis.from_url(valkey.url, decode_responses=True) as connected:
        yield connected


def test_data_stays_through_a_stop_and_a_start(valkey: Valkey, client: redis.Redis) -> None:
    client.set("code", "居民身份码")
    valkey.stop()
    assert valkey.poll() is not None
    valkey.start()
    assert client.get("code") == "居民身份码"


def test_nothing_that_was_written_down_is_lost_at_a_kill(valkey: Valkey, client: redis.Redis) -> None:
    for number in range(500):
        client.set(f"n{number}", number)
    # while the disk is busy Valkey answers before it has written, up to two seconds long
    assert client.execute_command("WAITAOF", 1, 0, 10_000) == [1, 0]
    assert valkey.pid is not None
    os.kill(valkey.pid, signal.SIGKILL)
    valkey.stop()
    valkey.start()
    assert client.dbsize() == 500


def test_it_has_the_wanted_limits_and_no_port(valkey: Valkey, client: redis.Redis) -> None:
    wanted = {"port": "0", "appendonly": "yes", "maxmemory": str(64 * 1024 * 1024), "unixsocketperm": "700"}
    assert {name: client.config_get(name)[name] for name in wanted} == wanted


def test_a_second_start_changes_nothing(valkey: Valkey, client: redis.Redis) -> None:
    before = valkey.pid
    valkey.start()
    assert valkey.pid == before
    assert client.ping()


def test_a_start_that_cannot_succeed_says_why_in_one_line(home: Home) -> None:
    with pytest.raises(EngineFailed, match=r"Valkey did not start: .*no-such-directive") as failed:
        Valkey(home, settings={"no-such-directive": "1"}).start()
    assert "\n" not in str(failed.value)


def test_a_start_can_be_given_up(valkey: Valkey) -> None:
    with pytest.raises(StartCancelled):
        valkey.start(lambda: True)
    assert valkey.poll() is not None
