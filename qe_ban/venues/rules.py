"""What venues decide by themselves: enrolment codes, the purposes of a scene, whose venue it is."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from qe_ban.kernel.city import City
from qe_ban.kernel.principal import Principal
from qe_ban.kernel.typed_input import normalise_number
from qe_ban.venues.errors import PurposesInvalid, VenueInvalid

SCOPE: Final = "venues.write"
INVITATION_LIFE: Final = timedelta(days=7)
"""How long an invitation waits for a second person."""
ENROLMENT_LIFE: Final = timedelta(hours=24)
CODE_BITS: Final = 80

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOK_ALIKES = str.maketrans("OIL", "011")


class Review(StrEnum):
    """Whether the name of a venue sounds like an authority's, and whether the city has confirmed it."""

    NONE = "none"
    PENDING = "pending"
    CONFIRMED = "confirmed"


class InvitationState(StrEnum):
    """Where the invitation of a scanner stands."""

    PENDING_APPROVAL = "pending_approval"
    READY = "ready"
    USED = "used"
    EXPIRED = "expired"


def review(city: City, name: str, *, is_flagged: bool, is_confirmed: bool) -> Review:
    """Return where the review of a venue's name stands; a list of words that grew holds for old venues too."""
    if is_confirmed:
        return Review.CONFIRMED
    return Review.PENDING if is_flagged or city.authority_names.match(name) else Review.NONE


def invitation_state(*, has_code: bool, is_used: bool, expires_at: datetime | None, now: datetime) -> InvitationState:
    """Return where an invitation stands at a moment."""
    if is_used:
        return InvitationState.USED
    if expires_at is not None and expires_at <= now:
        return InvitationState.EXPIRED
    return InvitationState.READY if has_code else InvitationState.PENDING_APPROVAL


def enrolment_code(value: int) -> str:
    """Return 80 random bits as Crockford base32 in four groups of four: XXXX-XXXX-XXXX-XXXX."""
    digits = "".join(_CROCKFORD[value >> shift & 31] for shift in range(CODE_BITS - 5, -1, -5))
    return "-".join(digits[start : start + 4] for start in range(0, 16, 4))


def normal_code(text: str) -> str:
    """Return the form in which codes are compared: upper case, nothing between, O as 0, I and L as 1 (Crockford)."""
    return normalise_number(text).upper().translate(_LOOK_ALIKES)


def check_place(city: City, district: str, scene: str) -> None:
    """Raise VenueInvalid unless the city has this district and this scene."""
    fields = {}
    if district not in city.districts:
        fields["district"] = "没有这个区划代码"
    if scene not in city.scenes:
        fields["scene"] = "没有这个场景"
    if fields:
        raise VenueInvalid(fields=fields)


def check_purposes(city: City, scene: str, purposes: Sequence[str]) -> None:
    """Raise PurposesInvalid unless these are purposes of the scene, at least one and none twice."""
    fault = None
    if not purposes:
        fault = "至少选择一个用途"
    elif len(set(purposes)) != len(purposes):
        fault = "用途重复"
    elif any(slug not in city.purposes or city.purposes[slug].scene != scene for slug in purposes):
        fault = "用途不属于该场所的场景"
    if fault is not None:
        raise PurposesInvalid(fields={"purposes": fault})


def answers_for(principal: Principal, district: str) -> bool:
    """Return whether a member of staff answers for a district: their own, or all of them for the city's."""
    return principal.place.covers_district(district)
