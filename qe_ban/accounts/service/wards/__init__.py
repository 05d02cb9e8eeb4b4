"""Residents who act for others: asked for, confirmed, shown, ended."""

from qe_ban.accounts.rules import Relation, WardBasis
from qe_ban.accounts.service.wards.asking import Wish, ask_register, begin_ward, finish_ward, regret_ward
from qe_ban.accounts.service.wards.confirming import confirm_guardian
from qe_ban.accounts.service.wards.ending import end_all, end_due, end_guardian, end_returned, end_ward
from qe_ban.accounts.service.wards.held import Shown, acting_for, guardians, wards, wards_ever
from qe_ban.accounts.service.wards.window import confirm_at_window, end_at_window, look_up_guardianships

__all__ = [
    "Relation",
    "Shown",
    "WardBasis",
    "Wish",
    "acting_for",
    "ask_register",
    "begin_ward",
    "confirm_at_window",
    "confirm_guardian",
    "end_all",
    "end_at_window",
    "end_due",
    "end_guardian",
    "end_returned",
    "end_ward",
    "finish_ward",
    "guardians",
    "look_up_guardianships",
    "regret_ward",
    "wards",
    "wards_ever",
]
