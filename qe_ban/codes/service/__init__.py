"""The wallet's use cases, and all that other slices and the edge may call of it."""

from qe_ban.codes.queries import Entry, Holding
from qe_ban.codes.rules import Answer, State
from qe_ban.codes.rules.labels import REASON_NAMES
from qe_ban.codes.service.answers import delete_plain_answers, holdings, keep_answers
from qe_ban.codes.service.appeals import answer_appeal, open_appeal
from qe_ban.codes.service.detectors import detectors, learn_habits
from qe_ban.codes.service.dispute_events import conceal_step as conceal_disputes
from qe_ban.codes.service.dispute_events import record_step as record_disputes
from qe_ban.codes.service.disputes import (
    DisputeContent,
    DisputeFilter,
    answer_dispute,
    list_disputes,
    open_dispute,
    read_dispute,
)
from qe_ban.codes.service.disputes import list_own as list_own_disputes
from qe_ban.codes.service.exporting import csv_pieces
from qe_ban.codes.service.hashing import holder_hash
from qe_ban.codes.service.inbox import turn_over_requests
from qe_ban.codes.service.issuing import (
    Code,
    Issued,
    WalletCard,
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
from qe_ban.codes.service.scanning import VerdictResponse, VerifyRequest, explain
from qe_ban.codes.service.short_numbers import IssuedNumber, issue_short_number
from qe_ban.codes.service.suspending import SuspensionRequest, resume, suspend
from qe_ban.codes.service.typed_codes import undo_keyboard
from qe_ban.codes.service.verifying import verify, verify_number
from qe_ban.codes.service.wallet import Wallet, verification_keys

__all__ = [
    "ENDINGS",
    "REASON_NAMES",
    "Answer",
    "Code",
    "DisputeContent",
    "DisputeFilter",
    "Entry",
    "Holding",
    "Issued",
    "IssuedNumber",
    "State",
    "SuspensionRequest",
    "VerdictResponse",
    "VerifyRequest",
    "Wallet",
    "WalletCard",
    "all_entries",
    "answer_appeal",
    "answer_dispute",
    "ask_sources",
    "conceal_disputes",
    "csv_pieces",
    "delete_plain_answers",
    "detectors",
    "drop_months",
    "entitlement_numbers",
    "entries",
    "explain",
    "holder_hash",
    "holdings",
    "issue",
    "issue_short_number",
    "keep_answers",
    "learn_habits",
    "list_disputes",
    "list_own_disputes",
    "make_months",
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
    "with_answers",
]
