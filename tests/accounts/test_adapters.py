"""The outside systems over real HTTP: what is sent, what is understood, and that all else is Unavailable."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from qe_ban.accounts import errors, service
from qe_ban.accounts.adapters import http as outside
from qe_ban.accounts.adapters.face import HttpFace, Person, SandboxFace
from qe_ban.accounts.adapters.real_name import Claim, HttpRegister, SandboxRegister
from qe_ban.accounts.adapters.sms import HttpSms, SandboxSms
from qe_ban.config import sandbox_data
from qe_ban.kernel.identifiers import IdType

TOKEN = "t" * 32
CLAIM = Claim("测试甲", IdType.RESIDENT_ID, "370202199003070011", "13800000001")
PERSON = Person("测试甲", "resident_id", "370202199003070011")


class Outside:
    """An outside system that answers as it is told and remembers what it was asked."""

    def __init__(self):
        self.status, self.content, self.wait, self.headers = 200, b'{"match": true}', 0.0, {}
        self.asked = []
        system = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                system.asked.append((self.headers["Authorization"], json.loads(body)))
                time.sleep(system.wait)
                self.send_response(system.status)
                for name, value in system.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(system.content)))
                self.end_headers()
                self.wfile.write(system.content)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def system():
    made = Outside()
    yield made
    made.close()


def test_the_register_is_asked_with_the_token_and_all_four_parts(system):
    assert HttpRegister(system.url, TOKEN).confirms(CLAIM) is True
    authorization, body = system.asked[0]
    assert authorization == f"Bearer {TOKEN}"
    assert body == {
        "name": "测试甲",
        "id_type": "resident_id",
        "id_number": "370202199003070011",
        "phone": "13800000001",
    }


def test_a_no_is_a_no(system):
    system.content = b'{"match": false}'
    assert HttpRegister(system.url, TOKEN).confirms(CLAIM) is False
    assert HttpFace(system.url, TOKEN).confirms(PERSON, "proof") is False


def test_the_face_check_is_asked_with_the_person_and_the_proof(system):
    assert HttpFace(system.url, TOKEN).confirms(PERSON, "proof") is True
    assert system.asked[0][1] == {
        "name": "测试甲",
        "id_type": "resident_id",
        "id_number": "370202199003070011",
        "proof": "proof",
    }


def test_a_message_is_handed_over(system):
    system.content = b"{}"
    HttpSms(system.url, TOKEN).send("13800000001", "otp", {"code": "123456", "minutes": "5"})
    assert system.asked[0][1] == {
        "phone": "13800000001",
        "template": "otp",
        "parameters": {"code": "123456", "minutes": "5"},
    }


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (500, b'{"match": true}'),
        (404, b'{"match": true}'),
        (302, b'{"match": true}'),
        (204, b""),
        (200, b""),
        (200, b"no json"),
        (200, b'["match"]'),
        (200, b"{}"),
        (200, b'{"match": "true"}'),
        (200, b'{"match": 1}'),
        (200, b"\xff"),
        (200, b"[" * 60_000),
        (200, b'{"match": true}' + b" " * outside.LARGEST),
    ],
)
def test_every_other_answer_is_unavailable_and_never_a_yes(system, status, content):
    system.status, system.content = status, content
    system.headers = {"Location": system.url} if status == 302 else {}
    with pytest.raises(errors.OutsideUnavailable):
        HttpRegister(system.url, TOKEN).confirms(CLAIM)
    assert len(system.asked) == 1


def test_nobody_there_is_unavailable():
    with pytest.raises(errors.OutsideUnavailable):
        HttpRegister("http://127.0.0.1:1/", TOKEN).confirms(CLAIM)


def test_no_answer_in_time_is_unavailable(system, monkeypatch):
    monkeypatch.setattr(outside, "TIMEOUT", 0.1)
    system.wait = 0.4
    with pytest.raises(errors.OutsideUnavailable):
        HttpRegister(system.url, TOKEN).confirms(CLAIM)


def test_the_sandboxs_register_knows_its_people_only():
    register = SandboxRegister(sandbox_data()["residents"])
    assert register.confirms(CLAIM)
    assert not register.confirms(Claim("测试甲", IdType.RESIDENT_ID, "370202199003070011", "13800000002"))
    assert not register.confirms(Claim("测试乙", IdType.RESIDENT_ID, "370202199003070011", "13800000001"))
    assert not register.confirms(Claim("测试甲", IdType.PASSPORT, "370202199003070011", "13800000001"))


def test_the_sandboxs_face_check_takes_one_word():
    face = SandboxFace("sandbox")
    assert face.method == "sandbox"
    assert face.confirms(PERSON, "sandbox")
    assert not face.confirms(PERSON, "Sandbox")
    assert not face.confirms(PERSON, "沙盒")


def test_messages_of_the_outbox_are_handed_to_the_gateway(system):
    system.content = b"{}"
    handlers = service.message_handlers(HttpSms(system.url, TOKEN))
    handlers["sms"]({"phone": "13800000001", "template": "otp", "code": "123456", "minutes": "5"})
    handlers["notice"]({"phone": "13800000001", "template": "recovery_opened"})
    assert [body["template"] for _, body in system.asked] == ["otp", "recovery_opened"]
    assert system.asked[1][1]["parameters"] == {}
    system.status = 503
    with pytest.raises(errors.OutsideUnavailable):
        handlers["sms"]({"phone": "13800000001", "template": "otp"})
    service.message_handlers(SandboxSms())["sms"]({"phone": "13800000001", "template": "otp"})
