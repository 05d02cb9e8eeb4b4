"""A trial: a city lives for a while, then everybody who might steal or pry tries everything."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

from tests.privacy.attack import insiders, plants
from tests.privacy.attack.city import founded, working, writing_log
from tests.privacy.attack.life import Day, agenda, at_load
from tests.privacy.attack.thieves import Attempt, Booty, attempts, exposed, take
from tests.privacy.attack.words import Hit, Said, at_rest, search, speak


@dataclass(repr=False)
class Trial:
    """What a city was like, and what everybody holds of it. The city still runs."""

    day: Day
    booty: Booty
    said: Said
    hits: set[Hit]
    disclosures: list[dict]
    disputes: list[dict]
    looked_up: dict[str, str]

    def attempts(self) -> list[Attempt]:
        """Let everybody try everything against the product as it is."""
        booty = self.booty.without_plants()
        by_insiders = chain(
            [insiders.scanner_with_auditor(self.day, self.disclosures)],
            insiders.scanner_with_district(self.day, self.disputes),
            insiders.clerk_with_log(self.day, booty.log, self.looked_up),
        )
        return attempts(booty) + [Attempt(way, finding) for way, finding in by_insiders]

    def exposed(self) -> dict[str, int]:
        """Return how many people's numbers stand somewhere as plain hashes, by table."""
        booty = self.booty.without_plants()
        return exposed([*booty.live, *booty.wal, *booty.pages, *booty.valkey, *booty.log], booty.hashes)


@contextmanager
def held(residents: int, visits: tuple[int, int]) -> Iterator[Trial]:
    """Let a city live with so many residents, each with so many visits and some more; yield what came of it."""
    with founded() as builder:
        people, wards = builder.residents(residents), builder.residents(max(3, residents // 20))
        for guardian, ward in zip(people, wards, strict=False):
            builder.guard(guardian, ward)
        day = Day(builder, people, wards, builder.terminals())
        with writing_log() as log, working(builder.city):
            at_load(agenda(day, builder.city.app.test_client(), visits))
            lived = log.getvalue()
            said = speak(day)
            # inboxes and the audit's seals are turned over
            time.sleep(SETTLES)
        plants.in_database(day)
        looked_up = insiders.looked_up(day)
        yield Trial(
            day,
            take(day, lived),
            said,
            search(said, at_rest(day, log.getvalue())),
            insiders.disclosures(day),
            insiders.listed_disputes(day),
            looked_up,
        )


SETTLES = 31.0
"""Seconds until the worker has done once what it does every half minute."""
