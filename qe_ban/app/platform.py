"""What all slices stand on, declared as a slice is: keys, limits, idempotency, and what is done for all slices."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from qe_ban.app import upgrade
from qe_ban.composition import (
    PersonalDataEraser,
    RetentionPlan,
    Schedule,
    Services,
    Slice,
    sweeper,
    with_clock_check,
    with_clock_check_standalone,
)
from qe_ban.composition.retention import EVERY
from qe_ban.db import limits, valkey
from qe_ban.db.retention import Schedule as RetentionSchedule
from qe_ban.kernel.principal import Actor, PrincipalKind
from qe_ban.keys import data_keys, words
from qe_ban.keys.models import Ring
from qe_ban.keys.wrapping import MasterKeyWrong
from qe_ban.web import idempotency
from qe_ban.web.health import FAILURES, Check


def _schedules(services: Services) -> list[Schedule]:
    def destroy_data_keys(session: Session, _now: datetime) -> None:
        data_keys.destroy_due(services.rings, session)

    def seal_words(now: datetime) -> None:
        for column in words.CLEAR:
            count = words.STEP
            while count == words.STEP:
                with services.database.transaction() as session:
                    count = words.seal_step(session, services.rings, column, now)

    def rotate_partitions(now: datetime) -> None:
        for step in services.collect(lambda slice_: slice_.partitions):
            with services.database.transaction() as session:
                step(session, now)

    rewrite = with_clock_check(upgrade.run_pending(services))
    return [
        Schedule("data_keys.destroy", timedelta(seconds=10), destroy_data_keys),
        *(_sweep(services, schedule) for schedule in RetentionSchedule if schedule is not RetentionSchedule.AUDIT),
        Schedule("words.seal", timedelta(minutes=10), with_clock_check_standalone(seal_words), commits=True),
        Schedule("months", timedelta(hours=1), with_clock_check_standalone(rotate_partitions), commits=True),
        Schedule("upgrade.rewrite", timedelta(minutes=1), rewrite, commits=True),
    ]


def _sweep(services: Services, schedule: RetentionSchedule) -> Schedule:
    run = sweeper(services, [schedule]).run
    return Schedule(schedule, EVERY[schedule], with_clock_check_standalone(lambda _: run()), commits=True)


def _count_answers(session: Session, resident: UUID) -> Mapping[str, int]:
    return {"idempotency_keys": idempotency.count_answers(session, Actor(PrincipalKind.RESIDENT, resident))}


def _erase_answers(session: Session, resident: UUID, _now: datetime) -> None:
    idempotency.forget(session, Actor(PrincipalKind.RESIDENT, resident))


def _readiness(services: Services) -> Mapping[str, Check]:
    ping: Callable[[], object] = valkey.connect(services.settings.redis_url).ping

    def check_database() -> None:
        # both pools: each connects by itself, and codes are issued and verified by the second
        with services.database.transaction() as session:
            session.execute(text("SELECT 1"))
        with services.database.statements() as connection:
            connection.execute("SELECT 1")

    def check_keys() -> None:
        now = services.clock()
        services.rings.signing(Ring.CODE, now)
        services.rings.signing(Ring.TOKEN, now)
        services.rings.column_key_of_day(now)

    return {
        "postgresql": Check(check_database),
        "keys": Check(check_keys, failures=(*FAILURES, MasterKeyWrong)),
        "valkey": Check(ping, required=False),
    }


PLATFORM: Final = Slice(
    name="platform",
    operations=(),
    scopes=frozenset(),
    retention=RetentionPlan(
        endings=(*idempotency.ENDINGS, *limits.ENDINGS),
        elsewhere={"data_keys_to_destroy": "seconds, when the key is destroyed, by `data_keys.destroy`"},
        without_end={
            "release_overlaps": "one row a release",
            "ring_keys": "keys have lives of their own (docs/keys.md); public halves check what was signed",
        },
    ),
    schedules=_schedules,
    eraser=lambda _: PersonalDataEraser(_count_answers, _erase_answers),
    rewrite=upgrade.rewrite_sealed,
    readiness=_readiness,
)
