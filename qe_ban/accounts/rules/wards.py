"""Who may act for whom, on what basis, and until when; days are the city's."""

from datetime import date, datetime, time, timedelta

from qe_ban.accounts import errors
from qe_ban.accounts.rules.recovery import names_a_number
from qe_ban.accounts.rules.states import WardBasis
from qe_ban.kernel.clock import CITY_TIME
from qe_ban.kernel.identifiers import IdType, birth_date

MOST_WARDS = 10
WARD_WAITS = timedelta(days=30)
"""How long an asked-for guardianship waits to be confirmed; keyed hashes of the ring HOLDER are found for longer."""

WARD_CLOSING_WAITS = timedelta(days=7)
"""So long at least all who have a say may stop the closing of a ward's account that a guardian asked for."""
UNHELD_FOR = timedelta(days=180)
"""After this an account without a phone, for which nobody acts, is closed."""

_OF_AGE = 18


def comes_of_age(birth: date) -> datetime:
    """Give the first moment of the 18th birthday in the city; of 29 February it is 1 March."""
    year, leap = birth.year + _OF_AGE, (birth.month, birth.day) == (2, 29)
    # eighteen years after a leap year is never one
    day = date(year, 3, 1) if leap else birth.replace(year=year)
    return datetime.combine(day, time.min, CITY_TIME)


def is_child(id_type: IdType, number: str, now: datetime) -> bool | None:
    """Tell whether a person is not of age yet; None where the document does not tell."""
    birth = birth_date(id_type, number)
    return now < comes_of_age(birth) if birth else None


def check_ward(*, basis: WardBasis, child: bool | None, oneself: bool, until: datetime | None, now: datetime) -> None:
    """Check whom somebody wants to act for, why and until when; `child` as `is_child` gives it. Raises WardInvalid."""
    faults = {}
    if oneself:
        faults["id_number"] = "不能是本人"
    if basis is WardBasis.CUSTODY and child is False:
        faults["basis"] = "成年人须由本人委托，或凭法院文书"
    elif basis is WardBasis.ENTRUSTED and child:
        faults["basis"] = "未成年人不能委托，须凭法定监护或法院文书"
    fault = _fault_of_end(basis, child, until, now)
    if fault is not None:
        faults["until"] = fault
    if faults:
        raise errors.WardInvalid(fields=faults)


def _fault_of_end(basis: WardBasis, child: bool | None, until: datetime | None, now: datetime) -> str | None:
    if until is not None and until <= now:
        return "须晚于现在"
    if child is not None or basis is not WardBasis.CUSTODY:
        return None
    if until is None:
        return "该证件不含出生日期，须填写终止时间"
    is_too_late = until > comes_of_age(now.astimezone(CITY_TIME).date())
    return "该证件不含出生日期，终止时间不得晚于今日起满18年" if is_too_late else None


def may_close(basis: WardBasis) -> bool:
    """Return whether a guardian may ask for the ward's account to be closed: not who acts on the ward's own word."""
    return basis is not WardBasis.ENTRUSTED


def ends_at(birth: date | None, until: datetime | None, now: datetime) -> datetime | None:
    """Give when it ends by itself: when a child comes of age, or before at `until`; None where neither is.

    Raises WardInvalid for an `until` that has passed: it would end never.
    """
    if until is not None and until <= now:
        raise errors.WardInvalid(fields={"until": "须晚于现在"})
    of_age = comes_of_age(birth) if birth else None
    if of_age is None or of_age <= now:
        return until
    return of_age if until is None else min(of_age, until)


def check_remark(field: str, text: str) -> None:
    """Check what staff write into the audit: no document's or phone's number. Raises WardInvalid."""
    if names_a_number(text):
        raise errors.WardInvalid(fields={field: "不得填写证件号码、手机号码等8位及以上的号码"})
