"""The parts of a process, put together from the settings; nothing connects before its first use."""

from dataclasses import dataclass
from datetime import timedelta

from qe_ban.accounts import service as accounts
from qe_ban.accounts.adapters.face import Face, HttpFace, SandboxFace
from qe_ban.accounts.adapters.real_name import HttpRegister, Register, SandboxRegister
from qe_ban.app import closing
from qe_ban.codes import service as codes
from qe_ban.codes.adapters.http import HttpSource
from qe_ban.codes.service import suspending
from qe_ban.config import ConfigInvalid, Settings, sandbox_data
from qe_ban.db import valkey
from qe_ban.db.connecting import COMMAND_WAITS, Waits
from qe_ban.db.engine import Database
from qe_ban.db.limits import Limiter
from qe_ban.health.service import Health
from qe_ban.items.service.askers import Askers
from qe_ban.items.service.popularity import Popularity
from qe_ban.kernel import city_file
from qe_ban.kernel.city import City
from qe_ban.kernel.clock import Clock, system_clock
from qe_ban.keys.day_hashes import DayHashes
from qe_ban.keys.rings import KeyRings
from qe_ban.message import Message
from qe_ban.publishing.service.media import DirectoryStore, Pictures


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that a process of this product works with; connects on first use."""

    settings: Settings
    clock: Clock
    city: City
    database: Database
    rings: KeyRings
    day_hashes: DayHashes
    limiter: Limiter
    accounts: accounts.Accounts
    wallet: codes.Wallet
    health: Health
    popularity: Popularity
    askers: Askers
    pictures: Pictures


def load_city(settings: Settings) -> City:
    """Read the city's file. Raises ConfigInvalid."""
    try:
        return city_file.parse(settings.city_text(), always_open=settings.sandbox)
    except city_file.CityInvalid as error:
        raise ConfigInvalid([error.args[0]]) from error


def assemble(
    settings: Settings,
    clock: Clock = system_clock,
    *,
    pool: int | None = None,
    sealing: bool = False,
    waits: Waits = COMMAND_WAITS,
) -> Parts:
    """Put the parts together; nothing connects yet. Raises ConfigInvalid.

    `sealing`: this process seals the audit. `waits`: how long it waits for PostgreSQL.
    """
    city = load_city(settings)
    unknown = set(settings.outside.sources) - set(city.kinds)
    if unknown:
        raise ConfigInvalid(
            [
                Message(
                    "QE_SOURCES names kinds that the city does not have: {unknown}", unknown=", ".join(sorted(unknown))
                )
            ]
        )
    database = Database(
        settings.database_url, pool=pool or settings.threads, waits=waits, behind_pooler=settings.pooled
    )
    rings = KeyRings(
        database, settings.master_key, settings.master_key_next, data_keys=settings.data_keys_dir, sealing=sealing
    )
    day_hashes = DayHashes(rings)
    limiter = Limiter(valkey.connect(settings.redis_url), database, clock, day_hashes.digest)
    sources = {kind: HttpSource(url, settings.outside.token) for kind, url in settings.outside.sources.items()}
    register, face = _outside(settings)
    return Parts(
        settings=settings,
        clock=clock,
        city=city,
        database=database,
        rings=rings,
        day_hashes=day_hashes,
        limiter=limiter,
        accounts=accounts.Accounts(
            rings=rings,
            limiter=limiter,
            revocations=accounts.poll_revocations(database, clock),
            real_name=register,
            face=face,
            issuer=settings.issuer,
            verified=codes.open_wallet,
            entitlements=codes.entitlement_numbers,
            suspend=suspending.suspend_all,
            closing=closing.estates(rings),
            retention=accounts.Retention(
                timedelta(days=settings.retention.scans),
                timedelta(days=settings.retention.audit),
                timedelta(days=settings.retention.records),
                timedelta(days=settings.retention.backups),
            ),
            recovery_wait=city.recovery_wait,
            sandbox=settings.sandbox,
            otp_per_phone=settings.limits.otp_per_phone,
            otp_per_address=settings.limits.otp_per_address,
            otp_per_day=settings.limits.otp_per_day,
            tries_per_address=settings.limits.tries_per_address,
            window=settings.limits.window,
        ),
        wallet=codes.Wallet(rings, city, sources, settings.code_life),
        health=Health(rings, city.health, frozenset(sources)),
        popularity=Popularity(valkey.connect(settings.redis_url), day_hashes.digest),
        askers=Askers(valkey.connect(settings.redis_url), rings),
        pictures=Pictures(DirectoryStore(settings.media_dir)),
    )


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
        raise ConfigInvalid([Message("QE_REAL_NAME_URL is missing")])
    if outside.face:
        face = HttpFace(outside.face, token)
    elif settings.sandbox:
        face = SandboxFace(sandbox["step_up_proof"])
    else:
        raise ConfigInvalid([Message("QE_FACE_URL is missing")])
    return register, face
