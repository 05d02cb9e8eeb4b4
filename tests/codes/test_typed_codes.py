"""What a keyboard did to a code is undone at the edge where there is no doubt, and named where there is."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.codes import token
from qe_ban.codes.service import typed_codes
from qe_ban.codes.service.typed_codes import MOST, is_keyboard_fault, undo_keyboard
from qe_ban.codes.token.base45 import ALPHABET
from tests.factories.accounts import API

CODE = "QE1:RRQ+D9O60CO0RMTM $*%+-./:QA8CKN05FN0DMDV36WY0"
FULL_WIDTH = str.maketrans({char: chr(ord(char) + 0xFEE0) for char in ALPHABET if char != " "} | {" ": "\u3000"})
GERMAN = str.maketrans({"Z": "Y", "Y": "Z", ":": "Ö", "/": "-", "-": "ß", "*": "(", "+": "`"})
FRENCH = str.maketrans(
    dict(zip("1234567890", "&é\"'(-è_çà", strict=True)) | dict(zip("$%*-/.:MAQWZ", "458)!:M?QAZW", strict=True))
)
WITHOUT_SHIFT = str.maketrans({":": ";", "$": "4", "%": "5", "*": "8", "+": "="})
UNDONE = {
    "caps lock": CODE.swapcase(),
    "half a caps lock": CODE[:20] + CODE[20:].lower(),
    "a Chinese input method": CODE.replace(":", "：").replace("$", "￥").replace(".", "。").replace("/", "、"),
    "a Chinese input method's other signs": CODE.replace(":", "：").replace(".", "｡").replace("*", "×"),
    **{f"the dash U+{ord(dash):04X}": CODE.replace("-", dash) for dash in "\u2010\u2011\u2012\u2013\u2212"},
    "full width": CODE.translate(FULL_WIDTH),
    "full width and caps lock": CODE.swapcase().translate({ord(":"): "：", ord("$"): "¥"}),
    **{f"AIM prefix {prefix}": prefix + CODE for prefix in ("]Q1", "]Q3", "]C1", "]d2", "]z0", "]Q2\\000026", "］Q1")},
    "an AIM prefix through a Chinese input method": "】Q1" + CODE.replace(":", "："),
    "a soft hyphen within": CODE[:40] + "\u00ad" + CODE[40:],
    "a separator of lines after it": CODE + "\u2028",
    "an AIM prefix and caps lock": "]q1" + CODE.lower(),
    "an AIM prefix and a space": " ]Q1 " + CODE,
    "spaces": f"  {CODE}\u00a0\u3000",
    "lines": f"\r\n{CODE}\t\r\n",
    "STX and ETX": f"\x02{CODE}\x03",
    "GS and EOT": f"\x1d{CODE}\x1e\x04",
    "a BOM": "\ufeff" + CODE,
    "a BOM that was misread": "ï»¿" + CODE,
    "invisible marks": f"\u202d{CODE}\u202c\u200b",
    "a line that was broken": CODE[:30] + "\r\n" + CODE[30:],
}


@pytest.mark.parametrize("keyboard_text", UNDONE.values(), ids=UNDONE)
def test_what_can_only_be_one_code_is_undone(keyboard_text):
    assert undo_keyboard(keyboard_text) == CODE


@given(st.text(ALPHABET, min_size=1, max_size=690))
def test_a_code_as_it_should_be_stays_the_same_text(body):
    code = "QE1:" + body.rstrip(" ")
    assert undo_keyboard(code) is code


@given(st.text(max_size=80) | st.text(ALPHABET.lower() + "：￥\x1d]Q1\t", max_size=40))
def test_any_text_is_looked_at_without_a_fault(text):
    assert len(undo_keyboard(text)) <= len(text)
    assert is_keyboard_fault(text) in (True, False)


@pytest.mark.parametrize("text", ["", "]Q1", "https://example.org/?q=1", "测试"])
def test_what_is_no_code_does_not_become_one(text):
    assert not undo_keyboard(text).startswith("QE1:")


def test_what_is_too_long_for_a_code_is_left_alone():
    padding = " " * (MOST - len(CODE))
    assert undo_keyboard(CODE.lower() + padding) == CODE
    assert undo_keyboard(CODE.lower() + padding + " ") == CODE.lower() + padding + " "


def test_a_scanner_may_put_64_characters_around_the_longest_code():
    longest = "QE1:" + "A" * (token.MAX_CHARACTERS - 4)
    assert undo_keyboard(longest.lower() + " " * 64) == longest
    assert undo_keyboard(longest.lower() + " " * 65) == longest.lower() + " " * 65


@pytest.mark.parametrize(
    ("layout", "keyboard_text"),
    [
        (typed_codes._YZ_SWAP, ALPHABET.translate(str.maketrans("YZ", "ZY"))),
        (typed_codes._GERMAN, ALPHABET.translate(GERMAN)),
        (typed_codes._GERMAN, ALPHABET.replace(":", "ö").translate(GERMAN)),
        (typed_codes._FRENCH, ALPHABET.translate(FRENCH)),
    ],
)
def test_a_layout_is_known_by_every_character_of_a_code(layout, keyboard_text):
    assert keyboard_text.translate(layout) == ALPHABET


def test_a_tab_within_is_left_for_it_may_stand_for_a_space():
    assert undo_keyboard(CODE.replace(" ", "\t")) != CODE


def test_the_vectors_are_read_as_they_are(vectors):
    for text in vectors:
        assert undo_keyboard(text) is text or not text.startswith("QE1:") or _is_malformed(text)


def _is_malformed(text):
    try:
        token.parse(text)
    except token.Refused:
        return True
    return False


@pytest.fixture
def vectors():
    def texts(value):
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            for one in value.values() if isinstance(value, dict) else value:
                yield from texts(one)

    with Path("tests/vectors/codes/qe1.json").open(encoding="utf-8") as file:
        return list(texts(json.load(file)))


@pytest.fixture
def scan(client, town):
    person, terminal = town.resident(), town.terminal("identity-check")
    code = client.post(f"{API}/codes/identity/issue", headers=person.headers).get_json()["code"]

    def do(keyboard_text, scan_id=None):
        body = {"scan_id": str(scan_id or uuid4()), "code": keyboard_text(code), "purpose": "identity-check"}
        answer = client.post(f"{API}/codes/verify", json=body, headers=terminal.headers)
        assert answer.status_code == 200, answer.get_json()
        return answer.get_json()

    return do


@pytest.mark.parametrize(
    "keyboard_text",
    [
        str.swapcase,
        lambda code: code.translate(FULL_WIDTH),
        lambda code: f"]Q1{code}\r\n",
        lambda code: f" \ufeff\x02{code}\x03\x1d ",
        lambda code: code.replace(":", "：").replace("$", "￥"),
    ],
)
def test_a_code_through_a_keyboard_is_accepted(scan, keyboard_text):
    scan_id = uuid4()
    verdict = scan(keyboard_text, scan_id)
    assert (verdict["reason"], verdict["detail"]) == ("ok", {})
    assert scan(str, scan_id)["repeat"] is True, "the same scan, typed well"


@pytest.mark.parametrize(
    "keyboard_text",
    [
        lambda code: code.translate(GERMAN),
        lambda code: code.translate(GERMAN).lower(),
        lambda code: code.translate(str.maketrans("YZ", "ZY")),
        lambda code: code.translate(FRENCH),
        lambda code: code.lower().translate(WITHOUT_SHIFT),
    ],
)
def test_a_keyboard_of_another_layout_is_named_as_the_cause(scan, keyboard_text):
    verdict = scan(keyboard_text)
    assert (verdict["accepted"], verdict["reason"]) == (False, "malformed")
    assert "键盘" in verdict["detail"]["keyboard"]


@pytest.mark.parametrize("keyboard_text", [lambda code: code[:-9], lambda _: "https://example.org", lambda _: " "])
def test_what_is_malformed_for_another_reason_blames_no_keyboard(scan, keyboard_text):
    assert scan(keyboard_text)["detail"] == {}
