"""The services of a process, put together from the settings; nothing connects before its first use."""

from qe_ban.app.slices import SLICES
from qe_ban.composition import Services
from qe_ban.config import ConfigInvalid, Settings
from qe_ban.db import valkey
from qe_ban.db.connecting import COMMAND_WAITS, Waits
from qe_ban.db.engine import Database
from qe_ban.db.limits import Limiter
from qe_ban.kernel import city_file
from qe_ban.kernel.city import City
from qe_ban.kernel.clock import Clock, system_clock
from qe_ban.keys.day_hashes import DayHashes
from qe_ban.keys.rings import KeyRings


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
) -> Services:
    """Put the services together; nothing connects yet. Raises ConfigInvalid.

    `sealing`: this process seals the audit. `waits`: how long it waits for PostgreSQL.
    """
    database = Database(
        settings.database_url, pool=pool or settings.threads, waits=waits, behind_pooler=settings.is_pooled
    )
    rings = KeyRings(
        database, settings.master_key, settings.master_key_next, data_keys=settings.data_keys_dir, sealing=sealing
    )
    day_hashes = DayHashes(rings)
    services = Services(
        settings=settings,
        clock=clock,
        city=load_city(settings),
        database=database,
        rings=rings,
        day_hashes=day_hashes,
        limiter=Limiter(valkey.connect(settings.redis_url), database, clock, day_hashes.digest),
        slices=SLICES,
    )
    services.make_all()
    return services
