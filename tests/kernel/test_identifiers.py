"""Identity documents, phones and firms' codes: what is taken, what is refused, and what bystanders see of them."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qe_ban.kernel import identifiers
from qe_ban.kernel.identifiers import IdentifierInvalid, IdType, ResidentId

TODAY = date(2025, 6, 30)


def number(region: str, born: str, sequence: str = "001") -> str:
    body = region + born + sequence
    return body + identifiers.resident_id_check(body)


def refusal(text: str) -> str:
    with pytest.raises(IdentifierInvalid) as error:
        ResidentId.parse(text, today=TODAY)
    return error.value.code


births = st.dates(date(1900, 1, 1), TODAY)
numbers = st.builds(
    lambda region, born, sequence: number(f"{region:06}", f"{born:%Y%m%d}", f"{sequence:03}"),
    st.integers(110000, 839999),
    births,
    st.integers(1, 999),
)


# the two examples printed in GB 11643, and two more
@pytest.mark.parametrize(
    "text", ["11010519491231002X", "440524188001010014", "370202199003070011", "37021219781123003X"]
)
def test_known_numbers_are_accepted(text: str) -> None:
    assert ResidentId.parse(text, today=date(2005, 1, 1)).number == text


@pytest.mark.parametrize("region", ["370202", "370285", "370205", "810000", "820000", "830000", "379999"])
@pytest.mark.parametrize("born", ["19500901", "19700101", "19600229"])
def test_the_region_is_not_judged(region: str, born: str) -> None:
    resident_id = ResidentId.parse(number(region, born), today=TODAY)
    assert f"{resident_id.born:%Y%m%d}" == born


def test_a_small_x_becomes_a_large_one() -> None:
    assert ResidentId.parse("37021219781123003x", today=TODAY).number == "37021219781123003X"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "id_length"),
        ("370202900307001", "id_length"),
        ("3702021990030700110", "id_length"),
        (" 370202199003070011", "id_length"),
        ("370202 99003070011", "id_characters"),
        ("3702021990030700 1", "id_characters"),
        ("370202199003070011".translate({ord("0") + i: 0xFF10 + i for i in range(10)}), "id_characters"),
        ("37020219900307001\n", "id_characters"),
        ("37020219900307001\0", "id_characters"),
        ("3702021990030700X1", "id_characters"),
        ("٣70202199003070011", "id_characters"),
        (number("370202", "19900230"), "id_birth_date"),
        (number("370202", "19901301"), "id_birth_date"),
        (number("370202", "19900001"), "id_birth_date"),
        (number("370202", "19010229"), "id_birth_date"),
        (number("370202", "00000101"), "id_birth_date"),
        (number("370202", "10900101"), "id_birth_date"),
        (number("370202", "20990101"), "id_born_in_future"),
        (number("370202", "20250701"), "id_born_in_future"),
        ("370202199003070012", "id_check_digit"),
    ],
)
def test_impossible_numbers_are_refused(text: str, code: str) -> None:
    assert refusal(text) == code


def test_a_child_born_today_is_accepted() -> None:
    assert ResidentId.parse(number("370202", "20250630"), today=TODAY).age_on(TODAY) == 0


def test_errors_and_reprs_keep_the_number_to_themselves() -> None:
    with pytest.raises(IdentifierInvalid) as error:
        ResidentId.parse("370202199003070012", today=TODAY)
    assert "19900307" not in repr(error.value) + str(error.value)
    resident_id = ResidentId.parse("370202199003070011", today=TODAY)
    assert "1990" not in repr(resident_id)
    assert "0307" not in f"{resident_id}"


@settings(deadline=None)
@given(numbers)
def test_every_number_with_its_check_digit_is_accepted(text: str) -> None:
    resident_id = ResidentId.parse(text, today=TODAY)
    assert resident_id.number == text
    assert f"{resident_id.born:%Y%m%d}" == text[6:14]


@settings(deadline=None)
@given(numbers, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_one_wrong_character_is_always_refused(text: str, place: int, char: str) -> None:
    wrong = text[:place] + char + text[place + 1 :]
    if wrong != text:
        assert refusal(wrong)


@settings(deadline=None)
@given(numbers, st.integers(0, 16))
def test_two_neighbours_exchanged_are_always_refused(text: str, place: int) -> None:
    wrong = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    if wrong != text:
        assert refusal(wrong)


@settings(deadline=None)
@given(st.text())
def test_any_text_gives_a_number_or_a_refusal(text: str) -> None:
    for id_type in IdType:
        try:
            normal = identifiers.normalise(id_type, text, TODAY)
        except IdentifierInvalid:
            continue
        assert identifiers.normalise(id_type, normal, TODAY) == normal
        assert normal.isascii()


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        ("19900307", date(2025, 3, 6), 34),
        ("19900307", date(2025, 3, 7), 35),
        ("19650630", TODAY, 60),
        ("19650701", TODAY, 59),
        ("20040229", date(2022, 2, 28), 17),
        ("20040229", date(2022, 3, 1), 18),
    ],
)
def test_age_is_reached_on_the_birthday(born: str, day: date, age: int) -> None:
    assert ResidentId.parse(number("370202", born), today=TODAY).age_on(day) == age


@pytest.mark.parametrize(
    ("id_type", "text", "born"),
    [
        (IdType.RESIDENT_ID, number("370202", "19650630"), date(1965, 6, 30)),
        # residence permits of people from Hong Kong, Macao and Taiwan (GB 11643's layout)
        *(
            (IdType.RESIDENT_ID, number(region, "19650630"), date(1965, 6, 30))
            for region in ("810000", "820000", "830000")
        ),
        (IdType.FOREIGN_PERMANENT_RESIDENT, number("937840", "19400515"), date(1940, 5, 15)),
        (IdType.FOREIGN_PERMANENT_RESIDENT, "USA370082051502", None),
        (IdType.HK_MACAO_PERMIT, "H01234567", None),
        (IdType.TAIWAN_PERMIT, "01234567", None),
        (IdType.PASSPORT, "E12345678901234567"[:17], None),
    ],
)
def test_a_document_tells_a_birth_date_or_none(id_type: IdType, text: str, born: date | None) -> None:
    assert identifiers.birth_date(id_type, identifiers.normalise(id_type, text, TODAY)) == born


@settings(deadline=None)
@given(births, st.integers(0, 40_000))
def test_age_grows_by_at_most_one_a_day(born: date, days: int) -> None:
    person = ResidentId(number="", born=born)
    day = born + timedelta(days=days)
    assert person.age_on(day + timedelta(days=1)) - person.age_on(day) in (0, 1)


@pytest.mark.parametrize(
    ("id_type", "text", "normal"),
    [
        (IdType.RESIDENT_ID, " 37021219781123003x\n", "37021219781123003X"),
        (IdType.RESIDENT_ID, "３７０２１２　１９７８１１２３　００３ｘ", "37021219781123003X"),
        (IdType.RESIDENT_ID, "\u202d370212-19781123-003X\u202c", "37021219781123003X"),
        (IdType.RESIDENT_ID, "37021219781123003×", "37021219781123003X"),
        (IdType.RESIDENT_ID, "37021219781123003х", "37021219781123003X"),
        (IdType.HK_MACAO_PERMIT, "h01234567", "H01234567"),
        (IdType.HK_MACAO_PERMIT, "M0123456789", "M0123456789"),
        (IdType.TAIWAN_PERMIT, "01234567", "01234567"),
        (IdType.TAIWAN_PERMIT, "０1234567", "01234567"),
        (IdType.TAIWAN_PERMIT, "0123456789", "0123456789"),
        (IdType.PASSPORT, "e12345678", "E12345678"),
        (IdType.PASSPORT, "E1234-678", "E1234678"),
        (IdType.FOREIGN_PERMANENT_RESIDENT, "usa370082051502", "USA370082051502"),
        (IdType.FOREIGN_PERMANENT_RESIDENT, number("937840", "19820515"), number("937840", "19820515")),
    ],
)
def test_documents_have_one_stored_form(id_type: IdType, text: str, normal: str) -> None:
    assert identifiers.normalise(id_type, text, TODAY) == normal


@pytest.mark.parametrize(
    ("id_type", "text", "code"),
    [
        (IdType.RESIDENT_ID, "370202199003070012", "id_check_digit"),
        (IdType.HK_MACAO_PERMIT, "A01234567", "id_shape"),
        (IdType.HK_MACAO_PERMIT, "H012345678", "id_shape"),
        (IdType.TAIWAN_PERMIT, "012345678", "id_shape"),
        (IdType.TAIWAN_PERMIT, "٠1234567", "id_shape"),
        (IdType.PASSPORT, "E123", "id_shape"),
        (IdType.PASSPORT, "E1234567890123456X", "id_shape"),
        (IdType.PASSPORT, "E1234/678", "id_shape"),
        (IdType.PASSPORT, "é12345678", "id_shape"),
        (IdType.FOREIGN_PERMANENT_RESIDENT, "370202199003070011", "id_shape"),
        (IdType.FOREIGN_PERMANENT_RESIDENT, number("937840", "19820515")[:-1] + "?", "id_shape"),
        (IdType.FOREIGN_PERMANENT_RESIDENT, number("937840", "19821315"), "id_birth_date"),
        (IdType.FOREIGN_PERMANENT_RESIDENT, "937840198205150019", "id_check_digit"),
    ],
)
def test_documents_of_another_shape_are_refused(id_type: IdType, text: str, code: str) -> None:
    with pytest.raises(IdentifierInvalid) as error:
        identifiers.normalise(id_type, text, TODAY)
    assert error.value.code == code


@pytest.mark.parametrize(
    "text",
    [
        *("13800000001", "+8613800000001", "008613800000001", "+86 138-0000-0001", " 138 0000 0001 "),
        *("(+86)13800000001", "（＋８６）１３８　００００　０００１", "(0086) 138 0000 0001", "(86)13800000001"),
        *(
            "\u202d138 0000 0001\u202c",
            "\u202a+86\u202c 138\u00a00000\u00a00001",
            "１3800000001",
            "138\u20110000\u20110001",
        ),
        *("13800000001\n", "138\t00000001", "138.0000.0001"),
    ],
)
def test_a_phone_is_taken_as_people_type_it(text: str) -> None:
    assert identifiers.normalise_phone(text) == "13800000001"


@pytest.mark.parametrize(
    "text",
    [
        *("", "1380000000", "138000000011", "12800000001", "+85213800000001", "053285911111", "tel:13800000001"),
        *("+8613800000001" + " " * 51, "+(86)13800000001", "(+86 13800000001", "8613800000001", "١3800000001"),
    ],
)
def test_other_phones_are_refused(text: str) -> None:
    with pytest.raises(IdentifierInvalid) as error:
        identifiers.normalise_phone(text)
    assert error.value.code == "phone_shape"


@settings(deadline=None)
@given(st.from_regex(r"\A1[3-9][0-9]{9}\Z"), st.sampled_from(["", "+86", "0086"]), st.lists(st.integers(0, 13)))
def test_spaces_and_hyphens_in_a_phone_do_not_matter(phone: str, prefix: str, places: list[int]) -> None:
    text = prefix + phone
    for place in places[:10]:
        text = text[:place] + ("-" if place % 2 else " ") + text[place:]
    assert identifiers.normalise_phone(text) == phone


USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def uscc(body: str) -> str:
    total = sum(USCC_ALPHABET.index(char) * 3**place for place, char in enumerate(body))
    return body + USCC_ALPHABET[(31 - total % 31) % 31]


firms = st.builds(
    lambda head, region, tail: uscc(head + region + tail),
    st.text(USCC_ALPHABET, min_size=2, max_size=2),
    st.from_regex(r"\A[0-9]{6}\Z"),
    st.text(USCC_ALPHABET, min_size=9, max_size=9),
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("91110000600037341L", "91110000600037341L"),
        (" 91330106673959654p ", "91330106673959654P"),
        ("９１３３０１０６　６７３９５９６５４ｐ", "91330106673959654P"),
        ("91330106-673959654\u00adP", "91330106673959654P"),
    ],
)
def test_firms_codes_are_accepted_as_people_type_them(text: str, code: str) -> None:
    assert identifiers.normalise_uscc(text) == code


@settings(deadline=None)
@given(firms)
def test_every_firms_code_with_its_check_character_is_accepted(text: str) -> None:
    assert identifiers.normalise_uscc(text) == text


@settings(deadline=None)
@given(firms, st.integers(0, 17), st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
def test_one_wrong_character_of_a_firms_code_is_always_refused(text: str, place: int, char: str) -> None:
    wrong = text[:place] + char + text[place + 1 :]
    if wrong != text:
        with pytest.raises(IdentifierInvalid):
            identifiers.normalise_uscc(wrong)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("91110000600037341", "uscc_shape"),
        ("91110000600037341I", "uscc_shape"),
        ("9111O000600037341L", "uscc_shape"),
        ("91110000600037341M", "uscc_check_digit"),
    ],
)
def test_other_firms_codes_are_refused(text: str, code: str) -> None:
    with pytest.raises(IdentifierInvalid) as error:
        identifiers.normalise_uscc(text)
    assert error.value.code == code


@pytest.mark.parametrize(
    ("name", "mask"),
    [
        *(("", ""), ("张", "*"), ("张三", "张*"), ("测试甲", "测*甲"), (" 测试甲 ", "测*甲"), ("欧阳小明", "欧**明")),
        ("阿卜杜拉·买买提", "阿****提"),
        ("Alexandra Smith", "A****h"),
    ],
)
def test_masked_names(name: str, mask: str) -> None:
    assert identifiers.mask_name(name) == mask


def test_masked_phones_show_seven_digits() -> None:
    assert identifiers.mask_phone("13800000001") == "138****0001"
    assert identifiers.mask_phone("1380000") == "*******"


def test_masked_numbers_do_not_show_their_last_six_characters() -> None:
    assert identifiers.mask_id("37021219781123003X") == "3" + "*" * 16 + "X"
    assert identifiers.mask_id("H01234567") == "H*******7"
    assert identifiers.mask_id("A123") == "****"
