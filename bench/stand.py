"""The test stand: the product as `up` runs it, the floor beside it, each on its core."""

import os
import socket
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bench.load import BenchFailed
from qe_ban.app import Services, assemble
from qe_ban.cli import plan as plans
from qe_ban.cli.instance import TO_FILE, Instance
from qe_ban.config import Settings
from qe_ban.embedded.supervisor import Program
from qe_ban.keys.models import Ring
from soak import processes

PRODUCT_APP, FLOOR_APP = "qe_ban.wsgi:app", "bench.floor:app"
FLOOR_KEY = "BENCH_PUBLIC_KEY"
"""Tells the floor the key of the codes that it checks, as an uncompressed point in hexadecimal."""
PROC = Path("/proc")
REPOSITORY = Path(__file__).parents[1]


class Stand:
    """A context: inside it the instance and the floor serve, with a temporary home and nothing of QE_* inherited.

    Both servers stand on the first core that we may use; on the second one everything else: this process, wrk,
    PostgreSQL and Valkey (fsync on, as in the product), the worker of jobs.
    """

    def __init__(self) -> None:
        """Nothing starts yet. Raises BenchFailed where there are no two cores."""
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2:
            raise BenchFailed("two cores are needed: one for the server, one for all else")
        self.server_core, self.other_core = cores[:2]

    def __enter__(self) -> Self:
        os.sched_setaffinity(0, {self.other_core})
        env = {name: value for name, value in os.environ.items() if not name.startswith("QE_")}
        port, floor_port = _free_ports()
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qe-bench-")))
            options = plans.StartOptions(directory / "home", "127.0.0.1", port, workers=1, sandbox=True)
            self._instance = stack.enter_context(
                Instance(plans.make(options, env), say=lambda _: None, log="bench.log")
            )
            self._instance.start()
            self.product = Server(port, _listening(PRODUCT_APP))
            self.settings = Settings.from_env(self._instance.plan.env)
            self.parts: Services = assemble(self.settings, pool=2)
            stack.callback(self.parts.database.dispose)
            self.floor = self._start_floor(floor_port, env, directory / "floor.log")
            for server in (self.product, self.floor):
                server.stand_on(self.server_core)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def check(self) -> None:
        """Raise BenchFailed where somebody asked for the end."""
        if self._instance.supervisor.ending:
            raise BenchFailed("stopped")

    def memory(self) -> tuple[float, float]:
        """Return the worker's memory, resident and proportional, in MiB."""
        usage = max((_rollup(pid) for pid in processes.tree(self.product.pid)), key=lambda used: used["Rss"])
        return usage["Rss"] / 1024, usage["Pss"] / 1024

    def options(self) -> str:
        """Return the options that the product's server was started with."""
        return " ".join(_words(self.product.pid)[3:])

    def _start_floor(self, port: int, env: dict[str, str], log: Path) -> "Server":
        """Start the floor by the very command line of the product's server, but for port and app."""
        words = _words(self.product.pid)
        words[words.index("--port") + 1] = str(port)
        words[-1] = FLOOR_APP
        key = self.parts.rings.signing(Ring.CODE, self.parts.clock()).private.public_key()
        floor_env = env | {"PYTHONPATH": str(REPOSITORY), FLOOR_KEY: _point(key)}
        program = Program("floor", [*TO_FILE, str(log), *words], env=floor_env, ready=lambda: _answers(port))
        self._instance.supervisor.start(program)
        if program.pid is None:
            raise BenchFailed("the floor did not start")
        return Server(port, program.pid)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its port and its first process."""

    port: int
    pid: int

    def seconds(self) -> float:
        """Return the processor time of all its processes so far."""
        return sum(_ticks(pid) for pid in processes.tree(self.pid)) / os.sysconf("SC_CLK_TCK")

    def stand_on(self, core: int) -> None:
        """Keep all its processes and threads on a core."""
        for pid in processes.tree(self.pid):
            for thread in (PROC / str(pid) / "task").iterdir():
                os.sched_setaffinity(int(thread.name), {core})


def _point(key: ec.EllipticCurvePublicKey) -> str:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint).hex()


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _listening(app: str) -> int:
    """Find the server among our children by the app that it was started with."""
    for pid in processes.tree(os.getpid()):
        if _words(pid)[-1:] == [app]:
            return pid
    raise BenchFailed("the product's server is not to be found")


def _ticks(pid: int) -> int:
    fields = _stat(PROC / str(pid))
    return int(fields[11]) + int(fields[12]) if fields else 0


def _stat(process: Path) -> list[str]:
    """Return what follows a process's name in its stat file (proc(5)), nothing when it has ended."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _words(pid: int) -> list[str]:
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().decode().rstrip("\0").split("\0")
    except OSError:
        return []


def _rollup(pid: int) -> dict[str, int]:
    """Return what a process has in memory, in KiB (proc(5), smaps_rollup)."""
    lines: Iterable[str] = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]
    return {line.split(":")[0]: int(line.split()[1]) for line in lines}
