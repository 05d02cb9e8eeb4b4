"""The closed lists of codes: what is keyed by one in another form than its members is complete, too."""

import pytest

from qe_ban.codes import rules, token
from qe_ban.codes.rules import Reason, SuspendedBy
from qe_ban.codes.rules.labels import FIELD_NAMES, SUSPENSION_NAMES
from qe_ban.codes.schemas import HolderSchema
from qe_ban.codes.service.disclosing import DISCLOSED_BY
from qe_ban.kernel.city import DISCLOSABLE, LEVEL_FIELD

SILENT = {
    Reason.MALFORMED,
    Reason.UNKNOWN_KEY,
    Reason.FORGED,
    Reason.NOT_YET_VALID,
    Reason.EXPIRED,
    Reason.UNKNOWN_KIND,
    Reason.KIND_NOT_ACCEPTED,
    Reason.PURPOSE_NOT_ALLOWED,
    Reason.WRONG_SCANNER,
}
"""Reasons of steps 1 to 7: the scanner may not scan this code for this purpose, so it hears of nobody who shows it."""


def test_it_is_decided_of_every_reason_whether_a_scanner_hears_of_a_guardian():
    assert set(Reason) - rules.REASONS_TELLING_GUARDIANS == SILENT


def test_what_refuses_a_code_by_its_format_is_a_reason_of_verdicts_in_the_same_order():
    assert [reason.value for reason in token.Reason] == [reason.value for reason in Reason][: len(token.Reason)]


def test_every_profile_of_a_scan_is_one_of_the_format():
    assert {profile.value for profile in rules.Profile} == {profile.value for profile in token.Profile} - {"pass"}


def test_the_wallet_says_of_everybody_who_can_suspend_a_code_who_it_was():
    assert set(SUSPENSION_NAMES) == {f"held_by_{by}" for by in SuspendedBy}


@pytest.mark.parametrize("fields", [FIELD_NAMES, {*DISCLOSED_BY, LEVEL_FIELD}, {*HolderSchema().fields, LEVEL_FIELD}])
def test_every_field_that_can_be_disclosed_has_a_name_a_source_and_a_place_in_the_verdict(fields):
    assert set(fields) == DISCLOSABLE
