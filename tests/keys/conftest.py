"""A machine whose own time zone is not UTC."""

import time

import pytest


@pytest.fixture
def machine_in_the_city():
    """Let this process live in the city's time zone for the length of a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "CST-8")  # POSIX counts west of Greenwich
        time.tzset()
        yield
    time.tzset()
