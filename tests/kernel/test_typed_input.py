"""What people type comes to one form: names as registers have them, numbers without what only groups them."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qe_ban.kernel.identifiers import IdType, normalise_holder_name
from qe_ban.kernel.typed_input import has_name_characters, normalise_hyphenated, normalise_name, normalise_number

REGISTER_NAME = "古丽米热·艾比布力"
DOTS = ".．•‧∙⋅・･·。｡●․﹒⸱⸳ㆍ᛫ᐧ꞉"[:-1] + "\u0387\u02d9\u2981\ua78f\U00010101"
SPACES = " \u00a0\u2002\u2009\u202f\u3000"


@pytest.mark.parametrize("dot", DOTS, ids=lambda dot: f"U+{ord(dot):04X}")
@pytest.mark.parametrize("around", ["{}", " {} ", "{}\u3000", "\u00a0{}"])
def test_every_dot_between_parts_of_a_name_is_the_registers(dot, around):
    assert normalise_name("古丽米热" + around.format(dot) + "艾比布力") == REGISTER_NAME


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("  测试甲\n", "测试甲"),
        ("张　三", "张三"),  # padded to three characters, as forms do
        ("\u202d测试甲\u202c", "测试甲"),
        ("古丽米热··艾比布力", REGISTER_NAME),
        ("古丽米热. ·艾比布力", REGISTER_NAME),
        ("约翰·F.肯尼迪", "约翰·F·肯尼迪"),
        ("ＪＯＳＥ　ＭＡＲＩＡ", "JOSE MARIA"),
        ("JOSE \u00a0 MARIA", "JOSE MARIA"),
        ("Smith\u2014Jones", "Smith-Jones"),
        ("古丽米热·\u00ad艾比布力", REGISTER_NAME),
        ("葛\U000e0100城\ufe0f", "葛城"),
        ("Jose\u0301", "José"),
        ("Ａ\u030angstro\u0308m", "Ångström"),
        ("O’Brien", "O'Brien"),
        *((f"O{mark}Brien", "O'Brien") for mark in "‘’ʼ＇´`′"),
        ("Jean\u2011Pierre", "Jean-Pierre"),
        ("Jean－Pierre", "Jean-Pierre"),
        ("次仁多吉", "次仁多吉"),
        ("孛儿只斤・铁木真", "孛儿只斤·铁木真"),
        ("བཀྲ་ཤིས", "བཀྲ་ཤིས"),
    ],
)
def test_a_name_is_brought_to_the_form_of_registers(text, normal):
    assert normalise_name(text) == normal


@pytest.mark.parametrize(
    "name",
    [
        "John F. Kennedy",  # the full stop may end an abbreviation
        "J.Smith",
        "Martin Luther King Jr.",
        "古丽米热-艾比布力",  # a hyphen may be one
        "Müller-Lüdenscheidt",
        "Dvořák",
        "测\u202e试甲",  # refused where it is read: it deceives the eye
        "测试甲·",
    ],
)
def test_what_could_mean_two_things_is_left_as_it_is(name):
    assert normalise_name(name) == name


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=60) | st.text(DOTS + SPACES + "-’'aA张ｚ\u0301\u202d", max_size=20))
@example("a.\u200b.b")
@example("\u00b4\u0301")
def test_a_normal_name_stays_as_it_is(text):
    normal = normalise_name(text)
    assert normalise_name(normal) == normal
    assert unicodedata.is_normalized("NFC", normal)


@given(st.text(max_size=60))
def test_a_holders_name_has_one_form(text):
    for id_type in IdType:
        normal = normalise_holder_name(id_type, text)
        assert normalise_holder_name(id_type, normal) == normal


def test_only_foreigners_documents_have_names_without_case():
    assert normalise_holder_name(IdType.PASSPORT, "ivan petrov") == "IVAN PETROV"
    assert normalise_holder_name(IdType.FOREIGN_PERMANENT_RESIDENT, "Ivan Petrov") == "IVAN PETROV"
    assert normalise_holder_name(IdType.HK_MACAO_PERMIT, "Chan Tai Man") == "Chan Tai Man"


@pytest.mark.parametrize("name", [REGISTER_NAME, "O'Brien", "J. R. (Bob)", "〇", "\ue863", "བཀྲ་ཤིས", "李𠮷"])
def test_names_are_taken(name):
    assert has_name_characters(normalise_name(name))


@pytest.mark.parametrize(
    "name",
    [
        *("", "·", "...", "张3", "张三！", "张三?", "a@b", "张\U0001f600", "张+三", "①", "A_B"),
        *("测\u200d试", "测\u2063试", "张，三", "张﹑三"),
    ],
)
def test_what_no_name_is_written_with_is_noticed(name):
    assert not has_name_characters(name)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("\u202d138 0000 0004\u202c", "13800000004"),
        ("138\u00a00000\u20110004", "13800000004"),
        ("１３８０００００００４", "13800000004"),
        ("138—0000–0004", "13800000004"),
        ("138\t0000\r\n0004", "13800000004"),
        ("123\u200b456\ufeff", "123456"),
        ("１２３　４５６", "123456"),
        ("（＋８６）138", "(+86)138"),
        ("③", "3"),
        ("1\ufe0f\u20e33\ufe0f\u20e3", "13"),  # as emoji
        ("ＡＢＣＤ－００１２", "ABCD0012"),
        ("x", "x"),
        ("٣", "٣"),  # not folded by NFKC: judged, and refused, by who reads it
    ],
)
def test_a_number_loses_what_only_groups_it(text, normal):
    assert normalise_number(text) == normal


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=60))
@example("A\u00a8")
@example("a \u0301\u200d\u0301")
def test_a_normal_number_stays_as_it_is(text):
    normal = normalise_number(text)
    assert normalise_number(normal) == normal
    assert not any(char.isspace() or unicodedata.category(char) in ("Cf", "Pd") for char in normal)
    with_hyphens = normalise_hyphenated(text)
    assert normalise_hyphenated(with_hyphens) == with_hyphens


@given(st.text("0123456789ABCDEFXabcx", min_size=1))
def test_what_was_a_number_before_is_the_same(text):
    assert normalise_number(text) == text


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("ＱＤ－２０２６－０００００１", "QD-2026-000001"),
        ("QD—2026 — 000001", "QD-2026-000001"),
        ("QD——2026\u2011000001\u200b", "QD-2026-000001"),
        ("0532－1234 5678", "0532-12345678"),
    ],
)
def test_hyphens_that_are_part_of_a_number_stay(text, normal):
    assert normalise_hyphenated(text) == normal
