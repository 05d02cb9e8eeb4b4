from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from qe_ban.accounts import rules

NOW = datetime(2026, 10, 2, 8, 0, 7, tzinfo=UTC)


def test_a_visitor_may_little_until_the_face_check():
    visitor, stepped_up = (rules.resident_scopes(stepped_up=done) for done in (False, True))
    assert visitor == {"me.read", "me.real_name", "me.recovery", "auth.step_up"}
    wallet = {"codes.read", "codes.issue", "codes.manage", "ledger.read", "me.consents"}
    assert stepped_up - visitor == wallet | {
        "me.home",
        "me.demands",
        "me.wards",
        "me.disputes",
        "me.health",
        "me.close",
    }


def test_staff_may_what_their_roles_allow_together():
    assert rules.staff_scopes(["reviewer"]) == {"me.read", "pages.read", "pages.review", "pages.publish"}
    assert rules.staff_scopes(["editor", "reviewer"]) == rules.staff_scopes(["editor"]) | {"pages.review"}
    assert "pages.review" not in rules.staff_scopes(["editor"])
    assert "pages.withdraw" not in rules.staff_scopes(["district_admin"])
    assert "residents.look_up" in rules.staff_scopes(["city_admin"])
    assert "residents.look_up" not in rules.staff_scopes(["district_admin"])
    assert rules.staff_scopes(["auditor"]) == {"me.read", "audit.read"}


def test_every_role_has_scopes_and_no_staff_issues_or_verifies_codes():
    assert set(rules.STAFF_SCOPES) == set(rules.Role)
    for scopes in rules.STAFF_SCOPES.values():
        assert not {scope for scope in scopes if scope.startswith(("codes.", "ledger."))}


def test_the_three_administrators_share_no_scope_but_their_own_account():
    kept = [rules.STAFF_SCOPES[role] for role in sorted(rules.KEPT_APART)]
    for one in kept:
        for other in kept:
            assert one is other or one & other == {"me.read"}


@pytest.mark.parametrize("steps", [-2, -1, 0, 1, 2])
def test_a_dynamic_code_tells_its_step(steps):
    secret = pyotp.random_base32()
    at = NOW + timedelta(seconds=30 * steps)
    step = rules.totp_step(secret, pyotp.TOTP(secret).at(at), NOW)
    assert step == (int(at.timestamp()) // 30 if abs(steps) <= 1 else None)


def test_an_audience_is_exactly_the_issuer():
    assert rules.names_only("a", "a")
    assert rules.names_only(["a"], "a")
    for other in ("A", "a/", ["a", "b"], ["a", "a"], [], None, {"a"}, ("a",)):
        assert not rules.names_only(other, "a")
