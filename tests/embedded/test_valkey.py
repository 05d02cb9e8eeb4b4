"""A real Valkey: it keeps all in memory, and nothing on the disk."""

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
    with redis.Redis.from_url(valkey.url, decode_responses=True) as connection:
        yield connection


def test_nothing_of_its_data_is_ever_on_the_disk(home: Home, valkey: Valkey, client: redis.Redis) -> None:
    client.set("code", "居民身份码")
    client.config_set("slowlog-log-slower-than", 0)
    valkey.stop()
    assert valkey.poll() is not None
    assert list(home.directory("valkey").iterdir()) == []
    assert "居民身份码".encode() not in (home.directory("log") / "valkey.log").read_bytes()
    valkey.start()
    assert client.dbsize() == 0


def test_after_a_kill_it_serves_again_and_is_empty(valkey: Valkey, client: redis.Redis) -> None:
    client.set("code", "居民身份码")
    assert valkey.pid is not None
    os.kill(valkey.pid, signal.SIGKILL)
    valkey.stop()
    valkey.start()
    assert client.dbsize() == 0


def test_what_an_earlier_release_wrote_is_removed_at_the_start(home: Home, valkey: Valkey) -> None:
    directory = home.directory("valkey")
    (directory / "appendonlydir").mkdir()
    (directory / "appendonlydir" / "appendonly.aof.1.incr.aof").write_bytes(b"qe:limit:13800000001")
    (directory / "dump.rdb").write_bytes(b"REDIS0011")
    valkey.start()
    assert list(directory.iterdir()) == []


def test_it_has_the_wanted_limits_and_no_port(valkey: Valkey, client: redis.Redis) -> None:
    limits = {"port": "0", "appendonly": "no", "save": "", "maxmemory": str(64 * 1024 * 1024), "unixsocketperm": "700"}
    assert {name: client.config_get(name)[name] for name in limits} == limits


def test_a_second_start_changes_nothing(valkey: Valkey, client: redis.Redis) -> None:
    before = valkey.pid
    valkey.start()
    assert valkey.pid == before
    assert client.ping()


def test_a_start_that_cannot_succeed_says_why_in_one_line(home: Home) -> None:
    with pytest.raises(EngineFailed, match=r"Valkey did not start: .*no-such-directive") as failure:
        Valkey(home, settings={"no-such-directive": "1"}).start()
    assert "\n" not in str(failure.value)


def test_a_start_can_be_given_up(valkey: Valkey) -> None:
    with pytest.raises(StartCancelled):
        valkey.start(lambda: True)
    assert valkey.poll() is not None
