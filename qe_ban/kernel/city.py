"""The city as data: districts, code kinds, scenes, purposes and meal periods, parsed and checked once."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any

from qe_ban.kernel.authority_names import NO_NAMES, AuthorityNames, read_authority_names
from qe_ban.kernel.bounds import Bounds, read_bounds
from qe_ban.kernel.clock import CITY_TIME

IDENTIFYING = frozenset({"name", "id_number"})
"""Fields that always say who somebody is; a city's file may name more."""


class CityInvalid(ValueError):
    """The city's file contradicts itself or lacks something; the message is one line."""


class Basis(StrEnum):
    """Why a purpose may learn something: statute, the resident's consent, or it learns nothing."""

    STATUTE = "statute"
    CONSENT = "consent"
    NONE = "none"


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
        """Give the district (GB/T 2260 code) of a hall; `city` has none. Raises KeyError for a hall that is none."""
        return self.halls[slug]

    def identifies(self, purposes: Iterable[str]) -> bool:
        """Return whether a scanner with these purposes learns who somebody is."""
        fields = (self.purposes[slug].fields for slug in purposes if slug in self.purposes)
        return any(not self.identifying.isdisjoint(names) for names in fields)

    def meal_period(self, moment: datetime) -> MealPeriod | None:
        """Give the period that is open at an aware moment, in the city's local time."""
        local = moment.astimezone(CITY_TIME).time()
        return next((period for period in self.meal_periods if period.start <= local <= period.end), None)


LEVEL_KIND, LEVEL_FIELD = "health", "health_level"
"""The kind of code that has a level, and the field that discloses it."""
LEVELS = frozenset({"green", "yellow", "red"})
DISCLOSABLE = frozenset(
    {"masked_name", "name", "id_type", "id_number", "social_number", "masked_phone", "phone", "age_60_or_over"}
    | {"card_state", "insured_type", "insured_place", LEVEL_FIELD}
)
"""The fields that this program can disclose; a city's file may name fewer."""

_SLUG = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)
_LINK_HOST = re.compile(r"(?:\*\.)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")

CITY_HALL = "city"
"""The slug of the whole city's own hall."""

DEFAULT_AGAIN_AFTER = 300
MAX_TRAVEL = timedelta(minutes=10)
"""Alarms look at ten minutes at a time."""
DEFAULT_RECOVERY_WAIT = 24
RECOVERY_WAITS = range(1, 7 * 24 + 1)
"""Hours: whoever sleeps must wake up in time to object, and whoever lost a phone cannot wait for weeks."""
SUPPER = MealPeriod("supper", "夜宵", time.min, time.max)
"""In the sandbox a meal period is always open, so that the demo works at any hour."""


def parse(text: str, *, always_open: bool = False) -> City:
    """Read a city's file (JSON); `always_open` adds the sandbox's supper. Raises CityInvalid."""
    try:
        data = json.loads(text)
        city = City(
            districts={row["code"]: row["name"] for row in data["districts"]},
            kinds={row["slug"]: KindInfo(row["id"], row["slug"], row["name"], row["colour"]) for row in data["kinds"]},
            scenes={row["slug"]: row["name"] for row in data["scenes"]},
            purposes=_together({row["slug"]: _purpose(row) for row in data["purposes"]}),
            meal_periods=tuple(_period(row) for row in data["meal_periods"]) + ((SUPPER,) if always_open else ()),
            halls={CITY_HALL: None} | {row["slug"]: row["code"] for row in data["districts"]},
            hall_names=_hall_names(data),
            zones={row["slug"]: row["name"] for row in data.get("zones", ())},
            link_hosts=tuple(data.get("link_hosts", ())),
            travel=_travel(data.get("travel", {})),
            recovery_wait=_recovery_wait(data.get("recovery_wait_hours", DEFAULT_RECOVERY_WAIT)),
            health=_health(data.get("health", {})),
            identifying=IDENTIFYING | frozenset(data.get("identifying_fields", ())),
            authority_names=read_authority_names(data.get("authority_names", {})),
            bounds=read_bounds(data.get("bounds")),
        )
        disclosable = frozenset(data["disclosable_fields"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CityInvalid(f"the city file cannot be read: {type(error).__name__} {error}") from error
    _check(city, disclosable)
    return city


def _hall_names(data: Mapping[str, Any]) -> dict[str, str]:
    districts = {row["slug"]: f"{row['name']}分厅" for row in data["districts"]}
    return {CITY_HALL: data.get("city_hall", "市级总厅")} | districts


def _recovery_wait(hours: object) -> timedelta:
    # True is an int
    if type(hours) is not int or hours not in RECOVERY_WAITS:
        raise ValueError(f"recovery_wait_hours must be a whole number from 1 to {RECOVERY_WAITS[-1]}")
    return timedelta(hours=hours)


def _purpose(row: dict[str, Any]) -> Purpose:
    return Purpose(
        slug=row["slug"],
        scene=row["scene"],
        name=row["name"],
        kinds=frozenset(row["kinds"]),
        fields=tuple(row["fields"]),
        basis=Basis(row["basis"]),
        single_use=bool(row["single_use"]),
        offline=bool(row["offline"]),
        again_after=int(row.get("again_after", DEFAULT_AGAIN_AFTER)),
        together=frozenset(row.get("together", ())),
        consumes=row.get("consumes"),
    )


def _health(data: Mapping[str, Any]) -> HealthRules:
    bases = [HealthBasis(str(row["code"]), str(row["name"]), frozenset(row["levels"])) for row in data.get("bases", ())]
    numbers = {name: int(data[name]) for name in ("max_days", "max_residents", "correction_days") if name in data}
    return HealthRules(bases={basis.code: basis for basis in bases}, **numbers)


def _together(purposes: dict[str, Purpose]) -> dict[str, Purpose]:
    """Make `together` mutual: a file that names it on one side means both."""
    return {
        slug: replace(
            purpose,
            together=purpose.together | {other.slug for other in purposes.values() if slug in other.together},
        )
        for slug, purpose in purposes.items()
    }


def _travel(row: Mapping[str, Any]) -> Travel:
    """Read the seconds of `travel`; what is left out is as usual. Raises TypeError, ValueError."""
    spans = {name: timedelta(seconds=int(value)) for name, value in dict(row).items()}
    if any(not timedelta() < span <= MAX_TRAVEL for span in spans.values()):
        raise ValueError("travel: 1 to 600 seconds")
    return Travel(**spans)


def _period(row: dict[str, Any]) -> MealPeriod:
    return MealPeriod(row["slug"], row["name"], time.fromisoformat(row["start"]), time.fromisoformat(row["end"]))


def _check(city: City, disclosable: frozenset[str]) -> None:
    if len(city.halls) != len(city.districts) + 1:
        raise CityInvalid("two districts have one slug, or one has the city's")
    for host in city.link_hosts:
        if not _LINK_HOST.fullmatch(host):
            raise CityInvalid(f"link_hosts: {host[:60]!r} is no host")
    _check_health(city.health)
    if foreign := city.identifying - IDENTIFYING - disclosable:
        raise CityInvalid(f"identifying_fields names what cannot be disclosed: {sorted(map(str, foreign))}")
    for purpose in city.purposes.values():
        unknown = (
            ({purpose.scene} - set(city.scenes))
            | (purpose.kinds - set(city.kinds))
            | (set(purpose.fields) - (disclosable & DISCLOSABLE))
            | (purpose.together - set(city.purposes))
            | ({purpose.consumes} - {None, "meal"})
        )
        if unknown:
            raise CityInvalid(f"purpose {purpose.slug} names what the city does not have: {sorted(map(str, unknown))}")
        if purpose.basis is Basis.NONE and set(purpose.fields) - {"masked_name"}:
            raise CityInvalid(f"purpose {purpose.slug} discloses fields without a basis")
        _check_level(purpose)


def _check_health(health: HealthRules) -> None:
    """Refuse bases of levels that there are not, and numbers without sense. Raises CityInvalid."""
    for basis in health.bases.values():
        if not basis.levels or basis.levels - LEVELS or not _SLUG.fullmatch(basis.code):
            raise CityInvalid(f"health basis {basis.code[:60]!r} needs a slug and levels of {sorted(LEVELS)}")
    for name, most in (("max_days", 90), ("max_residents", 1000), ("correction_days", 60)):
        if not 1 <= getattr(health, name) <= most:
            raise CityInvalid(f"health {name} must be from 1 to {most}")


def _check_level(purpose: Purpose) -> None:
    """Refuse a purpose under which a health code could pass and nobody would learn its level. Raises CityInvalid."""
    accepts, discloses = LEVEL_KIND in purpose.kinds, LEVEL_FIELD in purpose.fields
    if accepts and not discloses:
        raise CityInvalid(f"purpose {purpose.slug} accepts health codes and does not disclose {LEVEL_FIELD}")
    if discloses and purpose.kinds != {LEVEL_KIND}:
        raise CityInvalid(f"purpose {purpose.slug} discloses {LEVEL_FIELD} and accepts codes that have none")
    if accepts and purpose.offline:
        raise CityInvalid(f"purpose {purpose.slug} accepts health codes offline, where no level can be known")
