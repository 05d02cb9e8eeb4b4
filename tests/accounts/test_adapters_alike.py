"""One contract for the sandbox's outside systems and those over HTTP: what the one refuses, the other refuses too.

The fake systems answer as docs/outside-systems.md describes them, about the very people of the sandbox.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from qe_ban.accounts.adapters.face import HttpFace, Person, SandboxFace
from qe_ban.accounts.adapters.real_name import Claim, HttpRegister, SandboxRegister
from qe_ban.kernel.identifiers import IdType, normalise_holder_name

TOKEN, WORD = "t" * 32, "sandbox"
PARENT = {"name": "测试甲", "id_number": "370202199003070011", "phone": "13800000001"}
CHILD = {"name": "测试乙", "id_number": "370202201805300069", "phone": None, "custodians": [PARENT["id_number"]]}
FOREIGNER = {"name": "Jose Petrov", "id_number": "E12345678", "phone": "13800000003", "id_type": "passport"}
PEOPLE = [PARENT, CHILD, FOREIGNER]


def id_type(row):
    return IdType(row.get("id_type", "resident_id"))


def belongs_together(asked):
    """What a register knows: compared in the normal form, without regard to case for foreigners' documents."""
    return any(
        (asked["id_type"], asked["id_number"]) == (id_type(row).value, row["id_number"])
        and asked["name"] == normalise_holder_name(id_type(row), row["name"])
        and asked.get("phone") in (None, row["phone"])
        for row in PEOPLE
    )


def has_custody(asked):
    guardian = asked["guardian"]
    custodians = [one for row in PEOPLE if row["id_number"] == asked["id_number"] for one in row.get("custodians", ())]
    return belongs_together(guardian) and guardian["id_number"] in custodians


class System(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.headers["Authorization"] == f"Bearer {TOKEN}"
        match = belongs_together(asked) and ("guardian" not in asked or has_custody(asked))
        if "proof" in asked:
            match = match and asked["proof"] == WORD
        content = json.dumps({"match": match}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def url():
    server = ThreadingHTTPServer(("127.0.0.1", 0), System)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(params=["sandbox", "http"])
def kind(request):
    return request.param


@pytest.fixture
def register(kind, url):
    return SandboxRegister(PEOPLE) if kind == "sandbox" else HttpRegister(url, TOKEN)


def claim(row, **changed):
    said = {
        "name": row["name"],
        "id_type": id_type(row),
        "id_number": row["id_number"],
        "phone": row["phone"],
    } | changed
    said["name"] = normalise_holder_name(said["id_type"], said["name"])
    return Claim(**said)


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        (claim(PARENT), True),
        (claim(PARENT, phone=None), True),
        (claim(PARENT, phone="13800000002"), False),
        (claim(PARENT, name="测试乙"), False),
        (claim(PARENT, id_number="370202201805300069"), False),
        (claim(PARENT, id_type=IdType.PASSPORT), False),
        (claim(CHILD), True),
        (claim(CHILD, phone="13800000001"), False),
        (claim(FOREIGNER), True),
        (claim(FOREIGNER, name="ＪＯＳＥ　petrov"), True),
        (claim(FOREIGNER, name="Josef Petrov"), False),
    ],
    ids=repr,
)
def test_a_register_confirms_what_belongs_together(register, asked, match):
    assert register.confirms(asked) is match


@pytest.mark.parametrize(
    ("guardian", "ward", "custody"),
    [
        (claim(PARENT), claim(CHILD), True),
        (claim(PARENT, name="测试丙"), claim(CHILD), False),
        (claim(PARENT, phone="13800000002"), claim(CHILD), False),
        (claim(PARENT, id_type=IdType.PASSPORT), claim(CHILD), False),
        (claim(FOREIGNER), claim(CHILD), False),
        (claim(PARENT), claim(CHILD, name="测试丙"), False),
        (claim(CHILD), claim(PARENT), False),
    ],
    ids=repr,
)
def test_a_register_knows_custody_of_those_whom_it_knows(register, guardian, ward, custody):
    assert register.has_custody(guardian, ward) is custody


@pytest.mark.parametrize(("proof", "match"), [(WORD, True), ("Sandbox", False), ("沙盒", False), ("x" * 4096, False)])
def test_a_face_check_is_asked_about_a_person(kind, url, proof, match):
    face = SandboxFace(WORD) if kind == "sandbox" else HttpFace(url, TOKEN)
    assert face.confirms(Person(PARENT["name"], "resident_id", PARENT["id_number"]), proof) is match
