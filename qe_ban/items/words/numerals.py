"""Numbers as people write them: 2胎, 二胎 and 两胎, 60岁 and 六十岁, 叁 and 三 are the same.

The catalogue keeps what its authors wrote, so a query is tried in each of these forms and matches any of them.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from qe_ban.items.words import text

_DIGITS: Final = "零一二三四五六七八九"
_FORMAL: Final = str.maketrans("〇壹贰貳叁參肆伍陆陸柒捌玖拾佰", "零一二二三三四五六六七八九十百")
_HAN_NUMBER: Final = "零一二两三四五六七八九十百"
# more digits are years, telephones and codes: these are compared as they stand
_ARABIC = re.compile(rf"(?<![0-9a-z])(?:(?<=[{text.HAN}])([0-9]{{1,3}})(?![0-9a-z])|([0-9]{{1,3}}) ?(?=[{text.HAN}]))")
_HAN = re.compile(f"[{_HAN_NUMBER}]+")
_FORMAL_NUMBER = re.compile("[〇壹贰貳叁參肆伍陆陸柒捌玖拾佰]")
_READ = re.compile("(?:([一二两三四五六七八九])百)?(零)?(?:([一二三四五六七八九]?)(十))?([一二两三四五六七八九]?)")


def variants(normal: str) -> list[str]:
    """Return a normalised query as it stands and with its numbers in the other forms, each once."""
    found = {normal: None}
    plain = _FORMAL_NUMBER.sub(lambda match: match[0].translate(_FORMAL), normal)
    found[plain] = None
    if _ARABIC.search(plain):
        spelled = _ARABIC.sub(lambda match: to_han(int(match[1] or match[2])), plain)
        found |= {spelled: None, _paired(spelled): None}
    elif _HAN.search(plain):
        found |= {_to_arabic(plain): None, _paired(plain): None, plain.replace("两", "二"): None}
    return list(found)


@lru_cache(4096)
def forms(piece: str) -> tuple[str, ...]:
    """Return the other ways to write a piece of a query that holds a number, none of one that holds none."""
    if not _HAN.search(piece) and not any(letter.isdigit() for letter in piece):
        return ()
    return tuple(form for form in _forms(piece) if form != piece)


def to_han(number: int) -> str:
    """Return a whole number below 1,000 as it is said: 60 is 六十, 12 is 十二, 105 is 一百零五."""
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    said = f"{_DIGITS[hundreds]}百" if hundreds else ""
    if tens:
        said += ("" if tens == 1 and not hundreds else _DIGITS[tens]) + "十"
    elif hundreds and ones:
        said += "零"
    return said + (_DIGITS[ones] if ones or not number else "")


def _forms(piece: str) -> Iterator[str]:
    if piece.isdigit():
        if piece.isascii() and len(piece) < 4:
            yield to_han(int(piece))
        return
    yield from dict.fromkeys((_to_arabic(piece), _paired(piece), piece.replace("两", "二")))


def _paired(han: str) -> str:
    """Return 二 before something that is counted as 两: two persons are 两人, not 二人."""
    return re.sub(rf"(?<![{_HAN_NUMBER}第])二(?![{_HAN_NUMBER}])", "两", han)


def _to_arabic(han: str) -> str:
    return _HAN.sub(lambda match: _read(match[0]), han)


def _read(han: str) -> str:
    match = _READ.fullmatch(han)
    if match is None or not han.strip("零"):
        return han
    hundreds, _, tens, ten, ones = match.groups()
    number = _value(hundreds) * 100 + (_value(tens) or 1 if ten else 0) * 10 + _value(ones)
    return str(number)


def _value(digit: str | None) -> int:
    return _DIGITS.index(digit.replace("两", "二")) if digit else 0
