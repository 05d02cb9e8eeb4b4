"""Each operation has the rank of its declaration, found by method and path as the routing finds the operation."""

import pytest
from flask import Flask

from qe_ban.web import guard
from qe_ban.web.api import Blueprint
from qe_ban.web.ranks import Operations, Rank, RankTable


@pytest.fixture
def blueprint():
    things = Blueprint("things", url_prefix="/things")
    for name, rule, method in (
        ("read", "/<word>", "GET"),
        ("write", "/<word>", "PUT"),
        ("issue", "/<word>/issue", "POST"),
        ("ledger", "/ledger", "GET"),
        ("export", "/ledger/export", "GET"),
    ):
        things.route(rule, methods=[method], endpoint=name)(guard.anyone(lambda **_: None))
    return things


def table_of(operations):
    app = Flask("ranks", static_folder=None)
    app.register_blueprint(operations.blueprint)
    table = RankTable()
    table.fill(app, [operations])
    return table


@pytest.mark.parametrize(
    ("method", "path", "rank"),
    [
        ("GET", "/things/x", Rank.PAGES),
        ("HEAD", "/things/x", Rank.PAGES),
        ("PUT", "/things/x", Rank.PEOPLE),
        ("POST", "/things/x/issue", Rank.CODES),
        ("GET", "/things/ledger/export", Rank.PAGES),
        ("POST", "/things/ledger/issue", Rank.CODES),
        ("PUT", "/things/ledger", Rank.PEOPLE),
        ("OPTIONS", "/things/x", Rank.STAFF),
        ("DELETE", "/things/x", Rank.STAFF),
        ("GET", "/things/x/y/z", Rank.STAFF),
        ("GET", "/things", Rank.STAFF),
        ("GET", "", Rank.STAFF),
    ],
)
def test_an_operation_has_its_own_rank_else_that_of_reads_else_its_blueprints(blueprint, method, path, rank):
    table = table_of(Operations(blueprint, Rank.PEOPLE, reads=Rank.PAGES, ranks={"issue": Rank.CODES}))
    assert table.rank_of(method, path) is rank


def test_a_rank_of_no_operation_is_refused(blueprint):
    with pytest.raises(LookupError, match=r"things\.isue"):
        Operations(blueprint, Rank.PEOPLE, ranks={"isue": Rank.CODES})


def test_an_operation_without_a_rank_is_refused(blueprint):
    app = Flask("ranks", static_folder=None)
    app.register_blueprint(blueprint)
    with pytest.raises(LookupError, match=r"things\."):
        RankTable().fill(app, [])
