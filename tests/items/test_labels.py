"""What words are called, and who answers for what."""

import pytest

from qe_ban.items.rules.content import changes
from qe_ban.items.rules.fields import ITEM, MATERIALS
from qe_ban.items.rules.labels import full, labels, told_change
from qe_ban.items.rules.rights import may_edit
from qe_ban.kernel.principal import Place
from tests.factories.items import LAOSHAN, SHINAN, content, department_code

DEPARTMENT = department_code()
NAMES = {DEPARTMENT: "人社局", SHINAN: "市南区", "work": "就业"}


def test_words_and_codes_are_called_by_their_names():
    said = content(DEPARTMENT, district=SHINAN, topics=["work", "gone"], audiences=["firm", "person"])
    made = labels(ITEM, said, NAMES)
    assert (made["department"], made["district"], made["topics"]) == ("人社局", "市南区", ["就业", "gone"])
    assert (made["audiences"], made["item_type"], made["level"]) == (["企业法人", "自然人"], "公共服务", None)
    assert "name" not in made
    assert labels(ITEM, content(DEPARTMENT), {})["district"] == "市本级"


def test_a_row_has_all_its_fields():
    assert full(MATERIALS.fields, {"name": "照片", "need": "later"}) == dict.fromkeys(
        field.name for field in MATERIALS.fields
    ) | {"name": "照片", "need": "later"}
    assert full(ITEM, {})["aliases"] == []


def test_differences_are_told_in_words():
    before = content(DEPARTMENT, district=SHINAN, aliases=["甲"], charged=True)
    after = content(DEPARTMENT, topics=["work"], aliases=["甲", "乙"], charged=False, level="city", visits=0)
    told = {
        row["field"]: (row["before"], row["after"]) for row in (told_change(c, NAMES) for c in changes(before, after))
    }
    assert told == {
        "aliases": ("甲", "甲、乙"),
        "district": ("市南区", "市本级"),
        "topics": (None, "就业"),
        "charged": ("是", "否"),
        "level": (None, "市级"),
        "visits": (None, "0"),
    }


def test_rows_are_told_by_their_headings():
    before = content(DEPARTMENT, materials=[{"name": "照片", "need": "later", "copies": 2}])
    after = content(DEPARTMENT, materials=[{"name": "照片", "need": "required"}])
    (one,) = [told_change(change, NAMES) for change in changes(before, after)]
    assert one["before"] == "材料必要性：容缺后补；份数：2"
    assert one["after"] == "材料必要性：必要；份数：无"


@pytest.mark.parametrize(
    ("place", "own", "shinan", "city"),
    [
        (Place(), True, True, True),
        (Place(district=SHINAN), True, True, False),
        (Place(district=LAOSHAN), False, False, False),
        (Place(department="D"), True, False, False),
        (Place(hall="city"), False, False, False),
        (Place(zone="karos"), False, False, False),
    ],
    ids=str,
)
def test_staff_answer_for_their_place(place, own, shinan, city):
    assert may_edit(place, department="D", district=SHINAN) is own
    assert may_edit(place, department="E", district=SHINAN) is shinan
    assert may_edit(place, department="E", district=None) is city
    assert may_edit(place, department="D", district=None) is (city or place.department == "D")
