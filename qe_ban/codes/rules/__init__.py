"""Pure decisions of the wallet: steps 7 to 11 of QE1 section 5, and what an answer of a source means."""

from qe_ban.codes.rules.judging import judge
from qe_ban.codes.rules.scan_facts import (
    ACCEPTING,
    REASONS_TELLING_GUARDIANS,
    SHORT_NUMBER_KEPT,
    Answer,
    NewUse,
    Profile,
    Reason,
    ScanFacts,
    State,
    Subjects,
    SuspendedBy,
    Use,
    Verdict,
)
from qe_ban.codes.rules.short_numbers import (
    MISSES,
    MISSES_WINDOW,
    SHORT_NUMBER_LIFE,
    is_short_number,
    with_check_digit,
)
from qe_ban.codes.rules.sources import default_answer, has_level, is_fresh, may_scan, meal_day

__all__ = [
    "ACCEPTING",
    "MISSES",
    "MISSES_WINDOW",
    "REASONS_TELLING_GUARDIANS",
    "SHORT_NUMBER_KEPT",
    "SHORT_NUMBER_LIFE",
    "Answer",
    "NewUse",
    "Profile",
    "Reason",
    "ScanFacts",
    "State",
    "Subjects",
    "SuspendedBy",
    "Use",
    "Verdict",
    "default_answer",
    "has_level",
    "is_fresh",
    "is_short_number",
    "judge",
    "may_scan",
    "meal_day",
    "with_check_digit",
]
