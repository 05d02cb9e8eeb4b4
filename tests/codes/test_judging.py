"""Steps 8 to 11 of QE1 section 5, decided without a server: which of two faults is named, and what a window counts."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import combinations, pairwise
from uuid import UUID

import pytest

from qe_ban.codes import rules
from qe_ban.codes.rules import Answer, NewUse, Profile, Reason, ScanFacts, State, Subjects
from qe_ban.codes.rules.scan_facts import DOCUMENT_TRIES, Use
from qe_ban.kernel.city import MealPeriod, Purpose

NOW = datetime(2026, 11, 30, 4, tzinfo=UTC)
SCANNER, OTHER_SCANNER = (UUID(f"019ab000-0000-7000-8000-00000000000{n}") for n in (1, 2))
ONCE, MEAL, DOCUMENT, MISMATCH, DISCLOSURE, AGAIN, SHORT, VENUE = (bytes([n]) * 32 for n in range(8))
LUNCH = MealPeriod("lunch", "午餐", time(11), time(13, 30))
MEALS = {"meals": ["lunch"]}
PURPOSE = Purpose(
    slug="tasting",
    scene="dining",
    name="品鉴",
    kinds=frozenset({"dining"}),
    fields=("masked_name",),
    basis="consent",
    single_use=True,
    offline=False,
    again_after=300,
    together=frozenset(),
    consumes="meal",
)


def scan_facts(**facts):
    """Return a scan that everything speaks for, of a printed code, but for these facts."""
    good = {
        "now": NOW,
        "scanner_id": SCANNER,
        "purpose": PURPOSE,
        "kind": "dining",
        "profile": Profile.PRINTED,
        "code_ends": NOW + timedelta(days=1),
        "is_known": True,
        "entitlement_kind": "dining",
        "is_suspended": False,
        "is_over": False,
        "answer": Answer(State.ACTIVE, NOW, NOW, detail=MEALS),
        "is_current": True,
        "has_consent": True,
        "document": True,
        "meal": LUNCH,
        "subjects": Subjects(once=ONCE, meals=(MEAL,), document=DOCUMENT, mismatch=MISMATCH),
        "uses": {},
    }
    return ScanFacts(**good | facts)


def use(ago=0, n=0, purpose="tasting", scanner=SCANNER):
    return Use(n, scanner, purpose, NOW - timedelta(seconds=ago))


def showing(*uses, **facts):
    """Return a pass that was shown so many seconds ago, newest first, and is shown now."""
    before = [use(ago, n) for n, ago in enumerate(sorted(uses, reverse=True))]
    purpose = replace(PURPOSE, single_use=False, consumes=None, fields=())
    subjects = Subjects(again=AGAIN)
    return scan_facts(profile=Profile.PRESENTED, purpose=purpose, subjects=subjects, uses={AGAIN: before}, **facts)


FAULTS = {
    "another_kind": (Reason.FORGED, {"entitlement_kind": "identity"}),
    "closed_account": (Reason.REVOKED, {"is_over": True}),
    "reported_lost": (Reason.SUSPENDED, {"is_suspended": True}),
    "no_meals": (Reason.NOT_ENTITLED, {"meal": None}),
    "no_consent": (Reason.CONSENT_REQUIRED, {"has_consent": False}),
    "source_away": (Reason.STALE, {"is_current": False}),
    "no_document": (Reason.DOCUMENT_MISMATCH, {"document": None}),
    "shown_before": (Reason.REPLAYED, {"uses": {ONCE: [use()]}}),
    "meal_eaten": (Reason.USED, {"uses": {MEAL: [use()]}}),
}
"""One fault each, in the order in which the format looks for them."""
REASONS_OF_STATES = {
    State.REVOKED: Reason.REVOKED,
    State.SUSPENDED: Reason.SUSPENDED,
    State.NOT_ENTITLED: Reason.NOT_ENTITLED,
}


def test_without_a_fault_the_code_is_accepted():
    verdict = rules.judge(scan_facts())
    assert (verdict.reason, verdict.fields) == (Reason.OK, ("masked_name",))


@pytest.mark.parametrize("name", FAULTS)
def test_one_fault_is_named(name):
    reason, facts = FAULTS[name]
    assert rules.judge(scan_facts(**facts)).reason is reason


@pytest.mark.parametrize(("earlier", "later"), [*combinations(FAULTS, 2)])
def test_of_two_faults_the_earlier_one_is_named(earlier, later):
    (reason, facts), (_, more) = FAULTS[earlier], FAULTS[later]
    both = more | facts | {"uses": facts.get("uses", {}) | more.get("uses", {})}
    verdict = rules.judge(scan_facts(**both))
    assert verdict.reason is reason
    assert verdict.fields == ()


@pytest.mark.parametrize("state", REASONS_OF_STATES)
@pytest.mark.parametrize("later", ["no_consent", "source_away", "no_document", "shown_before", "meal_eaten"])
def test_the_sources_word_comes_before_consent_age_document_and_uses(state, later):
    facts = FAULTS[later][1] | {"answer": Answer(state, NOW, NOW, detail=MEALS)}
    assert rules.judge(scan_facts(**facts)).reason is REASONS_OF_STATES[state]


def test_the_reasons_stand_in_the_order_of_the_format():
    order = [reason for reason, _ in FAULTS.values()]
    reasons = list(Reason)
    assert all(reasons.index(one) < reasons.index(next_one) for one, next_one in pairwise(order))


def test_a_code_that_names_nobody_is_revoked_whatever_else():
    nobody = {"is_known": False, "entitlement_kind": None, "answer": None, "has_consent": False, "document": None}
    assert rules.judge(scan_facts(**nobody)).reason is Reason.REVOKED


@pytest.mark.parametrize(
    ("showings", "reason"),
    [
        ([], Reason.OK),
        ([299], Reason.REPLAYED),
        ([300], Reason.OK),
        ([301, 1], Reason.REPLAYED),
        ([700, 299], Reason.REPLAYED),
        ([900, 600, 300], Reason.OK),
        ([900, 600, 0], Reason.REPLAYED),
    ],
)
def test_a_pass_waits_since_it_was_last_shown_and_not_since_the_first_time(showings, reason):
    assert rules.judge(showing(*showings)).reason is reason


@pytest.mark.parametrize("showings", [[], [400], [900, 600, 300]])
def test_each_showing_takes_the_next_number(showings):
    assert [use.n for use in rules.judge(showing(*showings)).uses] == [len(showings)]


@pytest.mark.parametrize(
    ("failures", "reason"), [(DOCUMENT_TRIES - 1, Reason.OK), (DOCUMENT_TRIES, Reason.DOCUMENT_MISMATCH)]
)
def test_the_fifth_wrong_document_locks_the_paper_for_the_right_one_too(failures, reason):
    uses = {MISMATCH: [use(n=n) for n in range(failures)]}
    assert rules.judge(scan_facts(uses=uses)).reason is reason


@pytest.mark.parametrize(
    ("age", "reason"), [(timedelta(hours=24), Reason.STALE_OK), (timedelta(hours=24, seconds=1), Reason.STALE)]
)
def test_a_kept_answer_stands_in_for_a_day_where_nothing_is_consumed(age, reason):
    purpose = replace(PURPOSE, consumes=None)
    answer = Answer(State.ACTIVE, NOW - age, NOW - age)
    verdict = rules.judge(scan_facts(purpose=purpose, is_current=False, answer=answer))
    assert verdict.reason is reason


@pytest.mark.parametrize("level", ["green", "yellow", "red"])
def test_a_level_is_told_on_the_sources_word_of_now_and_never_on_a_kept_answer(level):
    purpose = replace(PURPOSE, kinds=frozenset({"health"}), consumes=None, fields=("health_level",))
    answer = Answer(State.ACTIVE, NOW, NOW, detail={"level": level})
    health = {"purpose": purpose, "kind": "health", "entitlement_kind": "health", "answer": answer}
    assert rules.judge(scan_facts(**health)).reason is Reason.OK
    assert rules.judge(scan_facts(is_current=False, **health)).reason is Reason.STALE


def test_a_short_number_is_accepted_once_and_its_use_is_kept_ten_minutes_beyond_its_end():
    ends = NOW + timedelta(minutes=3)
    facts = {"profile": Profile.ISSUED, "code_ends": ends, "subjects": Subjects(short=SHORT)}
    (new_use,) = rules.judge(scan_facts(**facts)).uses
    assert (new_use.subject, new_use.n, new_use.until) == (SHORT, 0, ends + timedelta(minutes=10))
    assert rules.judge(scan_facts(uses={SHORT: [use()]}, **facts)).reason is Reason.EXPIRED


def test_other_uses_are_kept_seven_days_beyond_the_codes_end():
    verdict = rules.judge(scan_facts())
    until = {new_use.subject: new_use.until for new_use in verdict.uses}
    assert until[ONCE] == NOW + timedelta(days=8)
    assert until[MEAL] == NOW + timedelta(days=7)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-11-30T15:59:59+00:00", "2026-11-30"),
        ("2026-11-30T16:00:00+00:00", "2026-12-01"),
        ("2026-11-30T23:50:00+00:00", "2026-12-01"),
        ("2026-12-01T00:05:00+00:00", "2026-12-01"),
        ("2026-12-01T07:50:00+08:00", "2026-12-01"),
        ("2026-11-30T20:00:00-08:00", "2026-12-01"),
    ],
)
def test_a_meal_counts_for_the_citys_day(moment, day):
    assert rules.meal_day(datetime.fromisoformat(moment)) == day


@pytest.mark.parametrize(
    ("at_venues", "fields", "reason", "numbers"),
    [
        ([], ("name",), Reason.OK, [0]),
        ([True], ("name",), Reason.OK, []),
        ([False], ("name",), Reason.REPLAYED, []),
        ([True, False], ("name",), Reason.REPLAYED, []),
        ([False], (), Reason.OK, [1]),
        ([False, True], (), Reason.OK, []),
        ([False, False], (), Reason.OK, [2]),
    ],
)
def test_a_code_that_another_venue_accepted_discloses_nothing(at_venues, fields, reason, numbers):
    before = [replace(use(n=n), at_venue=here) for n, here in enumerate(at_venues)]
    purpose = replace(PURPOSE, single_use=False, consumes=None, fields=fields)
    verdict = rules.judge(
        scan_facts(profile=Profile.ISSUED, purpose=purpose, subjects=Subjects(venue=VENUE), uses={VENUE: before})
    )
    assert verdict.reason is reason
    assert [one.n for one in verdict.uses] == numbers


@pytest.mark.parametrize("failures", [0, 4])
def test_a_wrong_document_is_counted_as_a_comparison_and_as_a_failure(failures):
    uses = {DOCUMENT: [use(n=n) for n in range(failures + 2)], MISMATCH: [use(n=n) for n in range(failures)]}
    verdict = rules.judge(scan_facts(document=False, uses=uses))
    assert verdict.reason is Reason.DOCUMENT_MISMATCH
    ends = NOW + timedelta(days=8)
    assert list(verdict.uses) == [NewUse(DOCUMENT, failures + 2, ends), NewUse(MISMATCH, failures, ends)]


def test_a_right_document_takes_the_next_comparison():
    verdict = rules.judge(scan_facts(uses={DOCUMENT: [use(n=0), use(n=1)]}))
    assert (verdict.reason, verdict.uses[0]) == (Reason.OK, NewUse(DOCUMENT, 2, NOW + timedelta(days=8)))


@pytest.mark.parametrize(("comparison", "mismatch"), [(None, MISMATCH), (DOCUMENT, None), (None, None)])
def test_paper_that_no_document_can_be_counted_for_discloses_nothing(comparison, mismatch):
    verdict = rules.judge(scan_facts(subjects=Subjects(document=comparison, mismatch=mismatch)))
    assert (verdict.reason, verdict.fields) == (Reason.DOCUMENT_MISMATCH, ())


def test_paper_needs_no_document_where_nothing_is_disclosed():
    purpose = replace(PURPOSE, fields=())
    assert rules.judge(scan_facts(purpose=purpose, document=None)).reason is Reason.OK


def disclosing(*before, together=()):
    """Return a code that discloses after these uses of the same code."""
    purpose = replace(PURPOSE, single_use=False, consumes=None, together=frozenset(together))
    subjects = Subjects(disclosure=DISCLOSURE)
    return rules.judge(
        scan_facts(profile=Profile.ISSUED, purpose=purpose, subjects=subjects, uses={DISCLOSURE: [*before]})
    )


@pytest.mark.parametrize(
    ("before", "together", "reason", "numbers"),
    [
        ([], (), Reason.OK, [0]),
        ([use(n=0)], (), Reason.OK, []),
        ([use(n=0, scanner=OTHER_SCANNER)], (), Reason.REPLAYED, []),
        ([use(n=0, purpose="washing")], (), Reason.REPLAYED, []),
        ([use(n=0, purpose="washing")], ("washing",), Reason.OK, [1]),
        ([use(n=0, purpose="washing"), use(n=1)], ("washing",), Reason.OK, []),
        ([use(n=0, purpose="washing", scanner=OTHER_SCANNER)], ("washing",), Reason.REPLAYED, []),
        ([use(n=0), use(n=1, purpose="drying")], ("washing",), Reason.REPLAYED, []),
    ],
)
def test_one_code_discloses_at_one_scanner_for_one_purpose_and_those_that_go_with_it(before, together, reason, numbers):
    verdict = disclosing(*before, together=together)
    assert (verdict.reason, [use.n for use in verdict.uses]) == (reason, numbers)
    assert {(use.subject, use.until) for use in verdict.uses} <= {(DISCLOSURE, NOW + timedelta(days=8))}


def test_a_meal_is_taken_once_under_each_live_key():
    other = b"\x09" * 32
    verdict = rules.judge(scan_facts(profile=Profile.ISSUED, subjects=Subjects(meals=(MEAL, other))))
    until = NOW + timedelta(days=7)
    assert list(verdict.uses) == [NewUse(MEAL, 0, until), NewUse(other, 0, until)]
    for meal in (MEAL, other):
        uses = {meal: [use()]}
        again = scan_facts(profile=Profile.ISSUED, subjects=Subjects(meals=(MEAL, other)), uses=uses)
        assert rules.judge(again).reason is Reason.USED


def test_subjects_are_asked_for_all_at_once():
    subjects = Subjects(once=ONCE, disclosure=DISCLOSURE, again=AGAIN, meals=(MEAL,), document=DOCUMENT)
    assert set(subjects.all()) == {ONCE, DISCLOSURE, AGAIN, MEAL, DOCUMENT}
    assert Subjects().all() == []


LUNCH_TODAY = {"meal": {"period": "lunch", "name": "午餐", "date": "2026-11-30"}}


def test_a_verdict_on_a_meal_says_which_one_of_which_day():
    assert rules.judge(scan_facts()).detail == LUNCH_TODAY
    used = rules.judge(scan_facts(uses={MEAL: [use()]}))
    assert (used.reason, used.detail) == (Reason.USED, LUNCH_TODAY)
    for purpose in (replace(PURPOSE, consumes=None), replace(PURPOSE, consumes="seat")):
        assert (
            rules.judge(scan_facts(purpose=purpose, subjects=Subjects(document=DOCUMENT, mismatch=MISMATCH))).detail
            == {}
        )


def test_a_verdict_tells_of_when_the_sources_word_is_only_where_it_is_not_of_now():
    earlier = NOW - timedelta(minutes=5)
    purpose, answer = replace(PURPOSE, consumes=None), Answer(State.ACTIVE, earlier, earlier)
    assert rules.judge(scan_facts(purpose=purpose, answer=answer)).as_of is None
    assert rules.judge(scan_facts(purpose=purpose, answer=answer, is_current=False)).as_of == earlier
    refused = rules.judge(scan_facts(purpose=purpose, answer=answer, has_consent=False))
    assert (refused.reason, refused.as_of) == (Reason.CONSENT_REQUIRED, earlier)
    assert rules.judge(scan_facts(answer=None)).as_of is None


@pytest.mark.parametrize("is_current", [True, False])
def test_without_any_word_of_the_source_a_code_is_stale(is_current):
    assert (
        rules.judge(scan_facts(answer=None, is_current=is_current, purpose=replace(PURPOSE, consumes=None))).reason
        is Reason.STALE
    )


@pytest.mark.parametrize("state", [State.REVOKED, State.SUSPENDED, State.NOT_ENTITLED])
@pytest.mark.parametrize(
    ("is_current", "age", "counts"),
    [
        (False, timedelta(hours=24), True),
        (False, timedelta(hours=24, seconds=1), False),
        (True, timedelta(days=30), True),
    ],
)
def test_a_kept_refusal_counts_for_a_day_a_revocation_and_the_sources_word_of_now_always(
    state, is_current, age, counts
):
    answer = Answer(state, NOW - age, NOW - age)
    verdict = rules.judge(scan_facts(purpose=replace(PURPOSE, consumes=None), answer=answer, is_current=is_current))
    assert verdict.reason is (REASONS_OF_STATES[state] if counts or state is State.REVOKED else Reason.STALE)


@pytest.mark.parametrize(
    ("before", "fields", "reason", "numbers"),
    [
        ([], ("masked_name",), Reason.OK, [0]),
        ([], (), Reason.OK, [0]),
        ([True], ("masked_name",), Reason.OK, []),
        ([False], ("masked_name",), Reason.REPLAYED, []),
        ([False], (), Reason.OK, [1]),
        ([True, False], ("masked_name",), Reason.REPLAYED, []),
        ([True, False], (), Reason.OK, []),
    ],
)
def test_after_an_acceptance_a_code_discloses_at_that_venue_alone(before, fields, reason, numbers):
    purpose = replace(PURPOSE, single_use=False, consumes=None, fields=fields)
    uses = {SHORT: [replace(use(n=n), at_venue=here) for n, here in enumerate(before)]}
    verdict = rules.judge(
        scan_facts(profile=Profile.ISSUED, purpose=purpose, subjects=Subjects(venue=SHORT), uses=uses)
    )
    ends = NOW + timedelta(days=8)
    assert (verdict.reason, list(verdict.uses)) == (reason, [NewUse(SHORT, n, ends) for n in numbers])


@pytest.mark.parametrize(
    ("profile", "at_venues", "disclosing", "use_subjects"),
    [
        (Profile.ISSUED, [], True, [ONCE]),
        (Profile.ISSUED, [True], True, [ONCE]),
        (Profile.ISSUED, [False], True, []),
        (Profile.ISSUED, [], False, [VENUE]),
        (Profile.PRESENTED, [], True, [VENUE, ONCE]),
        (Profile.PRESENTED, [True], True, [ONCE]),
        (Profile.PRESENTED, [False], True, []),
    ],
)
def test_the_use_of_a_disclosure_names_the_venue_too_where_a_code_has_one_showing(
    profile, at_venues, disclosing, use_subjects
):
    purpose = replace(PURPOSE, single_use=False, consumes=None, fields=("name",) if disclosing else ())
    subjects = Subjects(venue=VENUE, disclosure=ONCE if disclosing else None)
    uses = {VENUE: [replace(use(n=n), at_venue=here) for n, here in enumerate(at_venues)]}
    verdict = rules.judge(scan_facts(profile=profile, purpose=purpose, subjects=subjects, uses=uses))
    assert [one.subject for one in verdict.uses] == use_subjects


@pytest.mark.parametrize("name", ["venue", "disclosure", "again"])
def test_whoever_comes_first_takes_the_first_number(name):
    purpose = replace(PURPOSE, single_use=False, consumes=None)
    verdict = rules.judge(scan_facts(profile=Profile.ISSUED, purpose=purpose, subjects=Subjects(**{name: ONCE})))
    assert list(verdict.uses) == [NewUse(ONCE, 0, NOW + timedelta(days=8))]


def test_the_first_wrong_document_is_the_first_failure():
    ends = NOW + timedelta(days=8)
    assert list(rules.judge(scan_facts(document=False)).uses) == [NewUse(DOCUMENT, 0, ends), NewUse(MISMATCH, 0, ends)]


def test_whoever_has_no_meals_is_not_entitled_to_one():
    assert rules.judge(scan_facts(answer=Answer(State.ACTIVE, NOW, NOW))).reason is Reason.NOT_ENTITLED
