"""A slice that forgets a part, or declares one that another has, is an error at start."""

import pytest

from qe_ban.composition import Slice
from qe_ban.composition.checks import SliceIncomplete, check
from qe_ban.web import guard
from qe_ban.web.api import Blueprint
from qe_ban.web.ranks import Operations, Rank


def operations(scope):
    blueprint = Blueprint("things", url_prefix="/things")
    blueprint.route("/", endpoint="read")(guard.requires(scope)(lambda: None))
    return Operations(blueprint, Rank.STAFF)


def declare(name="things", **parts):
    return Slice(name=name, **{"operations": (), "scopes": frozenset()} | parts)


def test_whole_slices_come_back():
    slices = (declare(operations=(operations("things.read"),), scopes=frozenset({"things.read"})), declare("others"))
    assert check(slices) is slices


def test_a_scope_that_no_slice_declares_is_refused():
    with pytest.raises(SliceIncomplete, match=r"things\.read requires things\.look"):
        check((declare(operations=(operations("things.look"),), scopes=frozenset({"things.read"})),))


def test_what_two_slices_declare_is_refused():
    with pytest.raises(SliceIncomplete, match="slice things"):
        check((declare(), declare()))
    with pytest.raises(SliceIncomplete, match=r"scope things\.read"):
        check((declare(scopes=frozenset({"things.read"})), declare("others", scopes=frozenset({"things.read"}))))
