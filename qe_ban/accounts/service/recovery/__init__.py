"""Accounts and phones that no longer belong together: cases, settled by two persons of staff."""

from qe_ban.accounts.service.recovery.deciding import ACTION, approve_decision, propose_decision, withdraw_decision
from qe_ban.accounts.service.recovery.objecting import HolderCase, Objection, list_holder_cases, object_to_recovery
from qe_ban.accounts.service.recovery.opening import NewCase, open_recovery, report_not_mine
from qe_ban.accounts.service.recovery.showing import ShownCase, Side, list_recovery

__all__ = [
    "ACTION",
    "HolderCase",
    "NewCase",
    "Objection",
    "ShownCase",
    "Side",
    "approve_decision",
    "list_holder_cases",
    "list_recovery",
    "object_to_recovery",
    "open_recovery",
    "propose_decision",
    "report_not_mine",
    "withdraw_decision",
]
