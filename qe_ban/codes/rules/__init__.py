"""Pure decisions of the wallet: steps 7 to 11 of QE1 section 5, and what an answer of a source means."""

from qe_ban.codes.rules.case import (
    Answer,
    Case,
    Level,
    NewUse,
    Profile,
    Reason,
    State,
    Subjects,
    Use,
    Verdict,
)
from qe_ban.codes.rules.judging import judge
from qe_ban.codes.rules.sources import default_answer, is_fresh, may_scan, meal_day

__all__ = [
    "Answer",
    "Case",
    "Level",
    "NewUse",
    "Profile",
    "Reason",
    "State",
    "Subjects",
    "Use",
    "Verdict",
    "default_answer",
    "is_fresh",
    "judge",
    "may_scan",
    "meal_day",
]
