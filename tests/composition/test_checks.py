"""A slice that forgets a part, or declares one that another has, is an error at start."""

import pytest

from qe_ban.composition import RetentionPlan, Slice
from qe_ban.composition.checks import SliceIncomplete, check
from qe_ban.keys.data_keys import Owner
from qe_ban.web import guard
from qe_ban.web.api import Blueprint
from qe_ban.web.ranks import Operations, Rank

OWNERS = dict.fromkeys(Owner, lambda *_: None)
TABLES = {"things": "things", "other_things": "others"}


def operations(scope):
    blueprint = Blueprint("things", url_prefix="/things")
    blueprint.route("/", endpoint="read")(guard.requires(scope)(lambda: None))
    return Operations(blueprint, Rank.STAFF)


def keeps(*tables):
    return RetentionPlan(without_end=dict.fromkeys(tables, "a register"))


def things(**parts):
    whole = {
        "operations": (operations("things.read"),),
        "scopes": frozenset({"things.read"}),
        "retention": keeps("things"),
        "restore_cleanup": OWNERS,
    }
    return Slice(name="things", **whole | parts)


def others(**parts):
    return Slice(
        **{"name": "others", "operations": (), "scopes": frozenset(), "retention": keeps("other_things")} | parts
    )


def faults(*slices):
    with pytest.raises(SliceIncomplete) as refused:
        check(slices, TABLES)
    return str(refused.value)


def test_whole_slices_come_back():
    slices = (things(), others())
    assert check(slices, TABLES) is slices


def test_what_is_required_cannot_be_left_out():
    with pytest.raises(TypeError, match="retention"):
        Slice(name="things", operations=(), scopes=frozenset())


def test_a_scope_that_no_slice_declares_is_refused():
    assert faults(things(scopes=frozenset()), others()) == "things.read requires things.read, which no slice declares"


def test_what_two_slices_declare_is_refused():
    assert "slice things is declared twice" in faults(things(), others(), others(name="things", retention=keeps()))
    twice = faults(things(), others(scopes=frozenset({"things.read"})))
    assert twice == "scope things.read is declared twice"


def test_a_table_without_retention_is_refused():
    assert faults(things(), others(retention=keeps())) == "nothing says how long rows of other_things are kept"


def test_the_retention_of_a_table_is_declared_once_and_by_its_own_slice():
    both = keeps("things", "other_things")
    assert "retention of things is declared twice" in faults(things(), others(retention=both))
    strange = faults(things(retention=both), others(retention=keeps()))
    assert strange == "other_things is a table of others, and things says how long its rows are kept"
    assert faults(things(retention=keeps("things", "thngs")), others()) == "thngs is no table"


def test_every_owner_of_a_data_key_has_an_end_after_a_restore():
    left = {owner: end for owner, end in OWNERS.items() if owner is not Owner.DEMAND}
    assert faults(things(restore_cleanup=left), others()) == "nothing ends rows of demands that a restore brings back"
    assert "the end of returned rows of demands is declared twice" in faults(things(), others(restore_cleanup=OWNERS))
