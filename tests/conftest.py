"""Real engines for every test: one PostgreSQL and one Valkey a run, one database a worker, made by the migrations.

Tests commit for real and clean up nothing: each makes its own people and venues, so that they never meet.
"""

import base64
import os
import secrets
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import hypothesis
import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import event

from qe_ban import migrations
from qe_ban.accounts.service import passwords
from qe_ban.app import create_app
from qe_ban.audit.models import AuditEvent
from qe_ban.config import Settings
from qe_ban.db.engine import Database
from qe_ban.embedded.home import Home
from qe_ban.embedded.postgres import Postgres
from qe_ban.embedded.valkey import Valkey
from qe_ban.kernel.clock import Clock, system_clock
from qe_ban.keys import lifecycle
from qe_ban.keys.rings import KeyRings
from qe_ban.publishing.service.page_cache import PageCache
from qe_ban.web.parts import part
from tests.factories.limits import DISTANT, limits
from tests.privacy import words

# no test is timed: machines are shared
hypothesis.settings.register_profile("qe-ban", deadline=None)
# few examples, and the same each time, for runs that repeat every test a thousand times (docs/testing.md, Mutants)
hypothesis.settings.register_profile("mutants", deadline=None, max_examples=20, derandomize=True)
hypothesis.settings.load_profile(os.environ.get("QE_HYPOTHESIS_PROFILE", "qe-ban"))

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
ISSUER = "https://qe-ban.test"


Addresses = tuple[str, str]


class Engines:
    """The engines of a run, started by the process that gives out the tests."""

    def __init__(self, settings: dict[str, str] = FAST) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="qe-test-"))
        self.directory.chmod(0o755)
        self.home = Home(self.directory / "home")
        self.postgres = Postgres(self.home, settings=settings)
        self.valkey = Valkey(self.home)
        self.postgres.start()
        self.valkey.start()

    @property
    def addresses(self) -> Addresses:
        """The URL of PostgreSQL with `{}` for a database, and that of Valkey."""
        return self.postgres.url_of("{}"), self.valkey.url

    def stop(self) -> None:
        self.valkey.stop()
        self.postgres.stop()
        self.home.release()
        shutil.rmtree(self.home.run_dir, ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)


ENGINES = pytest.StashKey[Engines]()
RENDEZVOUS = pytest.StashKey[Path]()
"""Where workers say that they need the engines, and the process that gives out the tests says where they are."""
# commands speak English to the tests, but for those of the language
os.environ["QE_LANG"] = "en"
IN_CI = os.environ.get("QE_CI") == "1"
SLOW_TIMEOUT = 900
"""Seconds: whole programs start and stop in slow tests, on machines that do other things beside."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--without-engines", action="store_true", help="only tests that need no engine, and are quick")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--without-engines"):
        # every fixture with an engine behind it asks for the settings; slow tests start programs of their own
        others = [item for item in items if "settings" in item.fixturenames or item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in set(others)]
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_TIMEOUT))
    worker_input = getattr(config, "workerinput", None)
    if worker_input is not None and any("settings" in item.fixturenames for item in items):
        (Path(worker_input["qe_rendezvous"]) / "needed").touch()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a skipped test fail where everything is said to be installed: what is not tested there is tested nowhere."""
    report = yield
    skipped = report.skipped and not hasattr(report, "wasxfail")
    if IN_CI and skipped and not item.get_closest_marker("privileged"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and QE_CI=1 lets no test be: {skip_reason(report)}"
    return report


def skip_reason(report: pytest.TestReport) -> str:
    """Give the reason of a skipped test: pytest keeps it beside file and line."""
    return report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = Counter(
        skip_reason(report).removeprefix("Skipped: ") for report in terminalreporter.stats.get("skipped", ())
    )
    if reasons:
        terminalreporter.section("NOT TESTED on this machine", yellow=True)
    for reason, number in reasons.most_common():
        terminalreporter.line(f"{number} {'test' if number == 1 else 'tests'}: {reason}")


def engines_of(config: pytest.Config) -> Engines:
    """Return the engines of this run, which start when they are first asked for: pure tests need none."""
    if ENGINES not in config.stash:
        config.stash[ENGINES] = Engines()
    return config.stash[ENGINES]


def addresses_of_engines(config: pytest.Config) -> Addresses:
    """Return where the engines of this run are, in the process that gives out the tests or in a worker."""
    worker_input = getattr(config, "workerinput", None)
    if worker_input is None:
        return engines_of(config).addresses
    postgres_url, valkey_url = (Path(worker_input["qe_rendezvous"]) / "addresses").read_text().splitlines()
    return postgres_url, valkey_url


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    config = node.config  # type: ignore[attr-defined]
    if RENDEZVOUS not in config.stash:
        config.stash[RENDEZVOUS] = Path(tempfile.mkdtemp(prefix="qe-run-"))
    node.workerinput["qe_rendezvous"] = str(config.stash[RENDEZVOUS])  # type: ignore[attr-defined]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: object) -> None:
    """Start the engines for all workers when one has collected a test that needs them, before any test runs."""
    config = node.config  # type: ignore[attr-defined]
    if (config.stash[RENDEZVOUS] / "needed").exists():
        (config.stash[RENDEZVOUS] / "addresses").write_text("\n".join(engines_of(config).addresses))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    engines = session.config.stash.get(ENGINES, None)
    if engines is not None:
        engines.stop()
    rendezvous = session.config.stash.get(RENDEZVOUS, None)
    if rendezvous is not None:
        shutil.rmtree(rendezvous, ignore_errors=True)


@event.listens_for(AuditEvent, "before_insert")
def no_words_in_events(_mapper: object, _connection: object, written: AuditEvent) -> None:
    """Let no test record an event with words about people in it: whatever any test does, its events pass here."""
    if not words.PUBLIC_EVENTS.match(written.action):
        assert words.words_in(written.details) == [], written.action


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hash passwords in this process at the least cost there is: the real one takes a third of a second on purpose."""
    hasher = partial(Argon2Hasher, time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "Argon2Hasher", hasher)
        patch.setattr(passwords, "NOBODYS", hasher().hash(secrets.token_hex(16)))
        yield


@pytest.fixture(scope="session", autouse=True)
def distant_limits() -> Iterator[None]:
    """Let nothing be refused because this machine is slow."""
    with limits(DISTANT):
        yield


@pytest.fixture(scope="session")
def settings(request: pytest.FixtureRequest, worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Sandbox settings on this worker's own database, made by the migrations, and its own part of Valkey."""
    postgres_url, valkey_url = addresses_of_engines(request.config)
    name, number = f"test_{worker_id}", int(worker_id.removeprefix("gw")) if worker_id != "master" else 0
    url_of = postgres_url.replace("%7B%7D", "{}").format
    with psycopg.connect(url_of("qe"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    made = Settings.from_env(
        {
            "QE_MODE": "sandbox",
            "QE_DATABASE_URL": url_of(name),
            "QE_REDIS_URL": valkey_url.replace("db=0", f"db={number}"),
            "QE_MASTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "QE_ISSUER": ISSUER,
            "QE_MEDIA_DIR": str(tmp_path_factory.mktemp("media")),
            "QE_DATA_KEYS_DIR": str(tmp_path_factory.mktemp("data-keys") / name),
        }
    )
    database = Database(made.database_url)
    migrations.upgrade(database.engine)
    with database.transaction() as session:
        # an hour ago: tests look back at codes of minutes ago
        lifecycle.init(session, made.master_key, datetime.now(UTC) - timedelta(hours=1))
    database.dispose()
    return made


@pytest.fixture(scope="session")
def database(settings: Settings) -> Iterator[Database]:
    made = Database(settings.database_url, pool=16)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def rings(settings: Settings, database: Database) -> KeyRings:
    return KeyRings(database, settings.master_key, data_keys=settings.data_keys_dir)


@pytest.fixture(scope="session")
def app(settings: Settings) -> Iterator[Flask]:
    with closing_pool(create_app(settings)) as made:
        yield made


@pytest.fixture
def make_app(settings: Settings) -> Iterator[Callable[..., Flask]]:
    """Make more of the product's apps, as more workers are, with a clock or settings of one's own."""
    with ExitStack() as stack:

        def make(clock: Clock = system_clock, settings: Settings = settings) -> Flask:
            return stack.enter_context(closing_pool(create_app(settings, clock=clock)))

        yield make


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@contextmanager
def closing_pool(app: Flask) -> Iterator[Flask]:
    """Close the app's connections in the end: engines have room for some of them only."""
    try:
        yield app
    finally:
        with app.app_context():
            part(PageCache).close()
            part(Database).dispose()
