"""The wallet's use cases, and all that other slices and the edge may call of it."""

from qe_ban.codes.queries import Entry, Holding
from qe_ban.codes.rules import Answer, State
from qe_ban.codes.rules.naming import REASON_NAMES
from qe_ban.codes.service.answers import delete_plain_answers, holdings, keep_answers
from qe_ban.codes.service.appeals import answer_appeal, open_appeal
from qe_ban.codes.service.dispute_events import conceal_step as conceal_disputes
from qe_ban.codes.service.dispute_events import record_step as record_disputes
from qe_ban.codes.service.disputes import Opened as OpenedDispute
from qe_ban.codes.service.disputes import Wanted as WantedDisputes
from qe_ban.codes.service.disputes import answer as answer_dispute
from qe_ban.codes.service.disputes import listed as list_disputes
from qe_ban.codes.service.disputes import mine as my_disputes
from qe_ban.codes.service.disputes import open_dispute
from qe_ban.codes.service.disputes import read as read_dispute
from qe_ban.codes.service.exporting import csv_pieces
from qe_ban.codes.service.hashing import holder_hash
from qe_ban.codes.service.inbox import turn_over_requests
from qe_ban.codes.service.issuing import (
    Code,
    Issued,
    Shown,
    ask_sources,
    entitlement_numbers,
    issue,
    open_wallet,
    overview,
    record_answer,
    refusal,
    with_answers,
)
from qe_ban.codes.service.ledger import all_entries, entries
from qe_ban.codes.service.rehashing import rehash_disputes
from qe_ban.codes.service.retention import ENDINGS, drop_months, make_months
from qe_ban.codes.service.scanning import Asked, Scanned, explain
from qe_ban.codes.service.short_numbers import Given as ShortNumber
from qe_ban.codes.service.short_numbers import give as give_short_number
from qe_ban.codes.service.suspending import SuspensionRequest, resume, suspend
from qe_ban.codes.service.typed_codes import undo_keyboard
from qe_ban.codes.service.verifying import verify, verify_number
from qe_ban.codes.service.wallet import Wallet, verification_keys
from qe_ban.codes.service.watching import learn_habits, watches

__all__ = [
    "ENDINGS",
    "REASON_NAMES",
    "Answer",
    "Asked",
    "Code",
    "Entry",
    "Holding",
    "Issued",
    "OpenedDispute",
    "Scanned",
    "ShortNumber",
    "Shown",
    "State",
    "SuspensionRequest",
    "Wallet",
    "WantedDisputes",
    "all_entries",
    "answer_appeal",
    "answer_dispute",
    "ask_sources",
    "conceal_disputes",
    "csv_pieces",
    "delete_plain_answers",
    "drop_months",
    "entitlement_numbers",
    "entries",
    "explain",
    "give_short_number",
    "holder_hash",
    "holdings",
    "issue",
    "keep_answers",
    "learn_habits",
    "list_disputes",
    "make_months",
    "my_disputes",
    "open_appeal",
    "open_dispute",
    "open_wallet",
    "overview",
    "read_dispute",
    "record_answer",
    "record_disputes",
    "refusal",
    "rehash_disputes",
    "resume",
    "suspend",
    "turn_over_requests",
    "undo_keyboard",
    "verification_keys",
    "verify",
    "verify_number",
    "watches",
    "with_answers",
]
