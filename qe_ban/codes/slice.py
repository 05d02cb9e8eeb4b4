"""What codes bring: the wallet, verifying, the ledger, and disputes about scans."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.accounts.service import WalletHooks
from qe_ban.audit import service as audit
from qe_ban.codes import service
from qe_ban.codes.adapters.http import HttpSource
from qe_ban.codes.routes import disputes, ledger, scanning, wallet
from qe_ban.codes.service import Wallet, holders, retention, suspending
from qe_ban.composition import (
    RetentionPlan,
    Schedule,
    Services,
    Slice,
    Source,
    Step,
    with_clock_check,
    with_clock_check_standalone,
)
from qe_ban.config import ConfigInvalid
from qe_ban.keys.data_keys import Owner
from qe_ban.message import Message
from qe_ban.web.ranks import Operations, Rank

_AT_THE_GATE: Final = {"issue": Rank.CODES, "issue_one": Rank.CODES, "short_number": Rank.CODES}
"""What somebody waits for who stands before a scanner."""


def _wallet(services: Services) -> Wallet:
    outside, city = services.settings.outside, services.city
    if unknown := set(outside.sources) - set(city.kinds):
        names = ", ".join(sorted(unknown))
        raise ConfigInvalid([Message("QE_SOURCES names kinds that the city does not have: {unknown}", unknown=names)])
    sources = {kind: HttpSource(url, outside.token) for kind, url in outside.sources.items()}
    return Wallet(services.rings, city, sources, services.settings.code_life)


def _wallet_hooks(_services: Services) -> WalletHooks:
    return WalletHooks(service.open_wallet, service.entitlement_numbers, suspending.suspend_all)


def _schedules(services: Services) -> list[Schedule]:
    rings, database = services.rings, services.database

    def turn_over_requests(session: Session, now: datetime) -> None:
        # in one transaction: who was asked and who agreed are not told apart by it
        service.turn_over_requests(session, rings)
        accounts.turn_over_consents(session, rings, now)

    def tend_disputes(now: datetime) -> None:
        for step in (service.conceal_disputes, service.record_disputes):
            with database.transaction() as session:
                step(session, rings, now)

    return [
        Schedule("scans.requests", timedelta(seconds=30), with_clock_check(turn_over_requests)),
        Schedule("disputes.tend", timedelta(minutes=10), with_clock_check_standalone(tend_disputes), commits=True),
        Schedule("alarms.habits", timedelta(hours=1), with_clock_check(service.learn_habits)),
    ]


def _partitions(services: Services) -> Sequence[Step]:
    days = services.settings.retention.scans
    return (service.make_months, lambda session, now: service.drop_months(session, now, days))


def _end_disputes(services: Services, disputes: Sequence[UUID]) -> None:
    with services.database.transaction() as session:
        retention.delete_disputes(session, disputes)


def _rewrite(services: Services) -> int:
    database, sources = services.database, services.get(Wallet).sources
    rows = service.rehash_disputes(database, services.rings, services.clock)
    return rows + service.delete_plain_answers(database, sources)


def _page_sources(services: Services) -> Mapping[str, Source]:
    cards = {
        kind.slug: {"kind": kind.slug, "name": kind.name, "colour": kind.colour}
        for kind in services.city.kinds.values()
    }

    def look_up(_session: Session, keys: Collection[str], _now: datetime) -> Mapping[str, Any]:
        return {key: cards[key] for key in keys if key in cards}

    return {"code_kind": look_up}


def _detectors(services: Services) -> Sequence[audit.Watch]:
    return service.detectors(services.rings, services.city.travel)


SLICE: Final = Slice(
    name="codes",
    operations=(
        Operations(wallet.blp, Rank.PEOPLE, ranks=_AT_THE_GATE),
        Operations(ledger.blp, Rank.PEOPLE),
        Operations(disputes.raising, Rank.PEOPLE),
        Operations(disputes.mine, Rank.PEOPLE),
        Operations(disputes.handling, Rank.STAFF),
        Operations(scanning.blp, Rank.CODES),
    ),
    scopes=frozenset(
        {"codes.read", "codes.issue", "codes.manage", "codes.verify", "ledger.read", "me.disputes", "disputes.answer"}
    ),
    retention=RetentionPlan(
        endings=service.ENDINGS,
        elsewhere={
            "requests_of_scans": "within a minute, by `scans.requests`",
            "scanner_habits": "15 days, by `alarms.habits`",
        },
        without_end={
            "source_answers": "one row a code, as long as it says something of the holder; it goes with the account",
        },
    ),
    factories={Wallet: _wallet, WalletHooks: _wallet_hooks},
    schedules=_schedules,
    eraser=lambda services: holders.eraser(services.rings),
    restore_cleanup={Owner.DISPUTE: _end_disputes},
    rewrite=_rewrite,
    partitions=_partitions,
    detectors=_detectors,
    page_sources=_page_sources,
)
