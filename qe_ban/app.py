"""create_app(settings): the only place where the parts are put together, for web workers and for the job worker."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.accounts.adapters.face import Face, HttpFace, SandboxFace
from qe_ban.accounts.adapters.real_name import HttpRegister, Register, SandboxRegister
from qe_ban.accounts.adapters.sms import HttpSms, SandboxSms, Sms
from qe_ban.accounts.routes import blueprints as accounts_blueprints
from qe_ban.audit import routes as audit_routes
from qe_ban.codes import routes as codes_routes
from qe_ban.codes import service as codes
from qe_ban.codes.adapters.http import HttpSource
from qe_ban.config import ConfigInvalid, Settings, sandbox_data
from qe_ban.db import limits, valkey
from qe_ban.db.engine import Database
from qe_ban.db.limits import Limiter
from qe_ban.items.routes import BLUEPRINTS as ITEMS
from qe_ban.items.service import importing, indexing, misses, publishing
from qe_ban.items.service.popularity import Popularity
from qe_ban.jobs import routes as jobs_routes
from qe_ban.jobs import service as jobs
from qe_ban.kernel import city as cities
from qe_ban.kernel.city import City
from qe_ban.kernel.clock import Clock, system_clock
from qe_ban.kernel.errors import Unavailable
from qe_ban.keys import lifecycle
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings
from qe_ban.keys.wrapping import MasterKeyWrong
from qe_ban.venues import routes as venues_routes
from qe_ban.web import application, guard, health, idempotency, logs, parts

CLOCKS_APART = timedelta(minutes=1)
WORKER_SILENT = timedelta(seconds=90)


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that a process of this product works with; connects on first use."""

    settings: Settings
    clock: Clock
    city: City
    database: Database
    rings: KeyRings
    limiter: Limiter
    accounts: accounts.Accounts
    wallet: codes.Wallet
    popularity: Popularity


def load_city(settings: Settings) -> City:
    """Read the city's file. Raises ConfigInvalid."""
    try:
        return cities.parse(settings.city_text(), always_open=settings.sandbox)
    except cities.CityInvalid as error:
        raise ConfigInvalid([str(error)]) from error


def assemble(settings: Settings, clock: Clock = system_clock, *, pool: int | None = None) -> Parts:
    """Put the parts together; nothing connects yet. Raises ConfigInvalid."""
    city = load_city(settings)
    unknown = set(settings.outside.sources) - set(city.kinds)
    if unknown:
        raise ConfigInvalid([f"QE_SOURCES names kinds that the city does not have: {', '.join(sorted(unknown))}"])
    database = Database(settings.database_url, pool=pool or settings.threads)
    rings = KeyRings(database, settings.master_key)
    limiter = Limiter(valkey.connect(settings.redis_url), database, clock)
    sources = {kind: HttpSource(url, settings.outside.token) for kind, url in settings.outside.sources.items()}
    register, face = _outside(settings)
    return Parts(
        settings=settings,
        clock=clock,
        city=city,
        database=database,
        rings=rings,
        limiter=limiter,
        accounts=accounts.Accounts(
            rings=rings,
            limiter=limiter,
            revocations=accounts.poll_revocations(database, clock),
            real_name=register,
            face=face,
            issuer=settings.issuer,
            verified=codes.open_wallet,
            sandbox=settings.sandbox,
            otp_per_phone=settings.limits.otp_per_phone,
            otp_per_address=settings.limits.otp_per_address,
            tries_per_address=settings.limits.tries_per_address,
            window=settings.limits.window,
        ),
        wallet=codes.Wallet(rings, city, sources, settings.code_life),
        popularity=Popularity(valkey.connect(settings.redis_url)),
    )


def create_app(settings: Settings, *, clock: Clock = system_clock) -> Flask:
    """Give the WSGI app. Raises ConfigInvalid."""
    made = assemble(settings, clock)
    app, api = application.build(settings, clock, name="qe_ban")
    provided = (made.database, made.rings, made.city, made.limiter, made.accounts, made.wallet, made.popularity)
    for collaborator in provided:
        parts.provide(app, collaborator)
    guard.install(app, lambda token: accounts.principal_from(made.accounts, token, clock()))
    health.install(app, _checks(made))
    others = (venues_routes.blp, codes_routes.blp, audit_routes.blp, jobs_routes.blp)
    for blueprint in (*accounts_blueprints, *others, *ITEMS):
        api.register_blueprint(blueprint)
    return app


def create_worker(settings: Settings, clock: Clock = system_clock) -> jobs.Worker:
    """Give the worker: the outbox, keys made ahead and destroyed, forgetting, the catalogue's upkeep, imports.

    Raises ConfigInvalid.
    """
    made = assemble(settings, clock, pool=3)
    return jobs.Worker(
        made.database,
        made.rings,
        clock,
        accounts.message_handlers(_sms(settings)),
        _schedules(made),
        {importing.KIND: partial(importing.run, importing.Importer(made.city, clock))},
    )


class ClockWrong(Unavailable):
    """This machine's clock and the database's are a minute apart: what is destroyed by it would be gone for good."""

    code = "clock_wrong"
    detail = "本机时钟与数据库相差过大"


def require_right_clock(session: Session, now: datetime) -> None:
    """Compare our moment with the database's. Raises ClockWrong."""
    if abs(session.execute(select(func.clock_timestamp())).scalar_one() - now) > CLOCKS_APART:
        raise ClockWrong


def _schedules(made: Parts) -> list[jobs.Schedule]:
    def sweep(session: Session, now: datetime) -> None:
        require_right_clock(session, now)
        accounts.sweep(session, now)
        codes.sweep(session, now)
        limits.sweep(session, now)
        idempotency.sweep(session, now)
        misses.sweep(session, now)
        jobs.sweep(session, now)

    # by itself: files of whole cities take long to delete, and what is left of them holds up no other forgetting
    def sweep_imports(session: Session, now: datetime) -> None:
        require_right_clock(session, now)
        importing.sweep(session, now)

    def make_keys(session: Session, now: datetime) -> None:
        require_right_clock(session, now)
        lifecycle.make_ahead(session, made.settings.master_key, now)
        lifecycle.renew_signing(session, made.settings.master_key, now)
        lifecycle.destroy_old(session, now)

    def turn(session: Session, now: datetime) -> None:
        publishing.turn(session, now)

    return [
        jobs.Schedule("keys", timedelta(minutes=10), make_keys),
        jobs.Schedule("sweep", timedelta(minutes=5), sweep),
        jobs.Schedule("items.turn", timedelta(seconds=5), turn),
        jobs.Schedule("items.tidy", timedelta(seconds=60), indexing.tidy),
        jobs.Schedule("items.popularity", timedelta(hours=1), made.popularity.fold),
        jobs.Schedule("items.imports", timedelta(minutes=5), sweep_imports),
    ]


def _outside(settings: Settings) -> tuple[Register, Face]:
    outside, token = settings.outside, settings.outside.token or ""
    sandbox = sandbox_data() if settings.sandbox else {}
    register: Register
    face: Face
    if outside.real_name:
        register = HttpRegister(outside.real_name, token)
    elif settings.sandbox:
        register = SandboxRegister(sandbox["residents"])
    else:
        raise ConfigInvalid(["QE_REAL_NAME_URL is missing"])
    if outside.face:
        face = HttpFace(outside.face, token)
    elif settings.sandbox:
        face = SandboxFace(sandbox["step_up_proof"])
    else:
        raise ConfigInvalid(["QE_FACE_URL is missing"])
    return register, face


def _sms(settings: Settings) -> Sms:
    if settings.outside.sms:
        return HttpSms(settings.outside.sms, settings.outside.token or "")
    if settings.sandbox:
        return SandboxSms()
    raise ConfigInvalid(["QE_SMS_URL is missing"])


def _checks(made: Parts) -> dict[str, health.Check]:
    client = valkey.connect(made.settings.redis_url)

    def database() -> None:
        with made.database.transaction() as session:
            session.execute(text("SELECT 1"))

    def keys() -> None:
        now = made.clock()
        made.rings.signing(Ring.CODE, now)
        made.rings.signing(Ring.TOKEN, now)
        made.rings.column_key_of_day(now)

    def worker() -> None:
        with made.database.transaction() as session:
            beat = jobs.last_beat(session)
        if beat is None or made.clock() - beat > WORKER_SILENT:
            raise TimeoutError("no worker was heard of")

    return {
        "postgresql": health.Check(database),
        "keys": health.Check(keys, failures=(*health.FAILURES, MasterKeyWrong)),
        "valkey": health.Check(client.ping, required=False),
        "worker": health.Check(worker, required=False),
    }


def configure_logs() -> None:
    """Send structured lines to standard error."""
    logs.configure(json=True)
