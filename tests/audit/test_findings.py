"""What a check of the seals says: what is wrong with which event, seal or key, in one line, in either language."""

import pytest

from qe_ban.audit.rules.findings import EXPLANATIONS, Finding, What


@pytest.mark.parametrize(
    ("finding", "line"),
    [
        (Finding(What.ALTERED, event=7, seal=3), "altered: event 7 (seal 3) is not what was sealed"),
        (Finding(What.REMOVED, 7, 3), "removed: event 7 (seal 3) was sealed and is gone"),
        (Finding(What.SEAL_MISSING, seal=3), "seal missing: seal 3 is gone from the chain"),
        (Finding(What.LATE, event=7), "late: event 7 was dated back: an earlier seal would have taken it"),
        # no table counts from 0, but a row that was slipped in has any number
        (Finding(What.ALTERED, event=0, seal=0), "altered: event 0 (seal 0) is not what was sealed"),
        (Finding(What.ALTERED, event=0), "altered: event 0 is not what was sealed"),
        (
            Finding(What.UNKNOWN_KEY, key="0a0b0c0d"),
            "unknown key: key 0a0b0c0d is signed by a key that is no audit key, or was none then",
        ),
    ],
    ids=str,
)
def test_a_finding_says_what_is_wrong_with_which_event_seal_or_key(finding, line):
    assert str(finding) == finding.line() == line


def test_the_words_and_the_number_of_a_finding_are_translated():
    line = Finding(What.ALTERED, 7, 3).line()
    assert {name: value.pattern for name, value in line.values.items()} == {
        "what": "altered",
        "named": "event {event} (seal {seal})",
        "explained": "is not what was sealed",
    }
    assert line.pattern == "{what}: {named} {explained}"
    assert [Finding(What.CUT, **place).line().values["named"].pattern for place in ({"seal": 3}, {"event": 7})] == [
        "seal {seal}",
        "event {event}",
    ]
    assert Finding(What.CUT, key="0a").line().values["named"].pattern == "key {key}"


@pytest.mark.parametrize("what", What)
def test_everything_that_can_be_wrong_is_explained_in_one_line(what):
    assert str(Finding(what, event=1)) == f"{what}: event 1 {EXPLANATIONS[what]}"
    assert "\n" not in EXPLANATIONS[what]
