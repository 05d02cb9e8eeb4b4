"""The job worker: messages, schedules and long jobs of all slices."""

from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.accounts.adapters.sms import HttpSms, SandboxSms, Sms
from qe_ban.accounts.service import reindexing
from qe_ban.app import alarms, leaving, levels, pages, records, rewriting
from qe_ban.app.assembly import Parts, assemble
from qe_ban.audit import service as audit
from qe_ban.config import ConfigInvalid, Settings
from qe_ban.db.connecting import WORKER_WAITS
from qe_ban.items.service import importing, indexing, publishing
from qe_ban.jobs import service as jobs
from qe_ban.kernel.clock import Clock, system_clock
from qe_ban.kernel.errors import Unavailable
from qe_ban.keys import lifecycle, rewrapping
from qe_ban.message import Message
from qe_ban.publishing.service import media
from qe_ban.venues import service as venues
from qe_ban.zones.service import sunset

CLOCKS_APART = timedelta(minutes=1)


def create_worker(settings: Settings, clock: Clock = system_clock) -> jobs.Worker:
    """Give the worker: the outbox, keys made ahead and destroyed, forgetting, the catalogue's upkeep, imports.

    Raises ConfigInvalid.
    """
    made = assemble(settings, clock, pool=3, sealing=True, waits=WORKER_WAITS)
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
    def make_keys(session: Session, now: datetime) -> None:
        require_right_clock(session, now)
        settings = made.settings
        master = rewrapping.master_for_new(session, settings.master_key, settings.master_key_next)
        # what a program of the release before has made since
        audit.adopt_keys(session, master, now)
        lifecycle.make_ahead(session, master, now)
        lifecycle.renew_signing(session, master, now)
        lifecycle.destroy_old(session, now)

    def tidy_indexes(session: Session, _now: datetime) -> None:
        reindexing.tidy(session)

    def end_wards(session: Session, now: datetime) -> None:
        require_right_clock(session, now)
        accounts.end_due_wards(made.accounts, session, now)

    def end_zones(session: Session, now: datetime) -> None:
        require_right_clock(session, now)
        sunset.run(session, now, made.accounts.retention.backups)

    def let_pictures_go(session: Session, now: datetime) -> None:
        require_right_clock(session, now)
        media.collect(session, now)

    # after the other has committed: a file goes when it is certain that its row has gone
    def sweep_pictures(session: Session, now: datetime) -> None:
        require_right_clock(session, now)
        media.sweep_files(session, made.pictures.store, now)

    def turn(session: Session, now: datetime) -> None:
        publishing.turn(session, now)

    return [
        # a worker of the release before has `keys` and makes no key for the audit: its turn is not to stand for this
        jobs.Schedule("keys.ahead", timedelta(minutes=10), make_keys),
        jobs.Schedule("keys.tidy", timedelta(minutes=1), tidy_indexes),
        *records.schedules(made, require_right_clock),
        *alarms.schedules(made, require_right_clock),
        jobs.Schedule("items.turn", timedelta(seconds=5), turn),
        jobs.Schedule("items.tidy", timedelta(seconds=60), indexing.tidy),
        jobs.Schedule("items.popularity", timedelta(hours=1), made.popularity.fold),
        jobs.Schedule("pages.findings", timedelta(minutes=10), pages.inspect(made)),
        jobs.Schedule("media.collect", timedelta(hours=1), let_pictures_go),
        jobs.Schedule("media.files", timedelta(hours=1), sweep_pictures),
        jobs.Schedule("zones.sunset", timedelta(minutes=1), end_zones),
        levels.schedule(made, require_right_clock),
        rewriting.schedule(made, require_right_clock),
        jobs.Schedule("venues.names", timedelta(hours=1), lambda session, _now: venues.flag_names(session, made.city)),
        jobs.Schedule("wards.end", timedelta(minutes=1), end_wards),
        *leaving.schedules(made, require_right_clock),
    ]


def _sms(settings: Settings) -> Sms:
    if settings.outside.sms:
        return HttpSms(settings.outside.sms, settings.outside.token or "")
    if settings.sandbox:
        return SandboxSms()
    raise ConfigInvalid([Message("QE_SMS_URL is missing")])
