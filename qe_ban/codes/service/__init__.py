"""The wallet's use cases, and all that other slices and the edge may call of it."""

from qe_ban.codes.queries import Entry, Holding, holdings, keep_answer
from qe_ban.codes.rules import Answer, State
from qe_ban.codes.service.issuing import (
    Code,
    Issued,
    Shown,
    ask_sources,
    issue,
    open_wallet,
    overview,
    record_answer,
    resume,
    suspend,
    with_answers,
)
from qe_ban.codes.service.ledger import entries, sweep
from qe_ban.codes.service.scanning import Asked, Scanned
from qe_ban.codes.service.verifying import verify
from qe_ban.codes.service.wallet import Wallet, holder_hash, verification_keys

__all__ = [
    "Answer",
    "Asked",
    "Code",
    "Entry",
    "Holding",
    "Issued",
    "Scanned",
    "Shown",
    "State",
    "Wallet",
    "ask_sources",
    "entries",
    "holder_hash",
    "holdings",
    "issue",
    "keep_answer",
    "open_wallet",
    "overview",
    "record_answer",
    "resume",
    "suspend",
    "sweep",
    "verification_keys",
    "verify",
    "with_answers",
]
