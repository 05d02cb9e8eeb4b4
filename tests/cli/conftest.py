"""The command as people call it: in this process for what ends soon, in processes of its own for what serves."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import urllib3
from click.testing import CliRunner, Result

from qe_ban.cli import language
from qe_ban.cli.root import cli
from tests.factories.waits import HANG_TIMEOUT, eventually

REPOSITORY = Path(__file__).parents[2]
# seven processes start again and again: they had better not compile everything each time
CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("QE_", "GRANIAN_")) and name != "PYTHONDONTWRITEBYTECODE"
} | {"QE_LANG": "en"}


@pytest.fixture
def chinese(monkeypatch) -> Iterator[None]:
    """Have the command speak Chinese, as it does to staff."""
    monkeypatch.setenv("QE_LANG", language.CHINESE)
    monkeypatch.setenv("LANGUAGE", "")
    language.speak(language.CHINESE)
    yield
    language.speak(language.ENGLISH)


@pytest.fixture
def qe(monkeypatch) -> Iterator[Callable[..., Result]]:
    """Run the command with these words and QE_* variables."""
    for name in set(os.environ) - set(CLEAN):
        monkeypatch.delenv(name)
    # a command in this process sets it
    monkeypatch.setenv("LANGUAGE", "")

    def run(*words: object, stdin: str | None = None, **env: str) -> Result:
        return CliRunner().invoke(cli, [str(word) for word in words], input=stdin, env=env, prog_name="qe-ban")

    yield run
    language.speak(language.ENGLISH)


def refused(result: Result, *texts: str) -> None:
    """Assert one line for each text, in order, exit code 2 and no traceback."""
    lines = result.stderr.splitlines()
    assert result.exit_code == 2, result.output
    assert len(lines) == len(texts), result.stderr
    for line, text in zip(lines, texts, strict=True):
        assert line.startswith("qe-ban: ")
        assert text in line


START_SECONDS = 240.0
"""Whichever test comes first in a home loads the whole sample, on a machine that does other things beside."""


def parents() -> dict[int, int]:
    """The parent of every process that lives."""
    parent_by_pid = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, parent, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if state not in "ZX":
                parent_by_pid[int(entry.name)] = int(parent)
    return parent_by_pid


def family(pid: int) -> set[int]:
    """A process and all its descendants."""
    parent_by_pid, members = parents(), {pid}
    while more := {child for child, parent in parent_by_pid.items() if parent in members} - members:
        members |= more
    return members


@dataclass
class Program:
    """One `qe-ban up` or `qe-ban demo` in a process of its own."""

    process: subprocess.Popen[str]
    home: Path
    port: int
    output_path: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def output(self) -> str:
        return self.output_path.read_text("utf-8")

    def wait_for(self, text: str, seconds: float = START_SECONDS) -> None:
        assert eventually(lambda: text in self.output() or self.process.poll() is not None, seconds), self.output()
        assert text in self.output(), self.output()

    def get(self, path: str) -> urllib3.BaseHTTPResponse:
        # a connection of its own, so that any worker may answer
        return urllib3.PoolManager(retries=False, timeout=HANG_TIMEOUT).request("GET", self.address + path)

    def stop(self, number: signal.Signals, seconds: float = HANG_TIMEOUT) -> int:
        """Send a signal to the supervisor alone; gives the exit code once nothing of the tree runs."""
        tree = family(self.process.pid)
        self.process.send_signal(number)
        code = self.process.wait(seconds)
        assert eventually(lambda: not tree & set(parents()), seconds), "processes were left behind"
        return code


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    with new_home() as path:
        yield path


@pytest.fixture
def fresh() -> Iterator[Path]:
    """A home in which nothing was ever started."""
    with new_home() as path:
        yield path


@contextmanager
def new_home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="qe-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory) / "home"


@pytest.fixture(scope="session")
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def start(home: Path, port: int, tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Start the command; what still runs at the end is killed."""
    programs: list[Program] = []

    def run(*words: str, home: Path = home) -> Program:
        output = tmp_path / f"output-{len(programs)}"
        with output.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "qe_ban.cli", *words, "--home", str(home), "--port", str(port)],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                text=True,
                cwd="/",
                env={**CLEAN, "PYTHONPATH": str(REPOSITORY)},
            )
        program = Program(process, home, port, output)
        programs.append(program)
        return program

    yield run
    for program in programs:
        if program.process.poll() is None:
            program.process.kill()
            program.process.wait(HANG_TIMEOUT)
