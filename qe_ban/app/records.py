"""What the worker does with records that only grow: seals the audit log, keeps as long as is due, turns the months."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias

from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.app import retention
from qe_ban.app.assembly import Parts
from qe_ban.audit import service as audit
from qe_ban.codes import service as codes
from qe_ban.db.retention import Schedule
from qe_ban.jobs import service as jobs
from qe_ban.keys import data_keys, words

Step: TypeAlias = Callable[[Session, datetime], object]


def schedules(made: Parts, require_right_clock: Step) -> list[jobs.Schedule]:
    """Give the schedules. Each commits by itself, step by step; the schedule's transaction says whose turn it is."""
    kept = made.settings.retention
    sealer = audit.Sealer(made.database, made.rings, made.clock, made.settings.audit_heads)
    log = audit.Retention(made.database, made.rings, made.clock, kept.audit)
    turns: tuple[Step, ...] = (
        codes.make_months,
        audit.make_months,
        lambda session, now: codes.drop_months(session, now, kept.scans),
        lambda session, now: audit.drop_months(session, now, kept.audit),
        lambda session, now: audit.forget_holders(session, now - timedelta(days=kept.scans)),
    )

    def turn_months(now: datetime) -> None:
        for turn in turns:
            with made.database.transaction() as session:
                turn(session, now)

    def tend_disputes(now: datetime) -> None:
        for step in (codes.conceal_disputes, codes.record_disputes):
            with made.database.transaction() as session:
                step(session, made.rings, now)

    def turn_over(session: Session, now: datetime) -> None:
        require_right_clock(session, now)
        # in one transaction: who was asked and who agreed are not told apart by it
        codes.turn_over_requests(session, made.rings)
        accounts.turn_over_consents(session, made.rings, now)

    def erase(_now: datetime) -> None:
        log.run()
        retention.sweeper(made, [Schedule.AUDIT]).run()

    def ending(schedule: Schedule) -> jobs.Schedule:
        sweeper = retention.sweeper(made, [schedule])
        return jobs.Schedule(schedule, retention.EVERY[schedule], guarded(lambda _: sweeper.run()), commits=True)

    def guarded(run: Callable[[datetime], object]) -> Callable[[Session, datetime], None]:
        def guard(session: Session, now: datetime) -> None:
            require_right_clock(session, now)
            run(now)

        return guard

    return [
        jobs.Schedule("audit.seal", timedelta(seconds=10), guarded(lambda _: sealer.run()), commits=True),
        jobs.Schedule("audit.retention", timedelta(minutes=10), guarded(erase), commits=True),
        jobs.Schedule("data_keys.destroy", timedelta(seconds=10), partial(_destroy_data_keys, made)),
        jobs.Schedule("scans.requests", timedelta(seconds=30), turn_over),
        jobs.Schedule(
            "sign_ins.order", timedelta(seconds=30), guarded(partial(_turn_over_sign_ins, made)), commits=True
        ),
        *(ending(schedule) for schedule in (Schedule.MOMENTS, Schedule.SCANS, Schedule.DAYS)),
        jobs.Schedule("words.seal", timedelta(minutes=10), guarded(partial(_seal_words, made)), commits=True),
        jobs.Schedule("disputes.tend", timedelta(minutes=10), guarded(tend_disputes), commits=True),
        jobs.Schedule("months", timedelta(hours=1), guarded(turn_months), commits=True),
    ]


def _destroy_data_keys(made: Parts, session: Session, _now: datetime) -> None:
    """Destroy the data keys of what has ended. Raises DataKeysAway."""
    data_keys.destroy_due(made.rings, session)


def _turn_over_sign_ins(made: Parts, now: datetime) -> None:
    """Take the order of sign-ins from their tables. Raises DatabaseUnavailable."""
    with made.database.transaction() as session:
        accounts.turn_over_sign_ins(session, now)


def _seal_words(made: Parts, now: datetime) -> None:
    """Seal what the previous release keeps in clear, column by column. Raises DatabaseUnavailable, KeyMissing."""
    for column in words.CLEAR:
        sealed = words.STEP
        while sealed == words.STEP:
            with made.database.transaction() as session:
                sealed = words.seal_step(session, made.rings, column, now)
