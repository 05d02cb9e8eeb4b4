"""What the routes of acting for others refuse: wrong types, too long, missing, unknown, and ids that are none."""

import pytest

from qe_ban.kernel.ids import new_id
from tests.factories.accounts import API, PersonFactory
from tests.factories.wards import CASE, wish

WARDS, GUARDIANS, WINDOW = f"{API}/me/wards", f"{API}/me/guardians", f"{API}/guardianships"


@pytest.fixture
def guardian(come, parent):
    return come(parent)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": ...}, "name"),
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": "甲" * 61}, "name"),
        ({"name": 1}, "name"),
        ({"name": None}, "name"),
        ({"id_number": ...}, "id_number"),
        ({"id_number": "370202199003070012"}, "id_number"),
        ({"id_number": "1" * 33}, "id_number"),
        ({"id_number": 370202199003070011}, "id_number"),
        ({"id_type": "library_card"}, "id_type"),
        ({"id_type": "passport", "id_number": "E1"}, "id_number"),
        ({"relation": ...}, "relation"),
        ({"relation": "friend"}, "relation"),
        ({"relation": ["child"]}, "relation"),
        ({"basis": ...}, "basis"),
        ({"basis": "habit"}, "basis"),
        ({"basis": "custody"}, "basis"),
        ({"until": "2030-01-01"}, "until"),
        ({"until": "2020-01-01T00:00:00Z"}, "until"),
        ({"until": 1893456000}, "until"),
        ({"until": {}}, "until"),
        (
            {"basis": "custody", "id_type": "passport", "id_number": "E12345678", "until": "9999-12-31T00:00:00Z"},
            "until",
        ),
        ({"for": "me"}, "for"),
    ],
)
def test_a_wish_that_cannot_be_is_422_and_names_the_field(client, guardian, changed, field):
    answer = client.post(WARDS, json=wish(PersonFactory(), **changed), headers=guardian)
    assert answer.status_code == 422, answer.get_json()
    assert field in answer.get_json()["errors"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("look-up", {"id_type": "resident_id", "id_number": "370202199003070011"}),
        ("look-up", {"id_type": "resident_id", "id_number": "1", "case_number": CASE}),
        ("look-up", {"id_number": "370202199003070011", "case_number": CASE}),
        ("{}/confirm", {"basis_seen": "户口簿"}),
        ("{}/confirm", {"case_number": CASE}),
        ("{}/confirm", {"basis_seen": "户" * 201, "case_number": CASE}),
        ("{}/confirm", {"basis_seen": ["户口簿"], "case_number": CASE}),
        ("{}/confirm", {"basis_seen": "户口簿", "case_number": "x"}),
        ("{}/confirm", {"basis_seen": "户口簿 138 0000 0001", "case_number": CASE}),
        ("{}/confirm", {"basis_seen": "户口簿", "case_number": "13800000001"}),
        ("{}/confirm", {"basis_seen": "户口簿", "case_number": "37020219900307001X"}),
        ("{}/confirm", {"basis_seen": "户口簿", "case_number": "E12345678"}),
        ("{}/confirm", {"basis_seen": "户口簿", "case_number": "QD-13800000001"}),
        ("{}/end", {"reason": "本人申请"}),
        ("{}/end", {"reason": "", "case_number": CASE}),
        ("{}/end", {"reason": "本人申请", "case_number": CASE, "force": True}),
    ],
)
def test_what_a_window_says_wrongly_is_422(client, clerk, path, said):
    assert client.post(f"{WINDOW}/{path.format(new_id())}", json=said, headers=clerk).status_code == 422


def test_ids_that_are_none_are_404(client, guardian, clerk):
    for method, path, headers in (
        ("delete", f"{WARDS}/1", guardian),
        ("delete", f"{GUARDIANS}/x", guardian),
        ("post", f"{GUARDIANS}/{'0' * 99}/confirm", guardian),
        ("delete", f"{WARDS}/{new_id()}", guardian),
        ("delete", f"{GUARDIANS}/{new_id()}", guardian),
        ("post", f"{GUARDIANS}/{new_id()}/confirm", guardian),
    ):
        assert client.open(path, method=method.upper(), headers=headers).status_code == 404
