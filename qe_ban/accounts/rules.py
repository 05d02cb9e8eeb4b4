"""What residents, staff and scanners may do, how long tokens live, and how secrets and times are judged."""

import hmac
import math
import re
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import pyotp

from qe_ban.accounts import errors
from qe_ban.kernel.clock import rfc3339
from qe_ban.kernel.principal import Place, PrincipalKind

ACCESS_LIFE = timedelta(minutes=10)
FAMILY_LIFE = {PrincipalKind.RESIDENT: timedelta(days=30), PrincipalKind.STAFF: timedelta(hours=12)}
GRACE = timedelta(seconds=30)
OTP_LIFE = timedelta(minutes=5)
OTP_RETRY_AFTER = timedelta(seconds=60)
OTP_TRIES = 5
NONCE_LIFE = timedelta(minutes=5)
ASSERTION_LIFE = 300
ASSERTION_SKEW = 60
TOTP_STEP = 30
TOTP_WINDOW = 1

VISITOR = frozenset({"me.read", "me.real_name", "auth.step_up"})
STEPPED_UP = VISITOR | {
    "codes.read",
    "codes.issue",
    "codes.manage",
    "ledger.read",
    "me.consents",
    "me.home",
    "me.demands",
}
SCANNER = frozenset({"codes.verify"})


class Assurance(StrEnum):
    """How sure it is who holds an account."""

    NONE = "none"
    VERIFIED = "verified"


class ConsentState(StrEnum):
    """Whether a resident was asked for a consent, or gave it."""

    REQUESTED = "requested"
    GRANTED = "granted"


class CaseState(StrEnum):
    """Where the recovery of an account stands; settling comes with the windows' work."""

    OPEN = "open"


class Role(StrEnum):
    """What a member of staff is."""

    CITY_ADMIN = "city_admin"
    DISTRICT_ADMIN = "district_admin"
    EDITOR = "editor"
    REVIEWER = "reviewer"
    SYSTEM_ADMIN = "system_admin"
    SECURITY_ADMIN = "security_admin"
    AUDITOR = "auditor"


KEPT_APART = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDITOR})
"""Classified protection, level 3: each of the three administrators holds that role alone."""

CATALOGUE = frozenset({"items.write", "jobs.read", "jobs.manage"})
"""Editing items and importing them, which is a job."""

PAGES = frozenset({"pages.read", "pages.write", "pages.publish", "media.write", "apps.write", "places.write"})
"""Editing what halls and zones show; another person reviews it."""

STAFF_SCOPES: Mapping[Role, frozenset[str]] = {
    Role.CITY_ADMIN: CATALOGUE
    | PAGES
    | {"me.read", "venues.read", "venues.write", "stats.read", "residents.look_up", "items.vocabulary"}
    | {"pages.review", "pages.withdraw", "zones.end", "demands.handle"},
    Role.DISTRICT_ADMIN: CATALOGUE | PAGES | {"me.read", "venues.read", "venues.write", "stats.read", "pages.review"},
    Role.EDITOR: CATALOGUE | PAGES | {"me.read", "demands.handle"},
    Role.REVIEWER: frozenset({"me.read", "pages.read", "pages.review", "pages.publish"}),
    Role.SYSTEM_ADMIN: frozenset({"me.read", "jobs.read", "jobs.manage"}),
    Role.SECURITY_ADMIN: frozenset({"me.read", "recovery.read"}),
    Role.AUDITOR: frozenset({"me.read", "audit.read"}),
}

_PLACE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
_DEPARTMENT = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")
_USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{1,38}[a-z0-9])")
_TOTP_SECRET = re.compile(r"[A-Z2-7]{26,128}")
_JTI = re.compile(r"[\x21-\x7e]{1,64}")
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
    known = {role for role in Role if role in roles}
    slugs = [part for part in (place.district, place.hall, place.zone) if part is not None]
    parts = slugs if place.department is None else [*slugs, place.department]
    shaped = all(map(_PLACE.fullmatch, slugs)) and (
        place.department is None or _DEPARTMENT.fullmatch(place.department) is not None
    )
    if not known or len(known) != len(set(roles)) or len(parts) > 1 or not shaped:
        return "角色或范围不存在，或范围多于一个"
    if known & KEPT_APART and (len(known) > 1 or parts):
        return "系统管理员、安全管理员、审计员须各自独立，且不限定范围"
    if Role.CITY_ADMIN in known and parts:
        return "市级管理员不限定范围"
    if Role.DISTRICT_ADMIN in known and (place.district is None or Role.CITY_ADMIN in known):
        return "区级管理员须指定所属区"
    return None


def totp_step(secret: str, code: str, now: datetime) -> int | None:
    """Give the time step that a TOTP code belongs to (RFC 6238), one step early or late allowed; None when wrong.

    All steps are compared, in constant time, whichever fits.
    """
    totp, at, found = pyotp.TOTP(secret, interval=TOTP_STEP), int(now.timestamp()) // TOTP_STEP, None
    for step in range(at - TOTP_WINDOW, at + TOTP_WINDOW + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode("utf-8", "surrogatepass")):
            found = step
    return found


def check_assertion(claims: Mapping[str, Any], *, client: str, issuer: str, now: datetime) -> tuple[str, datetime]:
    """Judge a scanner's claims (RFC 7523, 3); gives the `jti` and the moment until which it must be remembered.

    Raises AssertionRefused, AssertionClock.
    """
    if claims.get("iss") != client or claims.get("sub") != client:
        raise errors.AssertionRefused("设备身份验证失败：iss 与 sub 须为设备编号")
    if not names_only(claims.get("aud"), issuer):
        raise errors.AssertionRefused(f"设备身份验证失败：aud 须恰为 {issuer}")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not _JTI.fullmatch(jti):
        raise errors.AssertionRefused("设备身份验证失败：jti 须为1至64个可见字符")
    issued_at, expires_at = (_seconds(claims.get(name)) for name in ("iat", "exp"))
    if issued_at is None or expires_at is None:
        raise errors.AssertionRefused("设备身份验证失败：须有 iat 与 exp，以秒计")
    not_before = issued_at if "nbf" not in claims else _seconds(claims["nbf"])
    if not_before is None:
        raise errors.AssertionRefused("设备身份验证失败：nbf 须以秒计")
    if not 0 < expires_at - issued_at <= ASSERTION_LIFE:
        raise errors.AssertionRefused(f"设备身份验证失败：有效期（exp 减 iat）须在 {ASSERTION_LIFE} 秒以内")
    _check_clock(max(issued_at, not_before), expires_at, now)
    return jti, datetime.fromtimestamp(math.ceil(expires_at) + ASSERTION_SKEW, now.tzinfo)


def _check_clock(begins: float, ends: float, now: datetime) -> None:
    """The main pain of venues is the clock: say what the server's is, and which way the scanner's is off."""
    seconds, told = now.timestamp(), rfc3339(now)
    if begins > seconds + ASSERTION_SKEW:
        ahead = f"设备身份验证失败：设备时钟快了约 {int(begins - seconds)} 秒，请校准。服务器时间 {told}"
        raise errors.AssertionClock(ahead, server_time=told)
    if ends <= seconds:
        behind = f"设备身份验证失败：断言已过期 {int(seconds - ends)} 秒，请校准设备时钟后重新生成。服务器时间 {told}"
        raise errors.AssertionClock(behind, server_time=told)


def names_only(audience: object, issuer: str) -> bool:
    """Tell whether an `aud` claim names exactly the issuer: the string itself, or a list of it alone."""
    return audience in (issuer, [issuer])


def _seconds(value: object) -> float | None:
    """Read a NumericDate (RFC 7519, 2): a JSON number of seconds, within what a date can be."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1 << 40:
        return None
    return float(value)
