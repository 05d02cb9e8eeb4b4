"""The second source, asked by the very adapter that the product asks sources with, and by clients that misbehave."""

import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import urllib3

from qe_ban.codes.adapters import Person, SourceAway
from qe_ban.codes.adapters.http import HttpSource
from qe_ban.sandbox import source
from tests.factories.waits import HANG_TIMEOUT

TOKEN = "a-token-for-this-test"
NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
INSURED_PERSON = Person("resident_id", "370202199003070011", "测试甲")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = source.server(0, TOKEN, source.records(), lambda: NOW)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def ask(port):
    def make_source(token: str = TOKEN) -> HttpSource:
        return HttpSource(f"http://127.0.0.1:{port}", token)

    return make_source


def post(port: int, body: bytes, **headers: str) -> urllib3.BaseHTTPResponse:
    pool = urllib3.PoolManager(retries=False, timeout=HANG_TIMEOUT)
    all_headers = {"Authorization": f"Bearer {TOKEN}", **headers}
    return pool.request("POST", f"http://127.0.0.1:{port}", body=body, headers=all_headers)


def test_the_insured_are_active_with_their_details(ask):
    answer = ask().ask("medical", INSURED_PERSON, NOW)
    assert answer.state == "active"
    assert answer.detail == {"insured_type": "职工基本医疗保险", "insured_place": "青岛市"}
    assert answer.as_of == NOW


def test_several_questions_go_over_one_connection(ask):
    asking = ask()
    states = [asking.ask("medical", INSURED_PERSON, NOW).state for _ in range(5)]
    assert states == ["active"] * 5


@pytest.mark.parametrize(
    "person",
    [
        Person("resident_id", "370281199502140040", "测试丁"),
        Person("resident_id", "370202199003070011", "测试乙"),
        Person("resident_id", "110101199003070011", "测试甲"),
    ],
    ids=["not insured", "name and number of two people", "nobody"],
)
def test_others_are_not_entitled(ask, person):
    answer = ask().ask("medical", person, NOW)
    assert answer.state == "not_entitled"
    assert answer.reason == "not_insured"


@pytest.mark.parametrize("token", ["", "another", TOKEN + "x", "é"])
def test_a_wrong_token_gets_nothing(port, ask, token):
    with pytest.raises(SourceAway):
        ask(token).ask("medical", INSURED_PERSON, NOW)
    answer = post(port, b"{}", Authorization=f"Bearer {token}".encode().decode("latin-1"))
    assert answer.status == 401
    assert "state" not in answer.json()


def test_another_kind_is_none_of_its_business(ask):
    with pytest.raises(SourceAway):
        ask().ask("social", INSURED_PERSON, NOW)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"not json", 400),
        (b"[]", 400),
        (b"[" * 4000, 400),
        (b"\xff\xfe", 400),
        (b'{"kind": "medical"}', 400),
        (b'{"kind": "medical", "id_number": 1, "name": []}', 400),
        (b" " * 5000, 413),
    ],
)
def test_bad_questions_are_refused(port, body, status):
    assert post(port, body).status == status


def test_a_body_without_a_length_is_refused(port):
    with socket.create_connection(("127.0.0.1", port), timeout=HANG_TIMEOUT) as connection:
        head = f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode())
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 411 ")
    assert json.loads(answer.rpartition(b"\r\n\r\n")[2]) == {"error": 411}


def test_nothing_is_served_to_a_browser(port):
    assert urllib3.request("GET", f"http://127.0.0.1:{port}/", retries=False).status == 501
