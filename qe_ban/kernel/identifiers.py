"""Checks, normal forms and masks of the numbers that name people and firms: identity documents, phones, USCC."""

import re
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Self

from qe_ban.kernel.typed_input import normalise_name, normalise_number

_RESIDENT_ID = re.compile(r"[0-9]{17}[0-9X]")
_RESIDENT_ID_WEIGHTS = tuple(pow(2, 17 - place, 11) for place in range(17))
_RESIDENT_ID_CHECKS = "10X98765432"
_LIKE_X = str.maketrans("×✕Хх", "XXXX")  # the signs of multiplication, and Cyrillic
# Nobody alive is this old; a year such as 1090 is a slip of the finger.
_OLDEST_YEARS = 150

# what is typed comes without spaces and dashes; an address book writes (+86)
_PHONE = re.compile(r"(?:\+86|0086|\(\+86\)|\(0086\)|\(86\))?(1[3-9][0-9]{9})", re.ASCII)
TYPED_MAX = 64
"""Characters that a number may be typed with, all that groups them counted; nothing longer is looked at."""

_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC = re.compile(f"[{_USCC_ALPHABET}]{{2}}[0-9]{{6}}[{_USCC_ALPHABET}]{{10}}")
_USCC_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))

_MASK_STARS_MAX = 4


class IdType(StrEnum):
    """The identity documents that a real name can be bound to."""

    RESIDENT_ID = "resident_id"
    HK_MACAO_PERMIT = "hk_macao_permit"
    TAIWAN_PERMIT = "taiwan_permit"
    PASSPORT = "passport"
    FOREIGN_PERMANENT_RESIDENT = "foreign_permanent_resident"


_WITH_BIRTH_DATE = frozenset({IdType.RESIDENT_ID, IdType.FOREIGN_PERMANENT_RESIDENT})
_WITHOUT_CASE = frozenset({IdType.PASSPORT, IdType.FOREIGN_PERMANENT_RESIDENT})

_SHAPES = {
    IdType.HK_MACAO_PERMIT: (re.compile(r"[HM](?:[0-9]{8}|[0-9]{10})"), "港澳居民来往内地通行证号码"),
    IdType.TAIWAN_PERMIT: (re.compile(r"[0-9]{8}|[0-9]{10}"), "台湾居民来往大陆通行证号码"),
    IdType.PASSPORT: (re.compile(r"[A-Z0-9]{5,17}"), "护照号码"),
    IdType.FOREIGN_PERMANENT_RESIDENT: (re.compile(r"[A-Z]{3}[0-9]{12}|9[0-9]{16}[0-9X]"), "外国人永久居留身份证号码"),
}


class IdentifierInvalid(ValueError):
    """A number that cannot be what it claims to be: `code` is stable, for programs; `message` is Chinese, for people.

    Neither carries the number itself, so that both may be logged and answered.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class ResidentId:
    """A checked resident identity number: `number` has 18 characters, an X in upper case. Its repr shows nothing."""

    number: str = field(repr=False)
    born: date = field(repr=False)

    @classmethod
    def parse(cls, text: str, *, today: date) -> Self:
        """The number in `text`, exactly 18 ASCII characters (GB 11643); `today` is the date in Asia/Shanghai.

        The region is not judged: codes were retired, split and made later than people were born under them, and only
        the register knows them all. Raises IdentifierInvalid: `id_length`, `id_characters`, `id_birth_date`,
        `id_born_in_future`, `id_check_digit`.
        """
        if len(text) != 18:
            raise IdentifierInvalid("id_length", "身份证号码应为18位")
        number = text.upper()
        if not _RESIDENT_ID.fullmatch(number):
            raise IdentifierInvalid("id_characters", "身份证号码只能由数字组成，最后一位可以是X")
        born = _birth_date(number[6:14], today)
        if resident_id_check(number[:17]) != number[17]:
            raise IdentifierInvalid("id_check_digit", "身份证号码有误，请逐位核对")
        return cls(number, born)

    def age_on(self, day: date) -> int:
        """Completed years on `day`: see the function `age_on`."""
        return age_on(self.born, day)


def _birth_date(yyyymmdd: str, today: date) -> date:
    try:
        born = date(int(yyyymmdd[:4]), int(yyyymmdd[4:6]), int(yyyymmdd[6:]))
    except ValueError:
        raise IdentifierInvalid("id_birth_date", "号码中的出生日期不存在") from None
    if born > today:
        raise IdentifierInvalid("id_born_in_future", "号码中的出生日期晚于今天")
    if today.year - born.year > _OLDEST_YEARS:
        raise IdentifierInvalid("id_birth_date", "号码中的出生日期过早，请核对")
    return born


def birth_date(id_type: IdType, number: str) -> date | None:
    """Return the date of birth that a document's number (normal form) tells, None where it tells none.

    Resident IDs tell it, residence permits of people from Hong Kong, Macao and Taiwan (81, 82, 83) among them, and so
    do the 18-character numbers of foreign permanent residents. Their former numbers of 15 have the year in two digits.
    """
    if id_type not in _WITH_BIRTH_DATE or len(number) != 18:
        return None
    return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))


def age_on(born: date, day: date) -> int:
    """Return completed years on `day`, reached on the birthday (of 29 February: on 1 March); negative before birth."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def normalise_holder_name(id_type: IdType, text: str) -> str:
    """Return a name in the form in which the register is asked for a document's holder.

    Foreigners' documents have it in capitals, whatever people type (ICAO 9303, part 3).
    """
    name = normalise_name(text)
    return normalise_name(name.upper()) if id_type in _WITHOUT_CASE else name


def resident_id_check(body: str) -> str:
    """The 18th character for 17 digits (ISO 7064 MOD 11-2, as GB 11643 uses it)."""
    total = sum(int(digit) * weight for digit, weight in zip(body, _RESIDENT_ID_WEIGHTS, strict=True))
    return _RESIDENT_ID_CHECKS[total % 11]


def normalise(id_type: IdType, text: str, today: date) -> str:
    """The one form in which a document's number is stored and compared: upper case, ASCII, nothing between.

    Resident numbers, and the 18-character ones of foreign permanent residents (they have the same layout), are fully
    checked; of the others the shape is. `today` is the date in Asia/Shanghai. Raises IdentifierInvalid: the codes of
    ResidentId.parse, `id_shape`.
    """
    text = normalise_number(text) if len(text) <= TYPED_MAX else text
    if id_type is IdType.RESIDENT_ID:
        return ResidentId.parse(text.translate(_LIKE_X), today=today).number
    shape, name = _SHAPES[id_type]
    # Before upper(): it turns some other letters into ASCII (the long s into S).
    if not text.isascii() or not shape.fullmatch(number := text.upper()):
        raise IdentifierInvalid("id_shape", f"{name}格式不正确")
    if id_type is IdType.FOREIGN_PERMANENT_RESIDENT and len(number) == 18:
        return ResidentId.parse(number, today=today).number
    return number


def normalise_phone(text: str) -> str:
    """The 11 digits of a mainland mobile number as people type it, with +86 or 0086 before it, in brackets or not.

    Full stops group it, too. Raises IdentifierInvalid: `phone_shape`.
    """
    match = _PHONE.fullmatch(normalise_number(text).replace(".", "")) if len(text) <= TYPED_MAX else None
    if match is None:
        raise IdentifierInvalid("phone_shape", "手机号码格式不正确，应为11位中国大陆手机号码")
    return match[1]


def normalise_uscc(text: str) -> str:
    """A firm's unified social credit code in upper case (GB 32100: 18 characters, mod 31, no I O S V Z).

    Raises IdentifierInvalid: `uscc_shape`, `uscc_check_digit` (some real agencies' codes fail this one: an import may
    treat it as a warning).
    """
    code = normalise_number(text) if len(text) <= TYPED_MAX else text
    if not code.isascii() or not _USCC.fullmatch(code := code.upper()):
        raise IdentifierInvalid("uscc_shape", "统一社会信用代码格式不正确，应为18位")
    total = sum(_USCC_ALPHABET.index(char) * weight for char, weight in zip(code[:17], _USCC_WEIGHTS, strict=True))
    if _USCC_ALPHABET[-total % 31] != code[17]:
        raise IdentifierInvalid("uscc_check_digit", "统一社会信用代码有误，请逐位核对")
    return code


def mask_name(name: str) -> str:
    """A name as bystanders may see it: 张三 is 张*, 测试甲 is 测*甲, a single character is hidden.

    Long names show at most four stars, so that a rare length does not give the name away.
    """
    name = name.strip()
    if len(name) <= 2:
        return name[:1] + "*" if len(name) == 2 else "*" * len(name)
    return name[0] + "*" * min(len(name) - 2, _MASK_STARS_MAX) + name[-1]


def mask_phone(phone: str) -> str:
    """138****0001 for the 11 digits of a mobile number; stars only for anything else."""
    return f"{phone[:3]}****{phone[7:]}" if len(phone) == 11 else "*" * len(phone)


def mask_id(number: str) -> str:
    """A document's number with its first and last character only.

    No more of its end: the last six characters are how a verifier proves that the document is in hand.
    """
    return number[0] + "*" * (len(number) - 2) + number[-1] if len(number) > 4 else "*" * len(number)
