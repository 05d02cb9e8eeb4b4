import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypinyin import Style, pinyin

from qe_ban.items.queries import finding
from qe_ban.items.words import cutting, districts, lexemes, marks, pieces, slips, sounds, text
from qe_ban.items.words.vocabulary import CatalogueWord, Vocabulary, noise

ANY = st.text(st.characters(exclude_categories=()), max_size=60)


@given(ANY)
def test_normalising_twice_is_normalising_once(given):
    normal = text.normalise(given)
    assert text.normalise(normal) == normal
    assert not any(0xD800 <= ord(letter) < 0xE000 or letter in "\0\n\u202e\u200b" for letter in normal)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("ＥＴＣ　办理", "etc 办理"),
        ("社會保障卡", "社会保障卡"),
        ("  Ａ\t证\u200b  办\n理 ", "a 证 办 理"),
        ("①２Ⅲ", "12iii"),
        ("\u202e卡\ud800保", "卡保"),
    ],
)
def test_width_case_script_and_spaces_become_one(written, normal):
    assert text.normalise(written) == normal


@given(st.lists(ANY, min_size=1, max_size=3), st.lists(ANY, max_size=2))
def test_any_name_has_words_that_postgresql_can_take(names, others):
    made = lexemes.make(names, others)
    assert len(set(made.lexemes)) == len(made.lexemes)
    assert {term.term for term in made.terms} == set(made.lexemes)
    assert all(len(lexeme.encode()) < 2046 for lexeme in made.lexemes)
    assert all(len(head.encode()) < 2000 for head in made.heads)
    assert not any("\0" in written for written in (*made.lexemes, *made.heads))


@given(ANY)
def test_any_query_is_cut_without_a_remainder(query):
    normal = text.normalise(query)
    pieces.candidates(normal)
    cut = pieces.cut(normal, Vocabulary())
    kept = "".join(run[: pieces.LONGEST_RUN] for _, run in text.runs(normal))
    assert "".join(piece.text for piece in cut) == kept


@given(ANY)
def test_a_quoted_lexeme_is_only_text(lexeme):
    quoted = finding.quoted(lexeme)
    inside = quoted[1:-1].replace("''", "").replace("\\\\", "")
    assert quoted[0] == quoted[-1] == "'"
    assert "'" not in inside
    assert "\\" not in inside


def test_the_catalogue_s_own_words_stay_whole():
    assert cutting.cut("社会保障卡申领(a类)") == ["社会保障卡", "申领", "a", "类"]
    assert "补换领" in cutting.cut("社保卡补换领")
    assert all(cutting.cut(word) == [word] for word in ("灵活就业", "不动产登记", "港澳通行证", "养犬"))


def test_words_sound_as_in_their_words():
    assert sounds.spoken(["银行", "etc", "重庆"]) == [["yin", "hang"], ["e", "t", "c"], ["chong", "qing"]]
    assert sounds.heard("社报卡a1") == "shebaokaa1"


def test_the_table_of_syllables_is_pypinyin_s():
    for letter in "社保卡结婚证驾驶女旅行重长":
        said = pinyin(letter, style=Style.NORMAL)[0][0].replace("ü", "v")
        assert sounds.heard(letter) == said
    assert {"nv", "lv", "zhuang", "e"} <= sounds.syllables()


@pytest.mark.parametrize(
    ("one", "other", "slip"),
    [
        ("shebaoak", "shebaoka", 1),
        ("社保", "社保卡", 1),
        ("社呆卡", "社保卡", 1),
        ("abc", "abc", 0),
        ("abcd", "badc", 2),
        ("", "ab", 2),
    ],
)
def test_slips_are_counted(one, other, slip):
    assert slips.apart(one, other) == slips.apart(other, one) == slip


@given(st.text("abcd", min_size=4, max_size=9), st.data())
def test_whatever_is_one_slip_away_shares_a_gram(word, data):
    place = data.draw(st.integers(0, len(word) - 1))
    slip = data.draw(
        st.sampled_from(
            [
                word[:place] + word[place + 1 :],
                word[:place] + "x" + word[place:],
                word[:place] + "x" + word[place + 1 :],
                word[:place] + word[place : place + 2][::-1] + word[place + 2 :],
            ]
        )
    )
    assert slips.apart(word, slip) <= 1
    assert set(slips.of(word, 1)) & set(slips.of(slip, 1))


def test_districts_are_known_by_what_people_call_them():
    known = districts.spellings({"370212": "崂山区", "370211": "黄岛区(西海岸新区)", "370281": "胶州市"})
    assert {known[name] for name in ("崂山", "崂山区", "laoshan")} == {"370212"}
    assert {known[name] for name in ("黄岛", "西海岸", "西海岸新区")} == {"370211"}
    assert known["胶州"] == "370281"


def test_noise_is_left_out_unless_there_is_nothing_else():
    vocabulary = Vocabulary(total=100)
    vocabulary.add(CatalogueWord("身份证", 5, True, "shenfenzheng", "sfz"))
    assert {"怎么办理", "在哪里办", "需要什么材料"} <= noise()
    assert [piece.text for piece in pieces.cut("身份证怎么办理", vocabulary) if piece.wanted] == ["身份证"]
    assert [piece.wanted for piece in pieces.cut("怎么办", vocabulary)] == [True]


def test_letters_by_chance_are_no_initials():
    vocabulary = Vocabulary(total=100)
    for term, initials in (("商店", "sd"), ("规划", "gh"), ("社保卡", "sbk"), ("申领", "sl")):
        vocabulary.add(CatalogueWord(term, 5, True, "x" * 30, initials))
    assert {piece.kind for piece in pieces.cut("asdfgh", vocabulary)} == {pieces.Kind.UNKNOWN}
    assert [piece.text for piece in pieces.cut("sbksl", vocabulary)] == ["sbk", "sl"]


def test_parts_to_highlight_are_places_in_the_name_as_it_is_written():
    piece = pieces.Piece("保障卡", pieces.Kind.WORD, (("保障卡", 1.0),), 1.0)
    assert marks.highlights("社會保障卡（Ａ类）", [piece]) == [(2, 5)]
    assert marks.prefix_part("办理ETC（新）", "etcx") == (2, 7)
    assert marks.prefix_part("社会保障卡", "baoz") == (2, 4)
    assert marks.prefix_part("社会保障卡", "bzk") == (2, 5)
    assert marks.prefix_part("社会保障卡", "qqq") is None
