"""What `up` is asked for, and the environment that follows: checked as a whole before anything starts."""

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from gettext import gettext as _
from pathlib import Path
from typing import Any

import click

from qe_ban import app
from qe_ban.cli import refusals
from qe_ban.cli.home import home_option
from qe_ban.cli.installation import (
    DATA_KEYS_DIR,
    DATABASE,
    MASTER_KEY,
    MASTER_KEY_FILE,
    MEDIA_DIR,
    OWN_DATA_KEYS,
    OWN_MASTER_KEY,
    OWN_MEDIA,
    REDIS,
    new_master_key,
)
from qe_ban.cli.refusals import Refused
from qe_ban.config import ConfigInvalid, Mode, Settings
from qe_ban.embedded.ports import free_port, port_is_free
from qe_ban.sandbox import secrets_file

MODE, ISSUER, SOURCES, OUTSIDE_TOKEN = "QE_MODE", "QE_ISSUER", "QE_SOURCES", "QE_OUTSIDE_TOKEN"
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - where to ask for it from here
UNKNOWN_YET = {DATABASE: "postgresql:///unknown", REDIS: "unix:///unknown"}
"""Stand for what only the start gives, while the rest is checked."""
DEFAULT_THREADS = 8


@dataclass(frozen=True, slots=True)
class StartOptions:
    """What a person starts the installation with."""

    home: Path
    host: str
    port: int
    workers: int
    sandbox: bool

    @property
    def address(self) -> str:
        """Where it is reached from this machine."""
        host = EVERYWHERE.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A checked plan. `env` is the environment of every process, but for the engines' addresses (`with_engines`)."""

    options: StartOptions
    env: Mapping[str, str]
    source_port: int | None

    @property
    def own_postgres(self) -> bool:
        """Return whether we run PostgreSQL ourselves."""
        return DATABASE not in self.env

    @property
    def connections(self) -> int:
        """Return how many connections to PostgreSQL all processes may want at once, with room for commands."""
        threads = int(self.env.get("QE_THREADS") or DEFAULT_THREADS)
        return self.options.workers * (2 * threads + max(2, threads // 4)) + 40

    @property
    def own_valkey(self) -> bool:
        """Return whether we run Valkey ourselves."""
        return REDIS not in self.env

    @property
    def makes_master_key(self) -> bool:
        """Return whether the home's own master key is used: in the sandbox, where none is given."""
        return self.options.sandbox and self.env.get(MASTER_KEY_FILE) == str(self.options.home / OWN_MASTER_KEY)

    def with_engines(self, engines: Mapping[str, str]) -> "Plan":
        """Return the plan with the addresses of the engines."""
        return replace(self, env={**self.env, **engines})


def start_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `up` to a command."""
    for option in (
        click.option("--workers", type=click.IntRange(1, 64), envvar="QE_WORKERS", default=2, show_default=True,
                     help="Web worker processes.  [env: QE_WORKERS]"),
        click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
        click.option("--port", type=click.IntRange(1, 65535), envvar="QE_PORT", default=8000, show_default=True,
                     help="Port to listen on.  [env: QE_PORT]"),
        home_option,
    ):  # fmt: skip
        command = option(command)
    return command


def make(options: StartOptions, variables: Mapping[str, str]) -> Plan:
    """Check everything that can be checked before anything starts. Raises Refused, ConfigInvalid, OSError."""
    options = replace(options, sandbox=options.sandbox or variables.get(MODE) == Mode.SANDBOX)
    _check_mode(options, variables)
    # an empty variable is one that is not set
    env = {name: value for name, value in variables.items() if value or not name.startswith("QE_")}
    source_port = _add_sandbox(env, options) if options.sandbox else None
    env.setdefault(MEDIA_DIR, os.path.realpath(options.home / OWN_MEDIA))
    env.setdefault(DATA_KEYS_DIR, os.path.realpath(options.home / OWN_DATA_KEYS))
    plan = Plan(options, env, source_port)
    _check(plan)
    return plan


def _check_mode(options: StartOptions, variables: Mapping[str, str]) -> None:
    """Refuse a sandbox where the variables name another mode, and production in a sandbox's home. Raises Refused."""
    if options.sandbox and variables.get(MODE, Mode.SANDBOX) != Mode.SANDBOX:
        raise Refused(_("{mode} is {given!r}: a sandbox does not start here").format(mode=MODE, given=variables[MODE]))
    if not options.sandbox and secrets_file.exists(options.home):
        raise Refused(
            _("home {home} is a sandbox's, whose enrolment codes are public: production needs its own").format(
                home=options.home
            )
        )


def _add_sandbox(env: dict[str, str], options: StartOptions) -> int | None:
    """Set what a sandbox has of its own; return the port of its own source, None where other sources are named."""
    env |= {MODE: Mode.SANDBOX.value, ISSUER: env.get(ISSUER, options.address)}
    env.setdefault(OUTSIDE_TOKEN, secrets.token_urlsafe(32))
    source_port = None
    if SOURCES not in env:
        source_port = free_port()
        env[SOURCES] = f"medical=http://127.0.0.1:{source_port}"
    if not {MASTER_KEY, MASTER_KEY_FILE} & set(env):
        env[MASTER_KEY_FILE] = str(options.home / OWN_MASTER_KEY)
    return source_port


def assemble(plan: Plan) -> app.Services:
    """Put the parts together as every process of the plan will. Raises Refused, ConfigInvalid."""
    settings = Settings.from_env(plan.env)
    try:
        return app.assemble(settings, pool=2)
    except ValueError as error:
        if isinstance(error, ConfigInvalid):
            raise
        raise Refused(
            _("{database} or {redis} is no address: {error}").format(database=DATABASE, redis=REDIS, error=error)
        ) from error


def _check(plan: Plan) -> None:
    env = {**UNKNOWN_YET, **plan.env}
    if plan.makes_master_key and not Path(env[MASTER_KEY_FILE]).exists():
        env[MASTER_KEY] = new_master_key()
    assemble(replace(plan, env=env))
    options = plan.options
    try:
        free = port_is_free(options.host, options.port)
    except OSError as error:
        raise Refused(
            _("{host} port {port} cannot be listened on: {strerror}").format(
                host=options.host, port=options.port, strerror=refusals.strerror(error)
            )
        ) from error
    if not free:
        raise Refused(_("port {port} is in use: choose another with --port").format(port=options.port))


def of_this_process(options: StartOptions) -> Plan:
    """Make the plan from this process's environment. Raises as `make`."""
    return make(options, os.environ)
