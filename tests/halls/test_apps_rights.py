"""Who keeps which apps, and who wins when several do at once."""

import pytest

from tests.factories.accounts import together
from tests.factories.registers import APPS, NEW, app_content, audit_trail, refused, slug, stamp
from tests.factories.venues import LAOSHAN, SHINAN

CALLERS = [
    ({}, True, True, True, True),
    ({"district": SHINAN}, True, False, False, False),
    ({"hall": "shinan"}, True, False, False, False),
    ({"hall": "city"}, False, False, False, False),
    ({"hall": "no-such"}, False, False, False, False),
    ({"district": LAOSHAN}, False, True, False, False),
    ({"zone": "karos"}, False, False, False, False),
    ({"department": "11370200MB28487386"}, False, False, False, False),
]
OFFERED = ([SHINAN], [LAOSHAN], [SHINAN, LAOSHAN], [])


@pytest.mark.parametrize(("place", *[f"may{at}" for at in range(4)]), CALLERS, ids=str)
def test_staff_keep_the_apps_of_just_their_own_district(client, staff, put_app, place, may0, may1, may2, may3):
    editor = staff("editor", **place)
    for may, districts in zip((may0, may1, may2, may3), OFFERED, strict=True):
        body = app_content(districts=districts)
        answer = client.put(f"{APPS}/{slug()}", json=body, headers=editor | NEW)
        name, known = put_app(districts=districts)
        change = client.put(
            f"{APPS}/{name}", json=body | {"summary": "新"}, headers=editor | {"If-Match": known["If-Match"]}
        )
        if may:
            assert (answer.status_code, change.status_code) == (201, 200)
        else:
            refused(answer, 403, "halls.other_place")
            refused(change, 403, "halls.other_place")
            assert client.get(f"{APPS}/{name}").json["summary"] is None


def test_nobody_gives_an_app_away_or_takes_another_s(client, staff, put_app):
    editor = staff("district_admin", district=SHINAN)
    mine, known = put_app(districts=[SHINAN])
    tag = {"If-Match": known["If-Match"]}
    for districts in ([LAOSHAN], [SHINAN, LAOSHAN], []):
        answer = client.put(f"{APPS}/{mine}", json=app_content(districts=districts), headers=editor | tag)
        refused(answer, 403, "halls.other_place")
        other, known = put_app(districts=districts)
        taken = client.put(
            f"{APPS}/{other}", json=app_content(districts=[SHINAN]), headers=editor | {"If-Match": known["If-Match"]}
        )
        refused(taken, 403, "halls.other_place")


@pytest.mark.parametrize(
    "role", ["city_admin", "district_admin", "editor", "reviewer", "system_admin", "security_admin", "auditor"]
)
def test_which_roles_enter(client, staff, role):
    place = {"district": SHINAN} if role in ("district_admin", "editor", "reviewer") else {}
    answer = client.put(f"{APPS}/{slug()}", json=app_content(districts=[SHINAN]), headers=staff(role, **place) | NEW)
    if role in ("city_admin", "district_admin", "editor"):
        assert answer.status_code == 201
    else:
        refused(answer, 403, "forbidden")


def test_of_many_who_write_at_once_one_wins(app, admin, put_app, database):
    name, fresh = slug(), stamp(database)

    def make(number):
        body = app_content(summary=str(number))
        return app.test_client().put(f"{APPS}/{name}", json=body, headers=admin | NEW).status_code

    assert sorted(together(4, make)) == [201, 412, 412, 412]
    known, headers = put_app()

    def change(number):
        body = app_content(summary=str(number))
        return app.test_client().put(f"{APPS}/{known}", json=body, headers=headers).status_code

    assert sorted(together(4, change)) == [200, 412, 412, 412]
    assert len(audit_trail(database, name)) == 1
    assert len(audit_trail(database, known)) == 2
    assert stamp(database) >= fresh + 3
