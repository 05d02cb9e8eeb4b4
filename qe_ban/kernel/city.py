"""The city as data: districts, code kinds, scenes, purposes and meal periods."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import IntEnum, StrEnum

from qe_ban.kernel.authority_names import NO_NAMES, AuthorityNames
from qe_ban.kernel.bounds import Bounds
from qe_ban.kernel.clock import CITY_TIME

IDENTIFYING = frozenset({"name", "id_number"})
"""Fields that always say who somebody is; a city's file may name more."""


class Basis(StrEnum):
    """Why a purpose may learn something: statute, the resident's consent, or it learns nothing."""

    STATUTE = "statute"
    CONSENT = "consent"
    NONE = "none"


class CodeKind(IntEnum):
    """The kinds of code that this program knows, by their number in a code (the claim `qe`).

    A city has some of them, or all. A new one needs code: a line here, and what a source or the register says of it.
    """

    IDENTITY = 1
    HEALTH = 2
    MEDICAL = 3
    SOCIAL = 4
    DINING = 5

    @property
    def slug(self) -> str:
        """The name that interfaces use, such as `health`."""
        return self.name.lower()


class Level(StrEnum):
    """A health code's level; never a bare integer, because public interfaces disagree whether 0 is red or green."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


@dataclass(frozen=True, slots=True)
class KindInfo:
    """A kind of code as people see it; `colour` is a CSS hex colour, or None where the source decides."""

    id: int
    slug: str
    name: str
    colour: str | None


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a code may be scanned for (核验用途), and what the scanner then learns.

    `again_after`: seconds in which a pass is not accepted twice at one venue. `together`: purposes for which one and
    the same code may be shown at one scanner. `consumes`: the right that an accepting scan uses up.
    """

    slug: str
    scene: str
    name: str
    kinds: frozenset[str]
    fields: tuple[str, ...]
    basis: Basis
    single_use: bool
    offline: bool
    again_after: int
    together: frozenset[str]
    consumes: str | None


@dataclass(frozen=True, slots=True)
class MealPeriod:
    """A span of the city's local day in which a meal may be taken, start and end inclusive."""

    slug: str
    name: str
    start: time
    end: time


@dataclass(frozen=True, slots=True)
class Travel:
    """How soon nobody can be accepted at another venue: of another district, and at all.

    A code lives a minute and the shortest ride is longer. Within a district the next venue may be across the street:
    less than its walk and its queue is haste.
    """

    between_districts: timedelta = timedelta(seconds=90)
    between_venues: timedelta = timedelta(seconds=45)


@dataclass(frozen=True, slots=True)
class HealthBasis:
    """A legal basis on which two persons may set a level, and the levels that it allows."""

    code: str
    name: str
    levels: frozenset[str]


@dataclass(frozen=True, slots=True)
class HealthRules:
    """How levels of health codes are changed by persons; without bases nobody may.

    A level lasts at most `max_days` and is set for at most `max_residents` at once; a request for correction is
    answered within `correction_days`, all of them calendar days.
    """

    bases: Mapping[str, HealthBasis] = field(default_factory=dict)
    max_days: int = 14
    max_residents: int = 200
    correction_days: int = 3


@dataclass(frozen=True, slots=True)
class City:
    """Everything of `qingdao.json` that the program decides by, keyed by slug or code.

    `link_hosts`: where the links of pages may lead; `*.example.cn` also takes the hosts below. `recovery_wait`: how
    long a phone that still signs in to an account is not taken from it. `identifying`: the fields that say who
    somebody is. `bounds`: where the city's places lie; None: anywhere.
    """

    districts: Mapping[str, str]
    kinds: Mapping[str, KindInfo]
    scenes: Mapping[str, str]
    purposes: Mapping[str, Purpose]
    meal_periods: tuple[MealPeriod, ...]
    halls: Mapping[str, str | None] = field(default_factory=dict)
    hall_names: Mapping[str, str] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)
    link_hosts: tuple[str, ...] = ()
    travel: Travel = Travel()
    recovery_wait: timedelta = timedelta(hours=24)
    health: HealthRules = HealthRules()
    identifying: frozenset[str] = IDENTIFYING
    authority_names: AuthorityNames = NO_NAMES
    bounds: Bounds | None = None

    def hall(self, slug: str) -> str | None:
        """Return the district (GB/T 2260 code) of a hall; `city` has none. Raises KeyError for a hall that is none."""
        return self.halls[slug]

    def identifies(self, purposes: Iterable[str]) -> bool:
        """Return whether a scanner with these purposes learns who somebody is."""
        fields = (self.purposes[slug].fields for slug in purposes if slug in self.purposes)
        return any(not self.identifying.isdisjoint(names) for names in fields)

    def meal_period(self, moment: datetime) -> MealPeriod | None:
        """Return the period that is open at an aware moment, in the city's local time."""
        local = moment.astimezone(CITY_TIME).time()
        return next((period for period in self.meal_periods if period.start <= local <= period.end), None)


LEVEL_KIND, LEVEL_FIELD = CodeKind.HEALTH.slug, "health_level"
"""The kind of code that has a level, and the field that discloses it."""
DISCLOSABLE = frozenset(
    {"masked_name", "name", "id_type", "id_number", "social_number", "masked_phone", "phone", "age_60_or_over"}
    | {"card_state", "insured_type", "insured_place", LEVEL_FIELD}
)
"""The fields that this program can disclose; a city's file may name fewer."""

CITY_HALL = "city"
"""The slug of the whole city's own hall."""
