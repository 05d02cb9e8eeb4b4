"""Servers as a city's own: PostgreSQL on TCP with a standby that streams, Debian's pgbouncer and nginx before them.

All run as an unprivileged user, on loopback addresses, and end with the process that started them.
"""

import os
import shutil
import signal
import socket
import tempfile
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from qe_ban.embedded import account, binaries
from qe_ban.embedded.account import Account
from qe_ban.embedded.process import Child
from tests.factories.waits import HANG_TIMEOUT, wait_for

FAST = ("--fsync=off", "--full_page_writes=off")
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


def require_program(name):
    """Return a program of Debian's; the test is skipped on a machine without it."""
    program = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if program is None:
        pytest.skip(f"{name} is not installed (Debian: apt install {name})")
    return program


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Site:
    """A directory, and the unprivileged user who runs programs in it."""

    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="qe-s-"))
        self.directory.chmod(0o755)
        self.tools = binaries.postgres()
        self.account = Account.own()
        if os.geteuid() == 0:
            uid, gid = account.unprivileged_ids(self.directory)
            os.chown(self.directory, uid, gid)
            self.account = account.reaching(
                uid, gid, directories=(self.directory, self.directory), program=self.tools / "postgres"
            )
        self.children = []

    def path(self, name, text=None):
        """Return a path in the directory, with a file of this text where there is one."""
        path = self.directory / name
        if text is not None:
            path.write_text(text)
            path.chmod(0o644)
        return path

    def start(self, name, *words, death_signal=signal.SIGKILL):
        with self.path(f"{name}.log").open("a") as log:
            child = Child(
                [str(word) for word in words],
                env=ENVIRONMENT,
                cwd=self.directory,
                output=log.fileno(),
                account=self.account,
                death_signal=death_signal,
            )
        self.children.append(child)
        return child

    def run(self, name, *words):
        code = self.start(name, *words).wait(HANG_TIMEOUT)
        assert code == 0, self.log(name)

    def log(self, name):
        return self.path(f"{name}.log").read_text("utf-8", "replace")[-3000:]

    def close(self):
        for child in reversed(self.children):
            child.stop((signal.SIGINT, 30))
        shutil.rmtree(self.directory, ignore_errors=True)


@contextmanager
def site():
    own_site = Site()
    try:
        yield own_site
    finally:
        own_site.close()


class Server:
    """A PostgreSQL of its own port, that trusts whoever connects by the loopback address or its socket."""

    def __init__(self, site, name, *, copy_of=None):
        self.site, self.name, self.port = site, name, free_port()
        self.data = site.path(name)
        self._hba = site.path("hba", "local all all trust\nhost all,replication all 127.0.0.1/32 trust\n")
        if copy_of is None:
            words = ("initdb", "-D", self.data, "--username=qe", "--encoding=UTF8", "--locale=C", "--no-sync")
        else:
            source = ("--host=127.0.0.1", f"--port={copy_of.port}", "--username=qe")
            words = ("pg_basebackup", "-D", self.data, "-R", "--checkpoint=fast", "--no-sync", *source)
        site.run(name, site.tools / words[0], *words[1:])
        self.child = None

    def start(self, *settings):
        places = (f"--hba_file={self._hba}", f"--unix_socket_directories={self.site.directory}", f"--port={self.port}")
        words = (
            self.site.tools / "postgres",
            "-D",
            self.data,
            *FAST,
            *places,
            "--listen_addresses=127.0.0.1",
            *settings,
        )
        self.child = self.site.start(self.name, *words, death_signal=signal.SIGQUIT)
        wait_for(self.serves, lambda: self.site.log(self.name))
        return self

    def serves(self):
        try:
            self.ask("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, number=signal.SIGINT):
        self.child.stop((number, 30))

    def ask(self, statement, database="postgres"):
        where = f"host=127.0.0.1 port={self.port} user=qe dbname={database} connect_timeout=30"
        with psycopg.connect(where, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchone() if cursor.description else None

    def promote(self):
        assert self.ask("SELECT pg_promote(true, 120)") == (True,)


class Pgbouncer:
    """Debian's pgbouncer before a server, in transaction mode, with few connections for many clients."""

    def __init__(self, site, server, *, ignore="extra_float_digits,options", size=2, mode="transaction"):
        self.site, self.port = site, free_port()
        self.users = site.path("users", '"qe" ""\n')
        lines = (
            "[databases]",
            f"* = host=127.0.0.1 user=qe port={server.port}",
            "[pgbouncer]",
            "listen_addr = 127.0.0.1",
            f"listen_port = {self.port}",
            "unix_socket_dir =",
            "auth_type = any",
            "auth_file = " + str(self.users),
            f"pool_mode = {mode}",
            f"default_pool_size = {size}",
            "max_client_conn = 500",
            *((f"ignore_startup_parameters = {ignore}",) if ignore else ()),
        )
        self.config = site.path(f"pgbouncer-{self.port}.ini", "\n".join((*lines, "")))
        self.restart()

    def restart(self):
        name = f"pgbouncer-{self.port}"
        self.child = self.site.start(name, require_program("pgbouncer"), self.config)
        wait_for(lambda: answers(self.port), lambda: self.site.log(name))

    def url(self, database):
        return f"postgresql://qe@127.0.0.1:{self.port}/{database}"
