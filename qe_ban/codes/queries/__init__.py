"""Long selects and the hot path's own SQL, written by hand because it is what the product does all day."""

from qe_ban.codes.queries.answers import Holding, Request, holdings, keep_answer
from qe_ban.codes.queries.disclosures import Repeat, keep_repeat
from qe_ban.codes.queries.guardians import is_guardianship_active
from qe_ban.codes.queries.ledger import Entry, entry, ledger
from qe_ban.codes.queries.prior import Prior
from qe_ban.codes.queries.scanning import (
    Holder,
    Outcome,
    ScanRecords,
    UsedMeanwhile,
    keep,
    read_facts,
)
from qe_ban.codes.queries.short_numbers import keep_short_number, kept_short_number, live_short_number

__all__ = [
    "Entry",
    "Holder",
    "Holding",
    "Outcome",
    "Prior",
    "Repeat",
    "Request",
    "ScanRecords",
    "UsedMeanwhile",
    "entry",
    "holdings",
    "is_guardianship_active",
    "keep",
    "keep_answer",
    "keep_repeat",
    "keep_short_number",
    "kept_short_number",
    "ledger",
    "live_short_number",
    "read_facts",
]
