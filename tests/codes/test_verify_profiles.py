"""Presented and printed codes, scanned over HTTP: what the phone without a network and the paper get."""

import json
from dataclasses import replace
from datetime import timedelta
from importlib import resources


def test_presented_is_accepted_and_the_same_pass_waits_at_the_venue(town, scan):
    person, gate = town.resident(), town.terminal("gate-entry")
    number = person.numbers["identity"]
    cti = town.cti(number, "pass")
    verdict = scan(gate, town.presented(number, "identity", cti=cti), "gate-entry")
    assert (verdict["reason"], verdict["profile"]) == ("ok", "presented")
    later = town.presented(number, "identity", cti=cti, shown_at=town.now + timedelta(seconds=10))
    assert scan(gate, later, "gate-entry")["reason"] == "replayed"
    beside = town.terminal("gate-entry", venue=gate.venue)
    assert scan(beside, later, "gate-entry")["reason"] == "replayed"
    elsewhere = town.terminal("gate-entry")
    assert scan(elsewhere, later, "gate-entry")["reason"] == "ok"


def test_a_presented_code_of_yesterday_is_expired(town, scan):
    number = town.resident().numbers["identity"]
    code = town.presented(number, "identity", shown_at=town.now - timedelta(minutes=5))
    assert scan(town.terminal("gate-entry"), code, "gate-entry")["reason"] == "expired"


def test_paper_wants_the_document_and_five_wrong_ones_lock_it(town, scan):
    person, window = town.resident(), town.terminal("identity-check")
    paper = town.code(person.numbers["identity"], "identity", "printed", life=86400)
    assert scan(window, paper, "identity-check")["reason"] == "document_mismatch"
    right = scan(window, paper, "identity-check", document=person.id_number[-6:])
    assert (right["reason"], right["profile"], right["holder"]) == ("ok", "printed", {"masked_name": "测*甲"})
    for _ in range(5):
        wrong = scan(window, paper, "identity-check", document="00000X")
        assert (wrong["reason"], wrong["holder"]) == ("document_mismatch", {})
    refusal = scan(window, paper, "identity-check", document=person.id_number[-6:])
    assert refusal["reason"] == "document_mismatch"


def test_paper_needs_no_document_where_nothing_is_disclosed(town, scan):
    paper = town.code(town.resident().numbers["identity"], "identity", "printed", life=86400)
    assert scan(town.terminal("gate-entry"), paper, "gate-entry")["reason"] == "ok"


def test_the_letter_at_a_documents_end_may_be_small(town, scan):
    person = next(person for person in iter(town.resident, None) if person.id_number.endswith("X"))
    paper, desk = town.code(person.numbers["identity"], "identity", "printed"), town.terminal("identity-check")
    for document in (person.id_number[-6:], person.id_number[-6:].lower()):
        assert scan(desk, paper, "identity-check", document=document)["reason"] == "ok"


def test_a_code_that_is_spent_for_one_purpose_is_good_once_for_another(town, scan, issue, settings, make_app, tmp_path):
    data = json.loads((resources.files("qe_ban") / "data" / "qingdao.json").read_text("utf-8"))
    for row in data["purposes"]:
        row["single_use"] |= row["slug"] in ("gate-entry", "admission")
    path = tmp_path / "city.json"
    path.write_text(json.dumps(data), "utf-8")
    at, code = make_app(settings=replace(settings, city_file=path)).test_client(), issue(town.resident())
    gate, door = town.terminal("gate-entry"), town.terminal("admission")
    verdicts = [
        scan(one, code, purpose, at=at)["reason"] for one, purpose in ((gate, "gate-entry"), (door, "admission")) * 2
    ]
    assert verdicts == ["ok", "ok", "replayed", "replayed"]
