"""In overload codes come before residents, residents before pages, pages before staff; operators are let through."""

import re

import pytest

from qe_ban.web.ranks import Rank


@pytest.fixture
def rank_of(app):
    return app.extensions["qe_ban.ranks"].rank_of


@pytest.mark.parametrize(
    ("method", "path", "rank"),
    [
        ("POST", "/api/v1/codes/verify", Rank.CODES),
        ("POST", "/api/v1/codes/issue", Rank.CODES),
        ("POST", "/api/v1/codes/identity/issue", Rank.CODES),
        ("POST", "/api/v1/codes/dining/short-number", Rank.CODES),
        ("GET", "/api/v1/codes", Rank.PEOPLE),
        ("GET", "/api/v1/codes/ledger", Rank.PEOPLE),
        ("POST", "/api/v1/auth/token", Rank.PEOPLE),
        ("GET", "/api/v1/me", Rank.PEOPLE),
        ("GET", "/api/v1/halls/city", Rank.PAGES),
        ("GET", "/api/v1/media/x", Rank.PAGES),
        ("GET", "/api/v1/apps", Rank.PAGES),
        ("GET", "/api/v1/apps/metro", Rank.PAGES),
        ("GET", "/api/v1/places", Rank.PAGES),
        ("GET", "/api/v1/topics", Rank.PAGES),
        ("GET", "/api/v1/departments/mohrss", Rank.PAGES),
        ("PUT", "/api/v1/apps/metro", Rank.STAFF),
        ("POST", "/api/v1/media", Rank.STAFF),
        ("PUT", "/api/v1/halls/city/draft", Rank.STAFF),
        ("GET", "/api/v1/audit", Rank.STAFF),
        ("GET", "/api/v1/openapi.json", Rank.STAFF),
        ("GET", "/whatever", Rank.STAFF),
        ("GET", "/healthz", None),
        ("GET", "/readyz", None),
        ("GET", "/metrics", None),
    ],
)
def test_rank_of(rank_of, method, path, rank):
    assert rank_of(method, path) is rank


def test_what_residents_do_for_themselves_outranks_staff(app, rank_of):
    ranks = {
        (rule.rule, method): rank_of(method, re.sub("<.*?>", "x", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"OPTIONS"}
    }
    own = {rank for (path, _), rank in ranks.items() if path.startswith(("/api/v1/auth/", "/api/v1/me/"))}
    assert own == {Rank.PEOPLE}
    assert {path for (path, _), rank in ranks.items() if rank is Rank.CODES} == {
        "/api/v1/codes/verify",
        "/api/v1/codes/issue",
        "/api/v1/codes/<kind>/issue",
        "/api/v1/codes/<kind>/short-number",
    }


def test_only_the_token_endpoints_refuse_in_the_words_of_oauth(app):
    ranks = app.extensions["qe_ban.ranks"]
    paths = {rule.rule for rule in app.url_map.iter_rules() if ranks.is_oauth(rule.rule)}
    assert paths == {"/api/v1/auth/token", "/api/v1/auth/revoke"}
