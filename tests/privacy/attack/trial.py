"""A trial: a city lives for a while, then everybody who might steal or pry tries everything."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain

from qe_ban.accounts import service as accounts
from qe_ban.codes import service as codes
from qe_ban.kernel.clock import system_clock
from tests.factories.codes import turn_over
from tests.privacy.attack import insiders, leaks
from tests.privacy.attack.city import Builder, capture_log, new_city, run_worker
from tests.privacy.attack.life import Day, agenda, at_load
from tests.privacy.attack.thieves import Attempt, StolenData, attempts, exposed, take
from tests.privacy.attack.words import Hit, Phrases, at_rest, search, speak


@dataclass(repr=False)
class Trial:
    """What a city was like, and what everybody has of it. The city still runs."""

    day: Day
    data: StolenData
    phrases: Phrases
    hits: set[Hit]
    disclosures: list[dict]
    disputes: list[dict]
    look_ups: dict[str, str]

    def attempts(self) -> list[Attempt]:
        """Let everybody try everything against the product as it is."""
        data = self.data.without_planted()
        by_insiders = chain(
            [insiders.scanner_with_auditor(self.day, self.disclosures)],
            insiders.scanner_with_district(self.day, self.disputes),
            insiders.clerk_with_log(self.day, data.log, self.look_ups),
        )
        return attempts(data) + [Attempt(way, finding) for way, finding in by_insiders]

    def exposed(self) -> dict[str, int]:
        """Return how many people's numbers stand somewhere as plain hashes, by table."""
        data = self.data.without_planted()
        return exposed([*data.live, *data.wal, *data.pages, *data.valkey, *data.log], data.hashes)


@contextmanager
def run_trial(residents: int, visits: tuple[int, int]) -> Iterator[Trial]:
    """Let a city live with so many residents, each with so many visits and some more; yield what came of it."""
    with new_city() as builder:
        people, wards = builder.residents(residents), builder.residents(max(3, residents // 20))
        for guardian, ward in zip(people, wards, strict=False):
            builder.guard(guardian, ward)
        day = Day(builder, people, wards, builder.terminals(), items=builder.items())
        for guardian, ward in day.acting:
            builder.guard(guardian, ward)
        with capture_log() as log, run_worker(builder.city):
            parts = builder.city.parts
            at_load(agenda(day, builder.city.app.test_client(), visits), lambda: turn_over(parts.database, parts.rings))
            log_of_day = log.getvalue()
            phrases = speak(day)
            # inboxes and the audit's seals are turned over
            time.sleep(SETTLES)
        end_day(builder)
        leaks.in_database(day)
        look_ups = insiders.look_up_everybody(day)
        yield Trial(
            day,
            take(day, log_of_day),
            phrases,
            search(phrases, at_rest(day, log.getvalue())),
            insiders.read_disclosures(day),
            insiders.read_disputes(day),
            look_ups,
        )


def end_day(builder: Builder) -> None:
    """Let the worker do what it does when the day is over: for the audit, and with the order of consents."""
    parts, tomorrow = builder.city.town.parts, system_clock() + timedelta(days=1)
    for step in (codes.record_disputes, accounts.record_acts_for_wards, accounts.order_consents):
        with parts.database.transaction() as session:
            step(session, parts.rings, tomorrow)


SETTLES = 31.0
"""Seconds until the worker has done once what it does every half minute."""
