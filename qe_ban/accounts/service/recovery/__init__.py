"""Accounts and phones that no longer belong together: cases, settled by two persons of staff."""

from qe_ban.accounts.service.recovery.deciding import ACTION, approve_decision, propose_decision, withdraw_decision
from qe_ban.accounts.service.recovery.opening import NewCase, open_recovery, report_not_mine
from qe_ban.accounts.service.recovery.showing import ShownCase, Side, list_recovery

__all__ = [
    "ACTION",
    "NewCase",
    "ShownCase",
    "Side",
    "approve_decision",
    "list_recovery",
    "open_recovery",
    "propose_decision",
    "report_not_mine",
    "withdraw_decision",
]
