"""Homes in short temporary directories, and whole supervised trees as processes of their own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from qe_ban.embedded.home import Home
from qe_ban.embedded.postgres import Postgres
from tests.factories.waits import HANG_TIMEOUT

REPOSITORY = Path(__file__).parents[2]
TREE = Path(__file__).with_name("tree.py")


def runs(pid: int) -> bool:
    """Return whether a process of this id lives, zombies apart."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@dataclass
class Tree:
    """A supervisor in a process of its own with PostgreSQL, Valkey and a program."""

    process: subprocess.Popen[str]
    supervisor: int
    postgres: int
    valkey: int
    program: int
    postgres_url: str
    valkey_url: str

    @property
    def children(self) -> tuple[int, int, int]:
        return self.postgres, self.valkey, self.program

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(HANG_TIMEOUT)


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short directory that every user may enter."""
    path = Path(tempfile.mkdtemp(prefix="qe-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def home(directory: Path) -> Iterator[Home]:
    own_home = Home(directory / "home")
    yield own_home
    own_home.release()
    shutil.rmtree(own_home.run_dir, ignore_errors=True)


@pytest.fixture(scope="session")
def template() -> Iterator[Path]:
    """A home whose database is made and empty: making one takes a second of every test."""
    place = Path(tempfile.mkdtemp(prefix="qe-"))
    home = Home(place / "home")
    server = Postgres(home, settings={"fsync": "off"})
    server.start()
    server.stop()
    home.release()
    yield home.path
    shutil.rmtree(place)


@pytest.fixture
def made_home(directory: Path, template: Path) -> Path:
    """A home of which the database is made already."""
    subprocess.run(["cp", "-a", str(template), str(directory / "home")], check=True)
    return directory / "home"


@pytest.fixture
def plant() -> Iterator[Callable[..., Tree]]:
    """Start a tree on a home, by default as ourselves; what still runs at the end is killed."""
    processes: list[subprocess.Popen[str]] = []

    def start(home: Path, *options: str, prefix: Sequence[str] = ()) -> Tree:
        process = subprocess.Popen(
            [*prefix, sys.executable, str(TREE), str(home), *options],
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"},
        )
        processes.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the tree did not start"
        return Tree(process, **json.loads(line))

    yield start
    for process in processes:
        with process:
            process.send_signal(signal.SIGKILL)
