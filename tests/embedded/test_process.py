"""Children that end with their parent, and the end of a whole group."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from qe_ban.embedded.errors import EngineFailed
from qe_ban.embedded.process import Child
from tests.factories.waits import HANG_TIMEOUT, eventually

from .conftest import REPOSITORY, runs

PARENT = """
import sys, time
from qe_ban.embedded.process import Child
child = Child(["/bin/sleep", "1000"])
print(child.pid, flush=True)
time.sleep(1000)
"""
# a Python program that ties itself to its parent, which is named by hand: a number that is not its parent's
ORPHAN = """
import time
from qe_ban.embedded.process import die_with_parent
die_with_parent(parent=1 if __import__("os").getppid() != 1 else 2)
time.sleep(1000)
"""
FORKING = """
import multiprocessing, time, os
from qe_ban.embedded.process import die_with_parent
def work(pipe):
    die_with_parent()
    pipe.send(os.getpid())
    time.sleep(1000)
if __name__ == "__main__":
    mine, theirs = multiprocessing.Pipe()
    multiprocessing.Process(target=work, args=(theirs,)).start()
    print(mine.recv(), flush=True)
    time.sleep(1000)
"""


@pytest.mark.parametrize("program", [PARENT, FORKING], ids=["started", "forked"])
def test_a_child_dies_with_its_killed_parent(program: str) -> None:
    with subprocess.Popen([sys.executable, "-c", program], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert runs(child)
        parent.kill()
    assert eventually(lambda: not runs(child))


def test_a_program_whose_parent_has_gone_already_ends_immediately() -> None:
    result = subprocess.run([sys.executable, "-c", ORPHAN], cwd=REPOSITORY, timeout=HANG_TIMEOUT, check=False)
    assert result.returncode == -signal.SIGTERM


def test_a_stubborn_child_and_its_own_children_are_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    write = f"echo $! > {pid_file}.part; mv {pid_file}.part {pid_file}"
    script = f"trap '' TERM; sleep 1000 & {write}; while :; do sleep 0.05; done"
    child = Child(["/bin/sh", "-c", script])
    assert eventually(pid_file.exists)
    assert child.stop((signal.SIGTERM, 0.2)) == -signal.SIGKILL
    assert eventually(lambda: not runs(int(pid_file.read_text())))


def test_workers_that_a_killed_leader_leaves_are_swept_up(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    child = Child(["/bin/sh", "-c", f"sleep 1000 & echo $! > {pid_file}.part; mv {pid_file}.part {pid_file}; wait"])
    assert eventually(pid_file.exists)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait(HANG_TIMEOUT) == -signal.SIGKILL
    assert eventually(lambda: not runs(int(pid_file.read_text())))


def test_a_child_has_the_given_environment_directory_and_output(tmp_path: Path) -> None:
    output = tmp_path / "written"
    with output.open("wb") as file:
        child = Child(["/bin/sh", "-c", "echo $WHO $PWD $HOME"], env={"WHO": "me"}, cwd=tmp_path, output=file.fileno())
    assert child.wait(HANG_TIMEOUT) == 0
    assert output.read_text() == f"me {tmp_path}\n"


def test_a_child_leads_a_group_of_its_own_out_of_reach_of_the_terminals_ctrl_c() -> None:
    child = Child(["/bin/sleep", "1000"])
    assert os.getpgid(child.pid) == child.pid
    child.stop()


@pytest.mark.parametrize("name", ["PIPE", "INT"])
def test_signals_that_python_or_a_shell_ignores_work_in_a_child(name: str) -> None:
    assert Child(["/bin/sh", "-c", f"kill -{name} $$; exit 7"]).wait(HANG_TIMEOUT) == -signal.Signals[f"SIG{name}"]


def test_a_program_that_does_not_exist_ends_with_an_error(tmp_path: Path) -> None:
    assert Child([str(tmp_path / "none")]).wait(HANG_TIMEOUT) == 1
    with pytest.raises(EngineFailed, match="cannot be started"):
        Child(["/bin/true"], cwd=tmp_path / "none")


def test_a_child_of_a_passing_thread_is_refused() -> None:
    messages = []

    def start() -> None:
        try:
            Child(["/bin/true"])
        except RuntimeError as error:
            messages.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert messages == ["children are started by the main thread: they die with the thread that starts them"]
