"""Who keeps which places, and who wins when several do at once."""

import pytest

from tests.factories.accounts import together
from tests.factories.registers import NEW, PLACES, audit_trail, place_content, refused, slug
from tests.factories.venues import LAOSHAN, SHINAN


@pytest.mark.parametrize(
    ("place", "mine"),
    [
        ({}, (SHINAN, LAOSHAN, None)),
        ({"district": SHINAN}, (SHINAN,)),
        ({"hall": "laoshan"}, (LAOSHAN,)),
        ({"hall": "city"}, ()),
        ({"zone": "karos"}, ()),
        ({"department": "11370200MB28487386"}, ()),
    ],
    ids=str,
)
def test_staff_keep_the_places_of_just_their_own_district(client, staff, put_place, place, mine):
    editor = staff("editor", **place)
    for district in (SHINAN, LAOSHAN, None):
        body = place_content(district=district) | {"district": district}
        made = client.put(f"{PLACES}/{slug()}", json=body, headers=editor | NEW)
        name, known = put_place(district=district)
        headers = editor | {"If-Match": known["If-Match"]}
        if district in mine:
            assert made.status_code == 201
            for other in {SHINAN, LAOSHAN, None} - set(mine):
                given = client.put(f"{PLACES}/{name}", json=body | {"district": other}, headers=headers)
                refused(given, 403, "halls.other_place")
            assert client.put(f"{PLACES}/{name}", json=body | {"phone": "1"}, headers=headers).status_code == 200
            continue
        refused(made, 403, "halls.other_place")
        for own in mine or (SHINAN,):
            taken = client.put(f"{PLACES}/{name}", json=body | {"district": own}, headers=headers)
            refused(taken, 403, "halls.other_place")
        assert client.get(f"{PLACES}/{name}").json["district"] == district


@pytest.mark.parametrize(
    "role", ["city_admin", "district_admin", "editor", "reviewer", "system_admin", "security_admin", "auditor"]
)
def test_which_roles_enter(client, staff, role):
    place = {"district": SHINAN} if role in ("district_admin", "editor", "reviewer") else {}
    answer = client.put(f"{PLACES}/{slug()}", json=place_content(), headers=staff(role, **place) | NEW)
    if role in ("city_admin", "district_admin", "editor"):
        assert answer.status_code == 201
    else:
        refused(answer, 403, "forbidden")


def test_of_many_who_write_at_once_one_wins(app, admin, put_place, database):
    name, (known, headers) = slug(), put_place()

    def make(number):
        body = place_content(phone=str(number))
        return app.test_client().put(f"{PLACES}/{name}", json=body, headers=admin | NEW).status_code

    def change(number):
        body = place_content(phone=str(number))
        return app.test_client().put(f"{PLACES}/{known}", json=body, headers=headers).status_code

    assert sorted(together(4, make)) == [201, 412, 412, 412]
    assert sorted(together(4, change)) == [200, 412, 412, 412]
    assert (len(audit_trail(database, name)), len(audit_trail(database, known))) == (1, 2)
