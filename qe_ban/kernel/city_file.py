"""Reads a city's file (JSON) and checks it whole, once."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import time, timedelta
from typing import Any

from qe_ban.kernel.authority_names import read_authority_names
from qe_ban.kernel.bounds import read_bounds
from qe_ban.kernel.city import (
    CITY_HALL,
    DISCLOSABLE,
    IDENTIFYING,
    LEVEL_FIELD,
    LEVEL_KIND,
    Basis,
    City,
    CodeKind,
    HealthBasis,
    HealthRules,
    KindInfo,
    Level,
    MealPeriod,
    Purpose,
    Travel,
)
from qe_ban.message import Message

_SLUG = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)
_LINK_HOST = re.compile(r"(?:\*\.)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")

_KEYS = frozenset(
    [
        "authority_names",
        "bounds",
        "city_hall",
        "disclosable_fields",
        "districts",
        "health",
        "identifying_fields",
        "kinds",
        "link_hosts",
        "meal_periods",
        "notes",
        "purposes",
        "recovery_wait_hours",
        "scenes",
        "travel",
        "zones",
    ]
)
"""What a file may have; `notes` are for those who write it."""

DEFAULT_AGAIN_AFTER = 300
MAX_TRAVEL = timedelta(minutes=10)
"""Alarms look at ten minutes at a time."""
DEFAULT_RECOVERY_WAIT = 24
RECOVERY_WAITS = range(1, 7 * 24 + 1)
"""Hours: whoever sleeps must wake up in time to object, and whoever lost a phone cannot wait for weeks."""
SUPPER = MealPeriod("supper", "夜宵", time.min, time.max)
"""In the sandbox a meal period is always open, so that the demo works at any hour."""


class CityInvalid(ValueError):
    """The city's file contradicts itself or lacks something; the message is one line."""


def parse(text: str, *, always_open: bool = False) -> City:
    """Read a city's file (JSON); `always_open` adds the sandbox's supper. Raises CityInvalid."""
    try:
        data = json.loads(text)
        city = City(
            districts=_names_by("code", data["districts"]),
            kinds={row["slug"]: KindInfo(row["id"], row["slug"], row["name"], row["colour"]) for row in data["kinds"]},
            scenes=_names_by("slug", data["scenes"]),
            purposes=_together({row["slug"]: _purpose(row) for row in data["purposes"]}),
            meal_periods=tuple(_period(row) for row in data["meal_periods"]) + ((SUPPER,) if always_open else ()),
            halls={CITY_HALL: None} | {row["slug"]: row["code"] for row in data["districts"]},
            hall_names=_hall_names(data),
            zones=_names_by("slug", data.get("zones", ())),
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
        message = Message("the city file cannot be read: {kind} {error}", kind=type(error).__name__, error=error)
        raise CityInvalid(message) from error
    if unknown := data.keys() - _KEYS:  # a misspelt key would leave its rules out without a word
        raise CityInvalid(Message("the city file has unknown keys: {keys}", keys=", ".join(sorted(unknown))))
    _check(city, disclosable)
    return city


def _names_by(key: str, rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {row[key]: row["name"] for row in rows}


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
        raise CityInvalid(Message("two districts have one slug, or one has the city's"))
    for host in city.link_hosts:
        if not _LINK_HOST.fullmatch(host):
            raise CityInvalid(Message("link_hosts: {host!r} is no host", host=host[:60]))
    _check_kinds(city.kinds.values())
    _check_health(city.health)
    if foreign := city.identifying - IDENTIFYING - disclosable:
        message = "identifying_fields names what cannot be disclosed: {fields}"
        raise CityInvalid(Message(message, fields=sorted(map(str, foreign))))
    for purpose in city.purposes.values():
        unknown = (
            ({purpose.scene} - set(city.scenes))
            | (purpose.kinds - set(city.kinds))
            | (set(purpose.fields) - (disclosable & DISCLOSABLE))
            | (purpose.together - set(city.purposes))
            | ({purpose.consumes} - {None, "meal"})
        )
        if unknown:
            message = "purpose {purpose} names what the city does not have: {unknown}"
            raise CityInvalid(Message(message, purpose=purpose.slug, unknown=sorted(map(str, unknown))))
        if purpose.basis is Basis.NONE and set(purpose.fields) - {"masked_name"}:
            raise CityInvalid(Message("purpose {purpose} discloses fields without a basis", purpose=purpose.slug))
        _check_level(purpose)


def _check_kinds(kinds: Iterable[KindInfo]) -> None:
    """Refuse a kind that this program does not know, or knows by another number. Raises CityInvalid."""
    ids = {kind.slug: kind.value for kind in CodeKind}
    for kind in kinds:
        if ids.get(kind.slug) != kind.id:
            names = ", ".join(f"{number} {slug}" for slug, number in ids.items())
            message = "kind {id} {slug} needs code: this program knows the kinds {known}"
            raise CityInvalid(Message(message, id=kind.id, slug=str(kind.slug)[:60], known=names))


def _check_health(health: HealthRules) -> None:
    """Refuse bases of levels that there are not, and numbers without sense. Raises CityInvalid."""
    for basis in health.bases.values():
        if not basis.levels or basis.levels - set(Level) or not _SLUG.fullmatch(basis.code):
            message = "health basis {basis!r} needs a slug and levels of {levels}"
            raise CityInvalid(Message(message, basis=basis.code[:60], levels=sorted(Level)))
    for name, most in (("max_days", 90), ("max_residents", 1000), ("correction_days", 60)):
        if not 1 <= getattr(health, name) <= most:
            raise CityInvalid(Message("health {name} must be from 1 to {most}", name=name, most=most))


def _check_level(purpose: Purpose) -> None:
    """Refuse a purpose under which a health code could pass and nobody would learn its level. Raises CityInvalid."""
    accepts, discloses = LEVEL_KIND in purpose.kinds, LEVEL_FIELD in purpose.fields
    if accepts and not discloses:
        message = "purpose {purpose} accepts health codes and does not disclose {field}"
        raise CityInvalid(Message(message, purpose=purpose.slug, field=LEVEL_FIELD))
    if discloses and purpose.kinds != {LEVEL_KIND}:
        message = "purpose {purpose} discloses {field} and accepts codes that have none"
        raise CityInvalid(Message(message, purpose=purpose.slug, field=LEVEL_FIELD))
    if accepts and purpose.offline:
        message = "purpose {purpose} accepts health codes offline, where no level can be known"
        raise CityInvalid(Message(message, purpose=purpose.slug))
