"""How long tokens live, and how secrets and times are judged."""

import hmac
import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pyotp

from qe_ban.accounts import errors
from qe_ban.kernel.clock import rfc3339
from qe_ban.kernel.principal import PrincipalKind

ACCESS_LIFE = timedelta(minutes=10)
FAMILY_LIFE = {PrincipalKind.RESIDENT: timedelta(days=30), PrincipalKind.STAFF: timedelta(hours=12)}
OTP_LIFE = timedelta(minutes=5)
OTP_RETRY_AFTER = timedelta(seconds=60)
OTP_TRIES = 5
NONCE_LIFE = timedelta(minutes=5)
ASSERTION_LIFE = 300
ASSERTION_SKEW = 60
TOTP_STEP = 30
TOTP_WINDOW = 1

_JTI = re.compile(r"[\x21-\x7e]{1,64}")


def totp_step(secret: str, code: str, now: datetime) -> int | None:
    """Give the time step that a TOTP code belongs to (RFC 6238), one step early or late allowed; None when wrong.

    All steps are compared, in constant time, whichever fits.
    """
    totp, at, match = pyotp.TOTP(secret, interval=TOTP_STEP), int(now.timestamp()) // TOTP_STEP, None
    for step in range(at - TOTP_WINDOW, at + TOTP_WINDOW + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode("utf-8", "surrogatepass")):
            match = step
    return match


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
    issued_at, not_before, expires_at = _times(claims)
    if not 0 < expires_at - issued_at <= ASSERTION_LIFE:
        raise errors.AssertionRefused(f"设备身份验证失败：有效期（exp 减 iat）须在 {ASSERTION_LIFE} 秒以内")
    _check_clock(max(issued_at, not_before), expires_at, now)
    return jti, datetime.fromtimestamp(math.ceil(expires_at) + ASSERTION_SKEW, now.tzinfo)


def _times(claims: Mapping[str, Any]) -> tuple[float, float, float]:
    """Return `iat`, `nbf` (where it is left out: `iat`) and `exp`, in seconds. Raises AssertionRefused."""
    issued_at, expires_at = (_seconds(claims.get(name)) for name in ("iat", "exp"))
    if issued_at is None or expires_at is None:
        raise errors.AssertionRefused("设备身份验证失败：须有 iat 与 exp，以秒计")
    not_before = issued_at if "nbf" not in claims else _seconds(claims["nbf"])
    if not_before is None:
        raise errors.AssertionRefused("设备身份验证失败：nbf 须以秒计")
    return issued_at, not_before, expires_at


def _check_clock(begins: float, ends: float, now: datetime) -> None:
    """The main pain of venues is the clock: say what the server's is, and which way the scanner's is off."""
    seconds, server_time = now.timestamp(), rfc3339(now)
    if begins > seconds + ASSERTION_SKEW:
        ahead = f"设备身份验证失败：设备时钟快了约 {int(begins - seconds)} 秒，请校准。服务器时间 {server_time}"
        raise errors.AssertionClock(ahead, server_time=server_time)
    if ends <= seconds:
        behind = (
            f"设备身份验证失败：断言已过期 {int(seconds - ends)} 秒，请校准设备时钟后重新生成。服务器时间 {server_time}"
        )
        raise errors.AssertionClock(behind, server_time=server_time)


def names_only(audience: object, issuer: str) -> bool:
    """Tell whether an `aud` claim names exactly the issuer: the string itself, or a list of it alone."""
    return audience in (issuer, [issuer])


def _seconds(value: object) -> float | None:
    """Read a NumericDate (RFC 7519, 2): a JSON number of seconds, within what a date can be."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1 << 40:
        return None
    return float(value)
