"""The product's limits of time: as they are for the tests that are about them, and out of reach for all others.

A request is refused when it waits seconds for a slot, a connection, a lock or an answer. On a slow machine that would
befall tests of something else, which do nothing wrong.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from qe_ban.app import serving
from qe_ban.db import engine, polled_cache, valkey
from qe_ban.db.connecting import Waits
from qe_ban.publishing.service import page_cache
from qe_ban.web import application
from tests.factories.waits import HANG_TIMEOUT

DISTANT = (
    (serving, "REQUEST_WAITS", Waits(HANG_TIMEOUT / 2, HANG_TIMEOUT / 2, HANG_TIMEOUT, primary=True)),
    (engine, "POOL_WAIT", HANG_TIMEOUT / 2),
    (polled_cache, "PATIENCE", HANG_TIMEOUT / 2),
    (valkey, "WAIT", HANG_TIMEOUT / 4),
    (page_cache, "STAMPS_TIMEOUT", HANG_TIMEOUT / 4),
    (page_cache, "LOAD_TIMEOUT", HANG_TIMEOUT / 4),
    (page_cache, "FIRST_LOAD_TIMEOUT", HANG_TIMEOUT / 4),
    (application, "Gate", partial(application.Gate, timeout=HANG_TIMEOUT / 2)),
)
REAL = tuple((module, name, getattr(module, name)) for module, name, _ in DISTANT)


@contextmanager
def limits(values: tuple[tuple[object, str, object], ...]) -> Iterator[None]:
    """Have these limits for the length of the block."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, value in values:
            patch.setattr(module, name, value)
        yield


@pytest.fixture(scope="module", autouse=True)
def real_limits() -> Iterator[None]:
    """Have the product's own limits in a module of tests that imports this."""
    with limits(REAL):
        yield
