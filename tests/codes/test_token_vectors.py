"""Every published vector gives what it wants; the checker finds what differs and says what is wrong with a file."""

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.codes import token
from qe_ban.codes.token import vector_file, vectors

DOCUMENT = json.loads((Path(__file__).parents[1] / "vectors" / "codes" / "qe1.json").read_text())
FILE = vector_file.read(DOCUMENT)


@pytest.mark.parametrize("vector", FILE.vectors, ids=lambda vector: vector.name)
def test_gives_what_the_vector_wants(vector):
    assert vectors.disagreement(vector, FILE.keys, FILE.policy) is None


def test_the_file_holds_every_reason_and_every_profile():
    assert {vector.want for vector in FILE.vectors} == {reason.value for reason in token.Reason} | {"ok", "same"}
    assert {vector.profile for vector in FILE.vectors} == {None, "issued", "printed", "presented"}


def test_a_correct_file_has_no_disagreements():
    assert token.check_vectors(DOCUMENT) == []


def alter(path, value):
    document = copy.deepcopy(DOCUMENT)
    *parents, last = path
    target = document
    for step in parents:
        target = target[step]
    target[last] = value
    return document


def first(want):
    return next(number for number, vector in enumerate(DOCUMENT["vectors"]) if vector["want"] == want)


@pytest.mark.parametrize(
    ("want", "member", "value", "line"),
    [
        ("ok", "want", "expired", "want expired, got ok"),
        ("ok", "kind", "dining", "want dining issued, got identity issued"),
        ("ok", "profile", "printed", "want identity printed, got identity issued"),
        ("forged", "want", "malformed", "want malformed, got forged"),
        ("same", "twin", "QE1:", "want same, got malformed for the twin"),
        ("same", "twin", DOCUMENT["vectors"][0]["code"], "want same, got another identity for the twin"),
    ],
)
def test_each_disagreement_is_one_line(want, member, value, line):
    number = first(want)
    name = DOCUMENT["vectors"][number]["name"]
    assert token.check_vectors(alter(("vectors", number, member), value)) == [f"{name}: {line}"]


def test_a_name_cannot_break_the_line_or_the_terminal():
    document = alter(("vectors", 0, "name"), "红\n\x1b[2J\u202e码" + "x" * 200)
    document["vectors"][0]["want"] = "expired"
    (line,) = token.check_vectors(document)
    assert line.startswith("红??[2J?码x")
    assert line.isprintable()
    assert len(line) < 120


def test_of_a_long_name_eighty_characters_are_shown():
    assert vector_file.line("x" * 80) == "x" * 80
    assert vector_file.line("x" * 81) == "x" * 80


@pytest.mark.parametrize("path", [("skew",), ("presented_window",), ("keys", 0, "nbf"), ("vectors", 0, "at")], ids=str)
def test_whole_numbers_begin_at_0(path):
    vector_file.read(alter(path, 0))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, "file: not an object"),
        ([], "file: not an object"),
        (alter(("format",), "QE2"), "file: format is not QE1"),
        (alter(("keys",), []), "file: no keys or no vectors"),
        (alter(("keys",), {}), "keys: not an array"),
        (alter(("vectors",), []), "file: no keys or no vectors"),
        (alter(("skew",), -1), "skew: not a whole number from 0 on"),
        (alter(("presented_window",), True), "presented_window: not a whole number from 0 on"),
        (alter(("denied_kids", 0), 5), "denied_kids[0]: not a string"),
        (alter(("keys", 0), 5), "keys[0]: not an object"),
        (alter(("keys", 0, "crv"), "P-384"), "keys[0]: not an EC key on P-256"),
        (alter(("keys", 0, "kid"), "E95E53C2"), "keys[0].kid: not 4 bytes in lower-case hex"),
        (alter(("keys", 0, "kid"), "e95e53"), "keys[0].kid: not 4 bytes in lower-case hex"),
        (alter(("keys", 0, "kid"), "no hex"), "keys[0].kid: not 4 bytes in lower-case hex"),
        (alter(("keys", 1, "kid"), "e95e53c2"), "keys[1]: kid e95e53c2 occurs twice"),
        (alter(("keys", 0, "x"), "中文"), "keys[0].x: not 32 bytes in base64url"),
        (alter(("keys", 0, "x"), 5), "keys[0].x: not a string"),
        (alter(("keys", 0, "x"), " " + DOCUMENT["keys"][0]["x"]), "keys[0].x: not 32 bytes in base64url"),
        (alter(("keys", 0, "y"), "AAAA"), "keys[0].y: not 32 bytes in base64url"),
        (alter(("keys", 0, "y"), "A" * 43), "keys[0]: not a point of the curve"),
        (alter(("keys", 0, "nbf"), 1.5), "keys[0].nbf: not a whole number from 0 on"),
        (alter(("keys", 3, "profiles"), "printed"), "keys[3].profiles: not an array"),
        (alter(("keys", 3, "profiles", 0), 3), "keys[3].profiles[0]: not a string"),
        (alter(("vectors", 0), "x"), "vectors[0]: not an object"),
        (alter(("vectors", 0, "want"), "revoked"), "vectors[0].want: no word of steps 1 to 6: revoked"),
        (alter(("vectors", 0, "want"), None), "vectors[0].want: not a string"),
        (alter(("vectors", 0, "name"), None), "vectors[0].name: not a string"),
        (alter(("vectors", 0, "code"), None), "vectors[0].code: not a string"),
        (alter(("vectors", 0, "kind"), None), "vectors[0].kind: not a string"),
        (alter(("vectors", 0, "profile"), None), "vectors[0].profile: not a string"),
        (alter(("vectors", 0, "at"), "now"), "vectors[0].at: not a whole number from 0 on"),
        (alter(("vectors", 0, "kind"), "pet"), "vectors[0]: an unknown kind or profile"),
        (alter(("vectors", 0, "profile"), "pass"), "vectors[0]: an unknown kind or profile"),
        (alter(("vectors", first("same"), "twin"), None), f"vectors[{first('same')}].twin: not a string"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_invalid_file_is_named_in_one_line(document, message):
    with pytest.raises(token.VectorsInvalid) as error:
        token.check_vectors(document)
    assert str(error.value) == message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = ["format", "skew", "presented_window", "denied_kids", "keys", "vectors"]
INNER = [("keys", 0, member) for member in DOCUMENT["keys"][3]] + [
    ("vectors", 0, member) for member in ("name", "code", "at", "want", "kind", "profile")
]


@given(path=st.sampled_from([(member,) for member in MEMBERS] + INNER), value=JSON)
def test_whatever_the_file_holds_nothing_but_vectors_invalid_is_raised(path, value):
    document = DOCUMENT | {"keys": [dict(key) for key in DOCUMENT["keys"]], "vectors": [dict(DOCUMENT["vectors"][0])]}
    target = document
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    try:
        lines = token.check_vectors(document)
    except token.VectorsInvalid as invalid:
        lines = [str(invalid)]
    assert all("\n" not in line for line in lines)
