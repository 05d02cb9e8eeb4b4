"""What residents, staff and scanners may do, and what a member of staff may be."""

import re
from collections.abc import Collection, Mapping
from enum import StrEnum

from qe_ban.accounts import errors
from qe_ban.kernel import patterns
from qe_ban.kernel.principal import Place

VISITOR = frozenset({"me.read", "me.real_name", "me.recovery", "auth.step_up"})
STEPPED_UP = VISITOR | {
    "codes.read",
    "codes.issue",
    "codes.manage",
    "ledger.read",
    "me.consents",
    "me.home",
    "me.demands",
    "me.wards",
    "me.disputes",
    "me.health",
    "me.close",
}
SCANNER = frozenset({"codes.verify"})


class Role(StrEnum):
    """What a member of staff is."""

    CITY_ADMIN = "city_admin"
    DISTRICT_ADMIN = "district_admin"
    EDITOR = "editor"
    REVIEWER = "reviewer"
    CLERK = "clerk"
    HEALTH_OFFICER = "health_officer"
    HEALTH_REVIEWER = "health_reviewer"
    SYSTEM_ADMIN = "system_admin"
    SECURITY_ADMIN = "security_admin"
    AUDITOR = "auditor"


KEPT_APART = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDITOR})
"""Classified protection, level 3: each of the three administrators holds that role alone."""

CATALOGUE = frozenset({"items.write", "jobs.read", "jobs.manage"})
"""Editing items and importing them, which is a job."""

PAGES = frozenset({"pages.read", "pages.write", "pages.publish", "media.write", "apps.write", "places.write"})
"""Editing what halls and zones show; another person reviews it."""

WINDOW = frozenset({"residents.look_up", "wards.confirm", "recovery.open", "recovery.read", "recovery.propose"})
"""What is done for people who stand at a window with their papers."""

HEALTH = frozenset({"health.read", "health.answer"})
"""Reading changes of health levels, and answering residents who ask for a correction. No administrator has it."""
HEALTH_ROLES = frozenset({Role.HEALTH_OFFICER, Role.HEALTH_REVIEWER})

STAFF_SCOPES: Mapping[Role, frozenset[str]] = {
    Role.CITY_ADMIN: CATALOGUE
    | PAGES
    | WINDOW
    | {"me.read", "venues.read", "venues.write", "items.vocabulary"}
    | {"pages.review", "pages.withdraw", "zones.end", "demands.handle", "disputes.answer", "recovery.settle"},
    Role.DISTRICT_ADMIN: CATALOGUE
    | PAGES
    | {"me.read", "venues.read", "venues.write", "pages.review", "disputes.answer"},
    Role.EDITOR: CATALOGUE | PAGES | {"me.read", "demands.handle"},
    Role.REVIEWER: frozenset({"me.read", "pages.read", "pages.review", "pages.publish"}),
    Role.CLERK: WINDOW | {"me.read"},
    Role.HEALTH_OFFICER: HEALTH | {"me.read", "residents.look_up", "health.propose"},
    Role.HEALTH_REVIEWER: HEALTH | {"me.read", "health.approve"},
    Role.SYSTEM_ADMIN: frozenset({"me.read", "jobs.read", "jobs.manage"}),
    Role.SECURITY_ADMIN: frozenset(
        {"me.read", "proposals.approve", "alarms.read", "alarms.close"}
        | {"recovery.read", "recovery.propose", "recovery.settle"}
    ),
    Role.AUDITOR: frozenset({"me.read", "audit.read"}),
}

_NEVER_LIMITED = (
    (HEALTH_ROLES, "健康码管理人员不限定范围"),
    (frozenset({Role.CITY_ADMIN}), "市级管理员不限定范围"),
)
"""Roles that are for the whole city, with what is said where one is limited to a place."""

_PLACE = re.compile(patterns.SLUG)
_DEPARTMENT = re.compile(patterns.USCC)
_USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{1,38}[a-z0-9])")
_TOTP_SECRET = re.compile(r"[A-Z2-7]{26,128}")
_PASSWORD_MIN = 12
_PASSWORD_MAX = 128


def resident_scopes(*, stepped_up: bool) -> frozenset[str]:
    """Give what a resident may do: a visitor's scopes until the face check."""
    return STEPPED_UP if stepped_up else VISITOR


def staff_scopes(roles: Collection[str]) -> frozenset[str]:
    """Give what the roles together allow."""
    return frozenset().union(*(STAFF_SCOPES[Role(role)] for role in roles))


def check_staff(username: str, password: str, totp_secret: str, roles: Collection[str], place: Place) -> None:
    """Check a new member of staff. Raises StaffInvalid with the fields at fault."""
    faults = {}
    if not is_username(username):
        faults["username"] = "用户名须为3至40个小写字母、数字、点、下划线或连字符，首尾为字母或数字"
    if not _PASSWORD_MIN <= len(password) <= _PASSWORD_MAX or len(set(password)) < 6 or username in password:
        faults["password"] = "密码须为12至128个字符，至少6种不同字符，且不含用户名"
    if not _TOTP_SECRET.fullmatch(totp_secret):
        faults["totp_secret"] = "动态口令密钥须为至少26个字符的Base32"
    fault = _fault_of_roles(roles, place)
    if fault:
        faults["roles"] = fault
    if faults:
        raise errors.StaffInvalid(fields=faults)


def is_username(text: str) -> bool:
    """Tell whether a user name of staff may be so."""
    return _USERNAME.fullmatch(text) is not None


def check_duties(roles: Collection[str], place: Place) -> None:
    """Check what a member of staff is to do, and where. Raises StaffInvalid."""
    fault = _fault_of_roles(roles, place)
    if fault:
        raise errors.StaffInvalid(fields={"roles": fault})


def _fault_of_roles(roles: Collection[str], place: Place) -> str | None:
    known_roles = {role for role in Role if role in roles}
    shapes = (
        (place.district, _PLACE),
        (place.hall, _PLACE),
        (place.zone, _PLACE),
        (place.department, _DEPARTMENT),
    )
    parts = [(part, shape) for part, shape in shapes if part is not None]
    have_shape = all(shape.fullmatch(part) for part, shape in parts)
    if not known_roles or len(known_roles) != len(set(roles)) or len(parts) > 1 or not have_shape:
        return "角色或范围不存在，或范围多于一个"
    return _fault_of_duties(known_roles, place, is_limited=bool(parts))


def _fault_of_duties(known_roles: Collection[Role], place: Place, *, is_limited: bool) -> str | None:
    """Return in Chinese why these roles do not go with each other, or with the place that they are limited to."""
    if KEPT_APART.intersection(known_roles) and (len(known_roles) > 1 or is_limited):
        return "系统管理员、安全管理员、审计员须各自独立，且不限定范围"
    for roles, message in _NEVER_LIMITED:
        if is_limited and roles.intersection(known_roles):
            return message
    if Role.DISTRICT_ADMIN in known_roles and (place.district is None or Role.CITY_ADMIN in known_roles):
        return "区级管理员须指定所属区"
    return None
