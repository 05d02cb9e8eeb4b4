"""A real PostgreSQL: made whole or not at all, and all that was committed survives whatever ends it."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import sqlalchemy

from qe_ban.embedded import postgres as engine
from qe_ban.embedded.errors import EngineFailed, HomeInUse, StartCancelled
from qe_ban.embedded.home import Home
from qe_ban.embedded.postgres import Postgres
from tests.factories.waits import eventually

from .conftest import runs

FAST = {"fsync": "off"}


@pytest.fixture
def postgres(home: Home) -> Iterator[Postgres]:
    server = Postgres(home, settings=FAST)
    yield server
    server.stop()


@contextmanager
def connection(server: Postgres) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.url, autocommit=True) as client:
        yield client


def fill(server: Postgres, rows: int = 100) -> None:
    with connection(server) as client:
        client.execute("CREATE TABLE scans (id int PRIMARY KEY, phone text)")
        for number in range(rows):
            client.execute("INSERT INTO scans VALUES (%s, %s)", (number, f"1380000{number:04}"))


def kill(server: Postgres) -> int:
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: server.poll() is not None)
    return pid


def count(server: Postgres) -> int:
    with connection(server) as client:
        row = client.execute("SELECT count(*) FROM scans").fetchone()
        assert row is not None
        return int(row[0])


def test_data_stays_through_a_stop_and_a_kill_and_no_value_reaches_the_log(
    made_home: Path, home: Home, postgres: Postgres
) -> None:
    postgres.start()
    fill(postgres)
    with connection(postgres) as client, pytest.raises(psycopg.errors.UniqueViolation):
        client.execute("INSERT INTO scans VALUES (1, '13800009999')")
    postgres.stop()
    assert postgres.poll() == 0
    postgres.start()
    assert count(postgres) == 100
    before = kill(postgres)
    postgres.start()
    assert postgres.pid != before
    assert count(postgres) == 100
    log = (home.path / "log" / "postgres.log").read_text()
    assert "received fast shutdown request" in log
    assert "1380000" not in log


def test_it_serves_sqlalchemy_with_the_wanted_settings_and_no_port(made_home: Path, home: Home) -> None:
    server = Postgres(home, settings={**FAST, "work_mem": "8MB"}, max_connections=37)
    server.start()
    try:
        engine = sqlalchemy.create_engine(server.url)
        with engine.connect() as client:
            settings = {"work_mem": "8MB", "max_connections": "37", "fsync": "off", "listen_addresses": ""}
            actual = {name: client.scalar(sqlalchemy.text(f"SHOW {name}")) for name in settings}
            assert actual == settings
            assert client.scalar(sqlalchemy.text("SELECT current_database() || current_user || upper('é')")) == "qeqeÉ"
        engine.dispose()
    finally:
        server.stop()


def test_two_homes_run_side_by_side_and_one_home_only_once(directory: Path, postgres: Postgres) -> None:
    other = Postgres(Home(directory / "other"), settings=FAST)
    try:
        postgres.start()
        other.start()
        fill(postgres, 1)
        fill(other, 2)
        assert (count(postgres), count(other)) == (1, 2)
        with pytest.raises(HomeInUse):
            Postgres(Home(directory / "other")).start()
    finally:
        other.stop()


def test_a_home_with_a_long_and_awkward_path_works(directory: Path) -> None:
    home = Home(directory / ("长" * 40) / "a,b c'd\"e$f")
    server = Postgres(home, settings=FAST)
    try:
        server.start()
        fill(server, 1)
        assert count(server) == 1
    finally:
        server.stop()
        shutil.rmtree(home.run_dir)


def test_an_interrupted_making_leaves_nothing_that_is_taken_for_a_database(home: Home, postgres: Postgres) -> None:
    calls: list[int] = []

    def after_a_while() -> bool:
        calls.append(1)
        return len(calls) > 5

    with pytest.raises(StartCancelled):
        postgres.start(after_a_while)
    assert not (home.path / "postgres").exists()
    assert (home.path / "postgres.unfinished").exists()
    postgres.start()
    assert not (home.path / "postgres.unfinished").exists()
    fill(postgres, 1)


@pytest.mark.parametrize("namesake", ["living", "zombie"])
def test_a_number_in_the_lock_file_that_is_nobodys_server_does_not_keep_it_down(
    made_home: Path, home: Home, postgres: Postgres, namesake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "ZOMBIE_SECONDS", 0.5)
    postgres.start()
    fill(postgres, 3)
    kill(postgres)
    file = home.path / "postgres" / "postmaster.pid"
    command = ["/bin/sleep", "60" if namesake == "living" else "0"]
    with subprocess.Popen(command, cwd="/", user=file.stat().st_uid if os.geteuid() == 0 else None) as process:
        if namesake == "zombie":
            assert eventually(lambda: not runs(process.pid))
        for place in (file, home.run_dir / "postgres" / ".s.PGSQL.5432.lock"):
            lines = place.read_text().splitlines()
            place.write_text("\n".join([str(process.pid), *lines[1:]]) + "\n")
        postgres.start()
        process.kill()
    assert count(postgres) == 3


def test_a_start_that_cannot_succeed_says_why_in_one_line(made_home: Path, home: Home, postgres: Postgres) -> None:
    postgres.start()
    postgres.stop()
    (home.path / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(EngineFailed, match="database files are incompatible with server") as failure:
        postgres.start()
    assert "\n" not in str(failure.value)
