"""The installation under test: `qe-ban up --sandbox` as a process of its own, whose parts may be killed."""

import os
import signal
import socket
import sys
import time
from pathlib import Path

import redis

from qe_ban.cli.instance import TO_FILE, Readiness
from qe_ban.cli.refusals import Refused
from qe_ban.embedded.home import Home
from qe_ban.embedded.output import Output
from qe_ban.embedded.postgres import Postgres
from qe_ban.embedded.supervisor import Program
from qe_ban.embedded.valkey import Valkey
from soak import processes

UNLIMITED = "1000000"
# one machine plays a city here: limits are another test's business
ENVIRONMENT = {
    "QE_ISSUE_PER_MINUTE": UNLIMITED,
    "QE_OTP_PER_PHONE": "10000",
    "QE_OTP_PER_ADDRESS": UNLIMITED,
    "QE_TRIES_PER_ADDRESS": UNLIMITED,
}
START_SECONDS = 300.0
ANSWER_TIMEOUT = 60.0


class System:
    """One `up` and what belongs to it. To be used in the main thread."""

    def __init__(self, home: Path, workers: int) -> None:
        """Nothing starts yet; the log goes to `log/soak.log` in the home."""
        self._home = Home(home)
        self.port = _free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = self._home.directory("log") / "soak.log"
        Output(self.log).close()
        env = {name: value for name, value in os.environ.items() if not name.startswith("QE_")}
        words = ("up", "--sandbox", "--home", str(home), "--port", str(self.port), "--workers", str(workers))
        argv = [*TO_FILE, str(self.log), sys.executable, "-P", "-m", "qe_ban.cli", *words]
        self._ready = Readiness(f"{self.address}/readyz")
        self._up = Program("up", argv, env | ENVIRONMENT, ready=self._ready, ready_seconds=START_SECONDS)

    @property
    def home(self) -> Path:
        """The home's directory."""
        return self._home.path

    @property
    def postgres_url(self) -> str:
        """The address of its database."""
        return Postgres(self._home).url

    def start(self) -> None:
        """Start it, again after it ended, and wait until it is ready. Raises EngineError."""
        self._up.start()

    def stop(self) -> None:
        """End it as an operator does."""
        self._up.stop()

    def ended(self) -> bool:
        """Return whether it ended by itself or was killed."""
        return self._up.poll() is not None

    def valkey(self) -> redis.Redis:
        """Return a client of its Valkey, to do inject_faults with."""
        return redis.Redis.from_url(Valkey(self._home).url, socket_timeout=10)

    def main(self) -> int:
        """Return the process of `up` itself."""
        return self._up.pid or 0

    def part(self, words: str) -> int:
        """Return the part whose command line holds `words`, waiting for it where it is being started again.

        Raises Refused when there is none for a minute.
        """
        deadline = time.monotonic() + ANSWER_TIMEOUT
        while time.monotonic() < deadline:
            for pid in processes.tree(self.main())[1:]:
                if words in processes.command(pid):
                    return pid
            time.sleep(0.1)
        raise Refused(f"no process {words!r} of {self.home} is running (see {self.log})")

    def web_worker(self) -> int:
        """Return one of the server's worker processes. Raises Refused."""
        deadline = time.monotonic() + ANSWER_TIMEOUT
        while time.monotonic() < deadline:
            server = self.part("granian")
            # the resource tracker of multiprocessing is no worker
            workers = [pid for pid in processes.children(server) if "resource_tracker" not in processes.command(pid)]
            if workers:
                return workers[-1]
            time.sleep(0.1)
        raise Refused(f"the server of {self.home} has no worker (see {self.log})")

    def backend(self) -> int:
        """Return one of PostgreSQL's processes that serve ours. Raises Refused."""
        deadline = time.monotonic() + ANSWER_TIMEOUT
        while time.monotonic() < deadline:
            for pid in self.postgres()[1:]:
                if " qe qe " in processes.command(pid):
                    return pid
            time.sleep(0.1)
        raise Refused(f"PostgreSQL of {self.home} serves nobody (see {self.log})")

    def postgres(self) -> list[int]:
        """Return PostgreSQL's processes, the postmaster first. Raises Refused."""
        postmaster = self.part("bin/postgres -D")
        return [postmaster, *processes.children(postmaster)]

    def kill(self, *pids: int) -> None:
        """Kill outright."""
        processes.send(pids, signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
