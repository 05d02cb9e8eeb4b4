"""An old Valkey or Redis is named, a new one is not, and one that is away says nothing of its age."""

import pytest
import redis

from qe_ban.db import valkey


class Answering:
    def __init__(self, answer):
        self.answer = answer

    def info(self, _section):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "old"),
    [
        ({"redis_version": "6.2.14"}, "6.2.14"),
        ({"redis_version": "7.0.0"}, None),
        ({"redis_version": "7.2.4", "valkey_version": "9.1.2"}, None),
        ({"redis_version": "10.1.0"}, None),
        ({}, None),
        ({"redis_version": "unknown"}, None),
        (redis.ConnectionError("away"), None),
        (redis.ResponseError("NOPERM this user may not run info"), None),
    ],
)
def test_what_was_never_tried_is_named(answer, old):
    assert valkey.too_old(Answering(answer)) == old


def test_the_engine_of_the_run_is_new_enough(settings):
    assert valkey.too_old(valkey.connect(settings.redis_url)) is None
