"""The state of a version follows from its period, the version in force, and the end of the document."""

from datetime import UTC, datetime, timedelta

import pytest

from qe_ban.reviewing.rules.states import VersionState, state_of_version
from qe_ban.reviewing.rules.versions import VersionPeriod

NOW = datetime(2022, 5, 1, 4, 0, tzinfo=UTC)
PAST, FUTURE, LATER = (NOW + timedelta(hours=hours) for hours in (-1, 1, 2))


def state(starts_at, ends_at=None, *, withdrawn=False, number_in_force=None, document_ends_at=None):
    period = VersionPeriod(1, starts_at, ends_at, withdrawn)
    return state_of_version(period, number_in_force=number_in_force, document_ends_at=document_ends_at, now=NOW)


@pytest.mark.parametrize(
    ("expected_state", "actual"),
    [
        ("in_force", state(PAST, number_in_force=1)),
        ("replaced", state(PAST, number_in_force=2)),
        ("replaced", state(PAST, FUTURE, number_in_force=2)),
        ("ended", state(PAST, NOW)),
        ("scheduled", state(FUTURE)),
        ("scheduled", state(FUTURE, document_ends_at=LATER)),
        ("ended", state(FUTURE, document_ends_at=FUTURE)),
        ("ended", state(PAST, document_ends_at=NOW)),
        ("withdrawn", state(PAST, withdrawn=True, number_in_force=1)),
        ("withdrawn", state(FUTURE, withdrawn=True)),
    ],
)
def test_state_of_a_version(expected_state, actual):
    assert actual == VersionState(expected_state)
