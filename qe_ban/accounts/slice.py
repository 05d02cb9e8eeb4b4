"""What accounts bring: signing in, the caller's own account, wards, and what staff do for people at a counter."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from qe_ban.accounts import service
from qe_ban.accounts.adapters import choosing
from qe_ban.accounts.routes import auth, closing, consents, me, recovery, residents, wards
from qe_ban.accounts.service import Accounts, WalletHooks, reindexing
from qe_ban.accounts.service.look_ups import LookUpIds
from qe_ban.audit import service as audit
from qe_ban.composition import (
    Handler,
    RetentionPlan,
    Schedule,
    Services,
    Slice,
    with_clock_check,
    with_clock_check_standalone,
)
from qe_ban.keys.data_keys import Owner
from qe_ban.web.guard import PrincipalFrom
from qe_ban.web.ranks import Operations, Rank

_OWN: Final = (auth.blp, me.blp, consents.blp, closing.blp)
_OWN_CASES: Final = (recovery.mine, wards.mine)


def _accounts(services: Services) -> Accounts:
    settings, wallet = services.settings, services.get(WalletHooks)
    return Accounts(
        rings=services.rings,
        limiter=services.limiter,
        revocations=service.poll_revocations(services.database, services.clock),
        real_name=choosing.choose_register(settings),
        face=choosing.choose_face(settings),
        issuer=settings.issuer,
        verified=wallet.verified,
        entitlements=wallet.entitlements,
        suspend=wallet.suspend,
        erasers=[slice_.eraser(services) for slice_ in services.slices if slice_.eraser is not None],
        retention=service.Retention(
            timedelta(days=settings.retention.scans),
            timedelta(days=settings.retention.audit),
            timedelta(days=settings.retention.records),
            timedelta(days=settings.retention.backups),
        ),
        recovery_wait=services.city.recovery_wait,
        sandbox=settings.sandbox,
        otp_per_phone=settings.limits.otp_per_phone,
        otp_per_address=settings.limits.otp_per_address,
        otp_per_day=settings.limits.otp_per_day,
        tries_per_address=settings.limits.tries_per_address,
        window=settings.limits.window,
    )


def _principal_from(services: Services) -> PrincipalFrom:
    accounts, clock = services.get(Accounts), services.clock
    return lambda token: service.principal_from(accounts, token, clock())


def _ids_of_residents(services: Services) -> audit.IdsOfResidents:
    return audit.IdsOfResidents(lambda reader, at: LookUpIds(services.rings, reader, at))


def _handlers(services: Services) -> Mapping[str, Handler]:
    return service.message_handlers(choosing.choose_sms(services.settings))


def _schedules(services: Services) -> list[Schedule]:
    accounts, database, clock = services.get(Accounts), services.database, services.clock

    def tidy_indexes(session: Session, _now: datetime) -> None:
        reindexing.tidy(session)

    def take_order_of_sign_ins(now: datetime) -> None:
        with database.transaction() as session:
            service.turn_over_sign_ins(session, now)

    def take_order_of_consents(now: datetime) -> None:
        with database.transaction() as session:
            service.order_consents(session, accounts.rings, now)

    def record_acts_for_wards(now: datetime) -> None:
        with database.transaction() as session:
            service.record_acts_for_wards(session, accounts.rings, now)

    # each account ends in a transaction of its own, so that one holds up no other
    def close_wards(_now: datetime) -> None:
        service.close_due_wards(accounts, database, clock)

    # each hour: it looks at every account without a phone, which in a city are its children
    def close_unheld(_now: datetime) -> None:
        service.close_unheld(accounts, database, clock)

    minute, hour = timedelta(minutes=1), timedelta(hours=1)
    order_sign_ins = with_clock_check_standalone(take_order_of_sign_ins)
    order_consents = with_clock_check_standalone(take_order_of_consents)
    record_acts = with_clock_check_standalone(record_acts_for_wards)
    end_wards = with_clock_check(partial(service.end_due_wards, accounts))
    return [
        Schedule("keys.tidy", minute, tidy_indexes),
        Schedule("sign_ins.order", timedelta(seconds=30), order_sign_ins, commits=True),
        Schedule("consents.order", timedelta(seconds=30), order_consents, commits=True),
        Schedule("wards.end", minute, end_wards),
        Schedule("wards.acts", timedelta(minutes=10), record_acts, commits=True),
        Schedule("accounts.wards_leave", timedelta(minutes=5), with_clock_check_standalone(close_wards), commits=True),
        Schedule("accounts.unheld", hour, with_clock_check_standalone(close_unheld), commits=True),
        Schedule("accounts.closings", minute, partial(service.check_closings, accounts)),
    ]


def _end_guardianships(services: Services, guardianships: Sequence[UUID]) -> None:
    for guardianship in guardianships:
        with services.database.transaction() as session:
            service.end_returned_ward(services.get(Accounts), session, guardianship, audit.AtShell(services.clock()))


def _close_residents(services: Services, residents: Sequence[UUID]) -> None:
    for resident in residents:
        with services.database.transaction() as session:
            service.close_returned(services.get(Accounts), session, resident, audit.AtShell(services.clock()))


def _rewrite(services: Services) -> int:
    return service.seal_sign_ins(services.database, services.rings, services.clock)


SLICE: Final = Slice(
    name="accounts",
    operations=(
        *(Operations(blueprint, Rank.PEOPLE) for blueprint in _OWN),
        Operations(closing.proofs, Rank.STAFF),
        *(Operations(blueprint, Rank.PEOPLE) for blueprint in _OWN_CASES),
        *(Operations(blueprint, Rank.STAFF) for blueprint in (residents.blp, recovery.blp, wards.window)),
    ),
    scopes=frozenset(
        {"auth.step_up", "me.read", "me.real_name", "me.recovery", "me.consents", "me.wards", "me.close"}
        | {"residents.look_up", "wards.confirm", "proposals.approve"}
        | {"recovery.open", "recovery.read", "recovery.propose", "recovery.settle"}
    ),
    retention=RetentionPlan(
        endings=service.ENDINGS,
        elsewhere={
            "acts_for_wards": "when the day is over, by `wards.acts`",
            "fresh_consents": "within a minute, by `scans.requests`",
        },
        without_end={
            "clients": "a register that staff keep: it names no resident",
            "staff": "who did what is told by these rows, in the audit and beside what staff made",
        },
    ),
    factories={Accounts: _accounts, audit.IdsOfResidents: _ids_of_residents},
    schedules=_schedules,
    handlers=_handlers,
    restore_cleanup={Owner.GUARDIANSHIP: _end_guardianships, Owner.RESIDENT: _close_residents},
    rewrite=_rewrite,
    detectors=lambda _: service.WATCHES,
    principal_from=_principal_from,
)
