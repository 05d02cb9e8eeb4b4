"""The office that does an item for a district: its own, the city's, one that serves all, or people choose."""

import pytest

from qe_ban.publishing.rules.offices import choose_office, with_office

SHINAN, LAOSHAN, JIMO = "370202", "370212", "370215"


def office(district, reach="office", **said):
    return {
        "district": district,
        "code": f"code-{district}",
        "name": f"事项{district}",
        "department": "局",
        "online": False,
        "reach": reach,
        "link": None,
    } | said


def item(*offices):
    return {"entry": "370000000001", "name": "社保卡申领", "offices": list(offices)}


@pytest.mark.parametrize(
    ("offices", "district", "expected"),
    [
        ([office(None), office(SHINAN)], SHINAN, SHINAN),
        ([office(None), office(SHINAN)], LAOSHAN, None),
        ([office(None), office(SHINAN)], None, None),
        ([office(SHINAN), office(JIMO, "citywide")], LAOSHAN, JIMO),
        ([office(SHINAN), office(JIMO, "five_cities")], None, JIMO),
        ([office(SHINAN, "citywide"), office(JIMO)], JIMO, JIMO),
    ],
)
def test_the_districts_own_then_the_citys_then_one_that_serves_all(offices, district, expected):
    assert choose_office(offices, district)["district"] == expected


def test_where_only_other_districts_do_it_none_is_chosen():
    assert choose_office([office(SHINAN), office(JIMO)], LAOSHAN) is None
    assert choose_office([office(SHINAN), office(JIMO)], None) is None
    assert choose_office([], SHINAN) is None


def test_what_a_screen_tells_of_the_chosen_office():
    online = office(LAOSHAN, online=True, link="https://a.gov.cn/")
    assert with_office(item(office(None), online), LAOSHAN) == {
        "entry": "370000000001",
        "name": f"事项{LAOSHAN}",
        "code": f"code-{LAOSHAN}",
        "department": "局",
        "district": LAOSHAN,
        "online": True,
        "link": "https://a.gov.cn/",
        "districts": [LAOSHAN],
    }


def test_where_people_must_choose_the_districts_are_told():
    told = with_office(item(office(JIMO, online=True), office(SHINAN, online=True)), None)
    assert (told["code"], told["district"], told["link"], told["name"]) == (None, None, None, "社保卡申领")
    assert told["districts"] == [SHINAN, JIMO]
    assert told["online"]
    assert not with_office(item(office(JIMO, online=True), office(SHINAN)), None)["online"]
