"""Whole trees of real processes: started in order, kept running, ended together.

Nothing committed is ever lost, and nothing of Valkey is kept.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from qe_ban.embedded import supervisor
from qe_ban.embedded.errors import EngineFailed, StartCancelled
from qe_ban.embedded.supervisor import OnExit, Program, Supervisor
from tests.factories.waits import HANG_TIMEOUT, eventually

from .conftest import Tree, runs


def shell(name: str, script: str, **options: Any) -> Program:
    return Program(name, ["/bin/sh", "-c", script], **options)


def test_what_ends_on_its_own_is_waited_for_with_its_exit_code() -> None:
    with Supervisor() as processes:
        assert processes.finish(shell("fine", "exit 0")) == 0
        assert processes.finish(shell("wrong", "exit 3")) == 3


def test_what_ends_on_its_own_is_stopped_when_the_end_is_asked_for() -> None:
    once = shell("once", "sleep 60")
    asking = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM))
    with Supervisor() as processes:
        asking.start()
        with pytest.raises(StartCancelled):
            processes.finish(once)
        assert once.poll() is not None
        with pytest.raises(StartCancelled):
            processes.finish(once)


def write(tree: Tree, rows: int) -> None:
    with psycopg.connect(tree.postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (id int)")
        for number in range(rows):
            connection.execute("INSERT INTO kept VALUES (%s)", (number,))
    with redis.Redis.from_url(tree.valkey_url) as client:
        client.incrby("kept", rows)


def read(tree: Tree) -> tuple[int, int]:
    with psycopg.connect(tree.postgres_url) as connection, redis.Redis.from_url(tree.valkey_url) as client:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
        assert row is not None
        return int(row[0]), int(client.get("kept") or 0)


def serves(tree: Tree) -> bool:
    try:
        read(tree)
    except (psycopg.OperationalError, redis.ConnectionError):
        return False
    return True


@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT] * 3], ids=["sigterm", "impatient ctrl-c"])
def test_a_signal_ends_everything_in_good_order_and_the_next_start_has_all_data(
    made_home: Path, plant: Callable[..., Tree], signals: list[signal.Signals]
) -> None:
    tree = plant(made_home)
    write(tree, 50)
    for number in signals:
        tree.process.send_signal(number)
        time.sleep(0.02)
    assert tree.process.wait(HANG_TIMEOUT) == 0
    assert not any(map(runs, tree.children))
    assert "database system is shut down" in (made_home / "log" / "postgres.log").read_text().splitlines()[-1]
    again = plant(made_home)
    assert read(again) == (50, 0)


def test_nothing_outlives_a_killed_supervisor_and_the_next_start_has_all_data(
    made_home: Path, plant: Callable[..., Tree]
) -> None:
    tree = plant(made_home)
    write(tree, 50)
    tree.kill()
    assert eventually(lambda: not any(map(runs, tree.children)))
    again = plant(made_home)
    assert read(again) == (50, 0)


def test_a_start_right_after_the_kill_waits_for_the_engines_to_end(made_home: Path, plant: Callable[..., Tree]) -> None:
    tree = plant(made_home)
    write(tree, 50)
    tree.kill()
    again = plant(made_home)
    assert not any(map(runs, tree.children))
    assert read(again) == (50, 0)


def test_after_a_kill_of_the_whole_tree_in_the_middle_of_work_all_that_was_committed_is_there(
    made_home: Path, plant: Callable[..., Tree]
) -> None:
    tree = plant(made_home)
    write(tree, 1)
    has_committed = threading.Event()
    rows = [1]

    def work() -> None:
        try:
            with psycopg.connect(tree.postgres_url, autocommit=True) as connection:
                while True:
                    connection.execute("INSERT INTO kept VALUES (0)")
                    rows[0] += 1
                    if rows[0] > 30:
                        has_committed.set()
        except psycopg.OperationalError:
            pass

    worker = threading.Thread(target=work)
    worker.start()
    assert has_committed.wait(HANG_TIMEOUT)
    for pid in (tree.supervisor, *tree.children):
        os.kill(pid, signal.SIGKILL)
    tree.process.wait(HANG_TIMEOUT)
    worker.join(HANG_TIMEOUT)
    again = plant(made_home)
    count, _ = read(again)
    assert count - rows[0] in {0, 1}  # one may have been committed without our having heard of it


def test_killed_engines_serve_again_on_the_same_sockets_with_all_data(
    made_home: Path, plant: Callable[..., Tree]
) -> None:
    tree = plant(made_home)
    write(tree, 50)
    for pid in tree.children:
        os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: serves(tree))
    assert read(tree) == (50, 0)
    tree.process.terminate()
    assert tree.process.wait(HANG_TIMEOUT) == 0


def test_children_start_in_order_and_stop_in_reverse_order(tmp_path: Path) -> None:
    log_file = tmp_path / "told"
    with Supervisor() as processes:
        for name in ("first", "second", "third"):
            trap = f"trap 'echo -{name} >> {log_file}; exit' TERM"
            script = f"{trap}; echo +{name} >> {log_file}; while :; do sleep 0.02; done"
            processes.start(
                shell(name, script, ready=lambda name=name: log_file.exists() and f"+{name}" in log_file.read_text())
            )
    assert log_file.read_text().split() == ["+first", "+second", "+third", "-third", "-second", "-first"]


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -KILL $$", 137)])
def test_the_end_of_a_child_that_matters_ends_all_with_its_code(script: str, code: int) -> None:
    with Supervisor() as processes:
        bystander = shell("bystander", "sleep 1000")
        processes.start(bystander)
        processes.start(shell("server", script), OnExit.END)
        assert processes.run() == code
    assert not runs(bystander.pid or 0)


def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    log_file = tmp_path / "told"
    with Supervisor() as processes:
        processes.start(
            shell("worker", f"echo run >> {log_file}; [ $(wc -l < {log_file}) -ge 3 ] || exit 1; sleep 1000")
        )
        assert processes.wait_until(lambda: log_file.exists() and len(log_file.read_text().split()) == 3, HANG_TIMEOUT)


def test_while_a_child_is_started_again_the_others_are_tended() -> None:
    engine = shell("engine", "sleep 1000")
    first: list[int | None] = []

    def ready() -> bool:
        if server.pid != first[0] and engine.pid == first[1] and engine.poll() is None:
            os.kill(engine.pid or 0, signal.SIGKILL)
            return False
        return engine.pid != first[1]

    server = shell("server", "sleep 1000", ready=lambda: not first or ready(), ready_seconds=HANG_TIMEOUT)
    with Supervisor() as processes:
        processes.start(engine)
        processes.start(server)
        first[:] = [server.pid, engine.pid]
        os.kill(server.pid or 0, signal.SIGKILL)
        assert processes.wait_until(lambda: engine.pid != first[1], HANG_TIMEOUT)
        assert (server.poll(), engine.poll()) == (None, None)
        assert server.pid != first[0]


def test_a_child_that_never_stays_ends_all_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(supervisor, "TICK", 0.01)
    with Supervisor() as processes:
        processes.start(shell("worker", "exit 1"))
        assert processes.run() == 1


def test_a_program_that_ends_or_dallies_before_it_is_ready_is_an_error() -> None:
    with Supervisor() as processes:
        with pytest.raises(EngineFailed, match="server ended with 4 before it was ready"):
            processes.start(shell("server", "exit 4", ready=lambda: False))
        slow = shell("server", "sleep 1000", ready=lambda: False, ready_seconds=0.1)
        with pytest.raises(EngineFailed, match="server was not ready after 0 s"):
            processes.start(slow)
        assert not runs(slow.pid or 0)


def test_a_signal_while_things_start_gives_the_start_up() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Supervisor() as processes:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
        with pytest.raises(StartCancelled):
            processes.start(shell("server", "sleep 1000", ready=lambda: False))
        with pytest.raises(StartCancelled):
            processes.start(shell("late", "sleep 1000"))
        assert processes.ending
        assert processes.run() == 0
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_error_inside_the_context_leaves_no_child_behind() -> None:
    server = Program("server", [sys.executable, "-c", "import time; time.sleep(1000)"])

    def fail() -> None:
        with Supervisor() as processes:
            processes.start(server)
            assert runs(server.pid or 0)
            _ = 1 // 0

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not runs(server.pid or 0)
