"""One running installation: engines, schema, keys, sandbox, then source, worker and server under one supervisor."""

import os
import resource
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from gettext import gettext as _
from pathlib import Path
from types import TracebackType
from typing import Self

import urllib3
from sqlalchemy import select
from sqlalchemy.orm import Session
from urllib3.exceptions import HTTPError

from qe_ban import app, migrations
from qe_ban.accounts.service import Accounts
from qe_ban.audit import service as audit
from qe_ban.cli import database_faults, primary, root_keys, steps
from qe_ban.cli.home import write_private
from qe_ban.cli.installation import DATABASE, OWN_MASTER_KEY, REDIS, new_master_key
from qe_ban.cli.plan import Plan, assemble
from qe_ban.cli.refusals import Refused
from qe_ban.cli.sandbox import pages as sample_pages
from qe_ban.db import valkey
from qe_ban.embedded.home import Home
from qe_ban.embedded.output import Output
from qe_ban.embedded.ports import reserve
from qe_ban.embedded.postgres import Postgres
from qe_ban.embedded.supervisor import Program, Supervisor
from qe_ban.embedded.valkey import Valkey
from qe_ban.keys import lifecycle, rewrapping
from qe_ban.keys.models import Key
from qe_ban.sandbox import loading, secrets_file
from qe_ban.sandbox.catalogue import loading as catalogue
from qe_ban.sandbox.secrets_file import StaffSecrets
from qe_ban.web import shedding

PYTHON = (sys.executable, "-P", "-m")
BACKLOG = 4096
"""Connections that the kernel keeps until a worker takes them; net.core.somaxconn may say less."""
DESCRIPTORS = 256
"""Open files of a web worker other than clients' connections."""
STOP_SECONDS = 20.0
READY_PAUSE = 0.1
PROGRESS_SECONDS = 5.0
# programs inherit our output; of a demo, people want to read something else on the terminal
TO_FILE = ("/bin/sh", "-c", 'log=$1; shift; exec "$@" >>"$log" 2>&1', "sh")


class Instance:
    """A context: inside it everything of a plan may be started; on leaving, all of it has ended."""

    def __init__(self, plan: Plan, *, say: steps.Say, log: str | None = None) -> None:
        """`say` hears a line for each step of the start.

        `log`: the file of the home's log directory that the programs write to, instead of to our output.
        """
        self.plan, self._say, self._log = plan, say, log
        self.home = Home(plan.options.home)
        self.supervisor = Supervisor()
        self.staff: list[StaffSecrets] = []
        self._port: int | None = None

    def __enter__(self) -> Self:
        self.home.acquire()
        self._port = reserve(self.plan.options.port)
        if self._port is None:
            self.home.release()
            raise Refused(
                _("port {port} is in use: another instance is starting on it").format(port=self.plan.options.port)
            )
        self.supervisor.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.supervisor.__exit__(kind, error, trace)
        finally:
            if self._port is not None:
                os.close(self._port)
            self.home.release()

    def start(self) -> None:
        """Start everything, and wait until the server is ready. Raises Refused, ConfigInvalid, EngineError."""
        with database_faults.refused():
            self._start()

    def _start(self) -> None:
        if self.plan.makes_master_key and not (self.home.path / OWN_MASTER_KEY).exists():
            write_private(self.home.path / OWN_MASTER_KEY, f"{new_master_key()}\n".encode())
        self._start_engines()
        parts = assemble(self.plan)
        try:
            self._look_at_engines(parts)
            self._say(steps.SCHEMA)
            before = migrations.upgrade(parts.database.engine)
            self._prepare(parts, parts.clock(), before)
        finally:
            parts.database.dispose()
        self._say(steps.SERVERS)
        for program in self._programs(parts.settings.threads):
            self.supervisor.start(program)

    def _look_at_engines(self, parts: app.Services) -> None:
        """Wait for a database of somebody else's, and warn of an old Valkey."""
        if not self.plan.own_postgres:
            primary.wait(parts.database, self._say, is_cancelled=lambda: self.supervisor.ending)
        if not self.plan.own_valkey and (version := valkey.too_old(valkey.connect(parts.settings.redis_url))):
            self._say(steps.old_valkey(version))

    def _start_engines(self) -> None:
        urls: dict[str, str] = {}
        if self.plan.own_postgres or self.plan.own_valkey:
            self._say(steps.ENGINES)
        if self.plan.own_postgres:
            postgres = Postgres(self.home, max_connections=max(200, self.plan.connections))
            self.supervisor.start(postgres)
            urls[DATABASE] = postgres.url
        if self.plan.own_valkey:
            engine = Valkey(self.home)
            self.supervisor.start(engine)
            urls[REDIS] = engine.url
        self.plan = self.plan.with_engines(urls)

    def _prepare(self, parts: app.Services, now: datetime, before: str | None) -> None:
        """Have keys for today, and in a sandbox the made-up city; `before`: the schema's revision before."""
        sandbox = self.plan.options.sandbox
        self._say(steps.KEYS)
        with parts.database.transaction() as session:
            has_keys = _has_keys(session)
            if has_keys and sandbox and not secrets_file.exists(self.home.path):
                raise Refused(_("this database has keys that no sandbox of this home made: a sandbox needs its own"))
            if not has_keys and not sandbox:
                raise Refused(_("there are no keys yet: run `qe-ban keys init`, then start again"))
            if sandbox:
                self.staff = secrets_file.complete(self.home.path)
            if not has_keys:
                root_keys.init(session, parts.settings.master_key, self.home.path / "roots", now)
            settings = parts.settings
            master = rewrapping.master_for_new(session, settings.master_key, settings.master_key_next)
            audit.adopt_after_upgrade(session, master, now, before)
            lifecycle.make_ahead(session, master, now)
        # another master key than the one that the keys lie under shows here, and not in the server's log
        parts.rings.snapshot()
        if sandbox:
            self._say(steps.PEOPLE)
            loader = loading.Loader(parts.get(Accounts), parts.city, parts.settings.outside.sources)
            with parts.database.transaction() as session:
                loader.load(session, self.staff, now)
            self._load("catalogue", lambda: catalogue.count_missing(parts.database))
            # its pages name items of the catalogue
            self._load("pages", lambda: len(sample_pages.loader_of(parts).missing()))

    def _load(self, sample: str, count_missing: Callable[[], int]) -> None:
        """Load what is missing of a part of the sample, and say how far it is.

        By a process of its own: what it takes, for words 120 MiB, goes with it.
        """
        total = count_missing()
        if not total:
            return
        self._say(steps.SAMPLES[sample])

        def show() -> None:
            self._say(steps.progress(total - count_missing(), total))

        words = ("qe_ban.cli", "sandbox", sample, "--home", str(self.home.path))
        program = self._program(sample, words, self._env())
        code = self.supervisor.finish(program, meanwhile=show, every=PROGRESS_SECONDS)
        if code:
            where = (
                _("{log} says why").format(log=self.home.path / "log" / self._log)
                if self._log
                else _("the reason stands above")
            )
            raise Refused(
                _("the sample {sample} cannot be loaded (exit code {code}): {where}").format(
                    sample=sample, code=code, where=where
                )
            )

    def _env(self) -> dict[str, str]:
        return {name: value for name, value in self.plan.env.items() if not name.startswith("GRANIAN_")}

    def _programs(self, threads: int) -> list[Program]:
        env = self._env()
        programs = [
            self._program("worker", ("qe_ban.cli", "worker"), env),
            self._server(env, threads),
        ]
        if self.plan.source_port is not None:
            source = ("qe_ban.cli", "sandbox", "source", "--port", str(self.plan.source_port))
            programs.insert(0, self._program("source", source, env))
        return programs

    def _server(self, env: dict[str, str], threads: int) -> Program:
        options = self.plan.options
        words = (
            "granian", "--interface", "wsgi", "--http", "1", "--host", options.host, "--port", str(options.port),
            "--workers", str(options.workers), "--blocking-threads", str(shedding.threads(threads)),
            "--backlog", str(BACKLOG), "--backpressure", str(_connections()),
            "--respawn-failed-workers", "--workers-kill-timeout", "10", "--log-level", "error", "qe_ban.wsgi:app",
        )  # fmt: skip
        # one heap for all threads: they take turns anyway, and a heap each keeps what others could use
        server_env = env | {"QE_SUPERVISED": "1", "MALLOC_ARENA_MAX": "1"}
        server_env |= {"PROMETHEUS_MULTIPROC_DIR": str(self._fresh_metrics())}
        server = self._program("server", words, server_env)
        server.ready = Readiness(f"{options.address}/readyz")
        return server

    def _program(self, name: str, words: tuple[str, ...], env: Mapping[str, str]) -> Program:
        argv = [*PYTHON, *words]
        if self._log is not None:
            path = self.home.directory("log") / self._log
            Output(path).close()
            argv = [*TO_FILE, str(path), *argv]
        return Program(name, argv, env=env, stop_seconds=STOP_SECONDS)

    def _fresh_metrics(self) -> Path:
        """Return an empty directory: what the workers of an earlier start counted is not to be counted again."""
        directory = self.home.run_dir / "metrics"
        if directory.exists():
            shutil.rmtree(directory)
        directory.mkdir(mode=0o700)
        return directory


class Readiness:
    """Asks whether a server says that it is ready."""

    def __init__(self, url: str) -> None:
        self._url, self._asked_at = url, 0.0
        self._pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=0.5, read=3.0))

    def __call__(self) -> bool:
        """Ask, unless it was asked just now."""
        if time.monotonic() - self._asked_at < READY_PAUSE:
            return False
        try:
            return self._pool.request("GET", self._url).status == 200
        except HTTPError:
            return False
        finally:
            self._asked_at = time.monotonic()


def _connections() -> int:
    """Return how many connections a worker may hold: idle ones count, and who finds none free is not even refused."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    minimum = BACKLOG + DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < minimum:
        soft = minimum if hard == resource.RLIM_INFINITY else min(minimum, hard)
        # what is started from here inherits it
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return BACKLOG if soft == resource.RLIM_INFINITY else max(1, min(BACKLOG, soft - DESCRIPTORS))


def _has_keys(session: Session) -> bool:
    return session.scalar(select(Key.kid).limit(1)) is not None
