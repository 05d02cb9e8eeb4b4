"""In overload who matters less is refused first, everybody is answered in time, and it is over when it is over."""

import io
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from qe_ban.kernel.clock import system_clock
from qe_ban.web import metrics
from qe_ban.web.edge import Edge
from qe_ban.web.ranks import Rank
from qe_ban.web.shedding import ROOM, Gate, threads
from tests.factories.waits import wait_for

CODES, PEOPLE, PAGES, STAFF = "/api/v1/codes/verify", "/api/v1/codes/ledger", "/api/v1/halls/city", "/api/v1/audit"
TOKEN = "/api/v1/auth/token"
SHORT, LONG = 0.5, 5.0
"""Where somebody is to wait in vain; where all are to wait for their turn, however busy the machine is."""


class Ranks:
    """The ranks of the four paths of these tests, and of what operators ask."""

    def rank_of(self, _method, path):
        ranks = {CODES: Rank.CODES, PEOPLE: Rank.PEOPLE, TOKEN: Rank.PEOPLE, PAGES: Rank.PAGES, "/healthz": None}
        return ranks.get(path, Rank.STAFF)

    def is_oauth(self, path):
        return path == TOKEN


class App:
    """Holds each request until it is let go, and remembers in which order they came in."""

    def __init__(self):
        self.free, self.paths, self.lock = threading.Semaphore(0), [], threading.Lock()

    def __call__(self, environ, start_response):
        with self.lock:
            self.paths.append(environ["PATH_INFO"])
        self.free.acquire()
        if "fail" in environ:
            raise ZeroDivisionError
        start_response("200 OK", [])
        return [b"ok"]


class Stand:
    """A gate, and clients in threads."""

    def __init__(self, slots, timeout=LONG):
        self.app = App()
        self.gate = Edge(Gate(self.app, slots, Ranks(), timeout=timeout), system_clock, metrics.Recorder())
        self.pool = ThreadPoolExecutor(threads(slots))

    def ask(self, path, method="GET", body=b"", **more):
        answer = {}

        def start(status, headers, exc_info=None):
            answer.update(status=int(status[:3]), headers=dict(headers))

        environ = {"PATH_INFO": path, "REQUEST_METHOD": method, "wsgi.input": io.BytesIO(body), **more}
        if body:
            environ["CONTENT_LENGTH"] = str(len(body))
        began = time.monotonic()
        answer["body"] = b"".join(self.gate(environ, start))
        return answer | {"took": time.monotonic() - began, "left": environ["wsgi.input"].read()}

    def send(self, path, count=1):
        return [self.pool.submit(self.ask, path) for _ in range(count)]

    def in_app(self, count):
        return wait_for(lambda: len(self.app.paths) == count)

    def finish(self, count):
        self.app.free.release(count)


def waiting(stand):
    return stand.gate._inner._queued


@pytest.fixture
def timeout():
    return LONG


@pytest.fixture
def stand(timeout):
    new_stand = Stand(2, timeout)
    yield new_stand
    new_stand.finish(1000)
    new_stand.pool.shutdown()


brief = pytest.mark.parametrize("timeout", [SHORT], ids=["brief"])


def statuses(futures):
    return [future.result()["status"] for future in futures]


def test_who_matters_more_goes_first_and_pushes_out_who_matters_less(stand):
    running = stand.send(CODES, 2)
    stand.in_app(2)
    room = 2 * ROOM
    low = stand.send(STAFF, room)
    wait_for(lambda: waiting(stand) == room)
    assert stand.ask(STAFF)["status"] == 503, "no room for one more of the same"
    high = stand.send(CODES, room - 1)
    wait_for(lambda: sum(future.done() for future in low) == room - 1)
    assert waiting(stand) == room
    stand.finish(2 + room)
    assert statuses(running) == [200, 200]
    assert statuses(high) == [200] * (room - 1)
    assert sorted(statuses(low)) == [200] + [503] * (room - 1)
    # of the last two, which come into the two slots together, either may be noted first
    assert stand.app.paths.index(STAFF) >= room, "after all the others"


@brief
def test_a_refusal_comes_in_time_with_a_reason_and_says_when_to_come_back(stand):
    stand.send(CODES, 2)
    stand.in_app(2)
    refused = stand.ask(PEOPLE, "POST", b"x" * 100)
    assert refused["status"] == 503
    assert refused["took"] > SHORT * 0.9, "it waits for a slot, and not until there is one"
    assert refused["headers"]["Content-Type"] == "application/problem+json"
    assert 3 <= int(refused["headers"]["Retry-After"]) <= 6
    assert refused["left"] == b"x" * 100, "who sends it slowly holds no thread"
    assert refused["headers"]["Connection"] == "close", "so that it is not taken for the next request"
    problem = json.loads(refused["body"])
    assert (problem["code"], problem["status"]) == ("overloaded", 503)
    assert problem["request_id"] == refused["headers"]["X-Request-Id"]
    assert "Connection" not in stand.ask(PEOPLE)["headers"]


@brief
def test_the_token_endpoint_refuses_in_the_words_of_oauth(stand):
    stand.send(CODES, 2)
    stand.in_app(2)
    assert json.loads(stand.ask(TOKEN, "POST")["body"])["error"] == "temporarily_unavailable"


def test_operators_are_always_let_through(stand):
    stand.send(CODES, 2)
    stand.in_app(2)
    future = stand.send("/healthz")[0]
    stand.in_app(3)
    stand.finish(3)
    assert future.result()["status"] == 200


def test_a_slot_is_left_for_codes_whatever_else_there_is():
    stand = Stand(4)
    slow = [*stand.send(STAFF, 4), *stand.send(PEOPLE, 4)]
    wait_for(lambda: waiting(stand) == 5)
    assert stand.app.paths.count(STAFF) <= 2
    assert len(stand.app.paths) == 3
    code = stand.send(CODES)[0]
    stand.in_app(4)
    assert stand.app.paths[-1] == CODES
    stand.finish(100)
    assert code.result()["status"] == 200
    assert set(statuses(slow)) <= {200, 503}
    stand.pool.shutdown()


def test_a_view_that_fails_gives_its_slot_back(stand):
    stand.finish(3)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            stand.ask(CODES, fail=True)
    stand.finish(1)
    assert stand.ask(CODES)["status"] == 200


@pytest.mark.parametrize("slots", [1, 3])
def test_after_a_storm_every_slot_is_free_again(slots):
    stand = Stand(slots)
    stand.finish(100_000)
    paths = [CODES, PEOPLE, PAGES, STAFF] * 100
    with ThreadPoolExecutor(threads(slots)) as pool:
        answers = list(pool.map(stand.ask, paths))
    assert {answer["status"] for answer in answers} <= {200, 503}
    assert [answer["status"] for answer in answers[::4]].count(200) > 0
    gate = stand.gate._inner
    assert set(gate._running) == {0}
    assert waiting(stand) == 0
    assert stand.ask(STAFF)["status"] == 200
