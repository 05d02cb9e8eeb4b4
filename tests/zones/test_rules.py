"""A demand's states, the digest of a deletion, the lists of a page, and colours, as pure decisions."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.kernel import colours
from qe_ban.kernel.identifiers import IdentifierInvalid
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import PrincipalKind
from qe_ban.publishing.rules import themes
from qe_ban.zones.rules import forms, lists, purge
from qe_ban.zones.rules.demands import PASSAGES, DemandState, Step, after, day_of, steps_of
from qe_ban.zones.rules.showing import ZoneState, state_of

ENDS = {DemandState.CLOSED, DemandState.REFUSED}


@given(st.lists(st.sampled_from(list(Step)), max_size=30))
def test_whatever_is_tried_a_demand_goes_only_where_it_may_and_leaves_an_end_only_to_be_taken_back(steps):
    state, has_answer = DemandState.RECEIVED, False
    for step in steps:
        next_state = after(state, step)
        by = PASSAGES[step].by
        assert (step in steps_of(state, by)) == (next_state is not None)
        assert step not in steps_of(
            state, next(kind for kind in (PrincipalKind.STAFF, PrincipalKind.RESIDENT) if kind is not by)
        )
        if next_state is None:
            continue
        assert state is not DemandState.WITHDRAWN
        assert state not in ENDS or next_state is DemandState.WITHDRAWN
        has_answer = has_answer or next_state is DemandState.ANSWERED
        assert next_state is not DemandState.CLOSED or has_answer
        state = next_state


def test_scanners_do_nothing_with_demands_and_every_state_is_reached():
    assert all(steps_of(state, PrincipalKind.SCANNER) == [] for state in DemandState)
    assert {passage.to for passage in PASSAGES.values()} | {DemandState.RECEIVED} == set(DemandState)


def test_a_day_is_the_citys():
    late, early = datetime(2026, 3, 1, 15, 59, 59, tzinfo=UTC), datetime(2026, 3, 1, 16, 0, tzinfo=UTC)
    assert day_of(late)[1] == early == day_of(early)[0]
    assert day_of(early)[1] - early == timedelta(days=1)


@given(st.lists(st.uuids(), max_size=20), st.randoms())
def test_a_digest_does_not_depend_on_the_order_and_can_be_counted_by_hand(ids, chance):
    other_order = list(ids)
    chance.shuffle(other_order)
    by_hand = hashlib.sha256("".join(f"{one}\n" for one in sorted(ids)).encode()).hexdigest()
    assert purge.digest(other_order) == by_hand


def test_a_digest_tells_one_id_from_another():
    assert purge.digest([new_id()]) != purge.digest([new_id()])


def test_lists_are_searched_and_counted():
    rows = [
        {"title": "制造业技改", "industries": ["machinery"], "sizes": ["small", "micro"]},
        {"title": "普惠减税", "industries": [], "sizes": []},
        {"title": "食品技改", "industries": ["food"], "sizes": ["large"]},
    ]
    kind = lists.LISTS["policies"]
    hits, facets = lists.search(kind, rows, "技改", {"industry": "machinery", "size": None})
    assert [row["title"] for row in hits] == ["制造业技改"]
    # what another industry would leave is told all the same
    assert {one.value: one.count for one in facets["industry"]} == {"machinery": 1, "food": 1}
    assert {one.value: one.count for one in facets["size"]} == {"micro": 1, "small": 1}
    everything, facets = lists.search(kind, rows, None, {"industry": None, "size": "large"})
    assert [row["title"] for row in everything] == ["普惠减税", "食品技改"]
    # what says no industry is for all
    assert {one.value: one.count for one in facets["industry"]}["textile"] == 1


@pytest.mark.parametrize(
    ("number", "stored_form"),
    [
        ("13800138000", "13800138000"), ("+86 138-0013-8000", "13800138000"), ("0532-12345678", None),
        ("0532-82345678", "0532-82345678"), ("053282345678", "0532-82345678"), ("010 82345678", "010-82345678"),
        ("0532-82345678-801", "0532-82345678-801"), ("82345678", None), ("1380013800", None), ("", None),
        ("٠٥٣٢-82345678", None), ("0532-82345678\n", "0532-82345678"),
        ("（0532）8234 5678", "0532-82345678"), ("0532—82345678", "0532-82345678"),
        ("\u202d138 0013 8000\u202c", "13800138000"),
    ],
)  # fmt: skip
def test_a_number_to_call_has_one_form(number, stored_form):
    if stored_form is None:
        with pytest.raises(IdentifierInvalid):
            forms.phone(number)
    else:
        assert forms.phone(number) == stored_form


def test_a_form_stands_in_its_time_only():
    now = datetime(2026, 3, 1, tzinfo=UTC)
    block = {"id": "form", "type": "demand_form", "consent": "同意", "industries": ["food"]}
    block_with_times = block | {"starts_at": "2026-03-01T08:00:00+08:00", "ends_at": "2026-03-01T09:00:00+08:00"}
    assert forms.form_of({"blocks": [block_with_times]}, "form", now) is not None
    assert forms.form_of({"blocks": [block_with_times]}, "form", now - timedelta(seconds=1)) is None
    assert forms.form_of({"blocks": [block_with_times]}, "form", now + timedelta(hours=1)) is None
    assert forms.form_of({"blocks": [block]}, "other", now) is None
    assert forms.form_of({"blocks": [block | {"type": "rich_text"}]}, "form", now) is None


def test_letters_are_readable_on_any_colour():
    for colour in ("#000000", "#ffffff", "#0b5cad", "#ffd700", "#777777", "#c8102e", "#00a86b"):
        assert colours.contrast(themes.letters_on(colour), colour) >= 4.5
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colours.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert themes.theme({"primary_colour": "#ffd700"}) == {
        "primary": "#ffd700", "background": themes.BACKGROUND, "on_primary": "#000000"
    }  # fmt: skip


def test_a_zone_that_has_ended_is_neither_open_nor_coming():
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert state_of(is_shown=True, ended_at=now, opens_at=now) is ZoneState.ENDED
    assert state_of(is_shown=False, ended_at=None, opens_at=now) is ZoneState.COMING
    assert state_of(is_shown=False, ended_at=None, opens_at=None) is ZoneState.EMPTY
    assert state_of(is_shown=True, ended_at=None, opens_at=now) is ZoneState.OPEN
