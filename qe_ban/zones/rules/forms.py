"""The form by which firms tell a zone their demands, as it stands on the page at a moment."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from qe_ban.kernel import identifiers
from qe_ban.kernel.field_types import moment_of
from qe_ban.kernel.identifiers import IdentifierInvalid
from qe_ban.kernel.typed_input import normalise_hyphenated
from qe_ban.zones.rules.demands import SIZES

FORM: Final = "demand_form"
SOLUTIONS: Final = "solution_list"
_FIXED_LINE: Final = re.compile(r"\(?(010|02[0-9]|0[3-9][0-9]{2})\)?-?([2-9][0-9]{6,7})(?:-([0-9]{1,6}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Form:
    """What a form asks: its text of consent, the industries it is for, and the solutions that the page offers."""

    block: str
    consent: str
    industries: tuple[str, ...]
    solutions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Submission:
    """What a firm sends. `version` is the page's when the form was opened, where the client says so."""

    block: str
    firm: str
    uscc: str
    industry: str
    size: str | None
    solution: str | None
    title: str
    text: str
    contact: str
    phone: str
    consent: bool
    version: int | None


def form_of(content: Mapping[str, Any], block_id: str, now: datetime) -> Form | None:
    """Return a form of a content whose time it is now; None where there is none of this id.

    Whom the block is aimed at does not matter: a view is what the client says of itself.
    """
    blocks = content.get("blocks") or ()
    block = next((one for one in blocks if one["id"] == block_id and one["type"] == FORM), None)
    if block is None or not _stands(block, now):
        return None
    return Form(block_id, block["consent"], tuple(block["industries"]), _solution_names(blocks))


def _solution_names(blocks: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    lists = (block for block in blocks if block["type"] == SOLUTIONS)
    return frozenset(row["name"] for block in lists for row in block.get("solutions") or ())


def faults(form: Form, submission: Submission) -> dict[str, str]:
    """Find what is wrong with what was sent, by field, in Chinese."""
    problems = {}
    if submission.industry not in form.industries:
        problems["industry"] = "不在本次征集的行业范围内"
    if submission.size is not None and submission.size not in SIZES:
        problems["size"] = "不在可选范围内"
    if submission.solution is not None and submission.solution not in form.solutions:
        problems["solution"] = "专区中没有这个解决方案"
    if not submission.consent:
        problems["consent"] = "须阅读并同意授权说明后才能提交"
    for name, check in (("uscc", identifiers.normalise_uscc), ("phone", phone)):
        try:
            check(getattr(submission, name))
        except IdentifierInvalid as error:
            problems[name] = error.message
    return problems


def phone(text: str) -> str:
    """Return a number to call in one form: a mobile's 11 digits, or a fixed line as area code, hyphen and number.

    Raises IdentifierInvalid: `phone_shape`.
    """
    match = _FIXED_LINE.fullmatch(normalise_hyphenated(text))
    if match is not None:
        return "-".join(part for part in match.groups() if part)
    try:
        return identifiers.normalise_phone(text)
    except IdentifierInvalid as error:
        raise IdentifierInvalid(error.code, "联系电话应为11位手机号码，或带区号的固定电话（如0532-12345678）") from None


def _stands(block: Mapping[str, Any], now: datetime) -> bool:
    start, end = moment_of(block.get("starts_at")), moment_of(block.get("ends_at"))
    return (start is None or start <= now) and (end is None or end > now)
