"""Who sees and handles which demands: the firm its own, a zone's editors their zone's, the city's all."""

import pytest

from qe_ban.kernel.ids import new_id
from qe_ban.zones.models import Demand
from tests.zones.conftest import demand, short
from tests.zones.test_demands import events


def test_a_foreign_demand_is_not_there(zones):
    slug, other = zones.publish(), zones.publish()
    one, stranger, editor = zones.send_demand(slug), zones.resident(), zones.town.staff("editor", zone=other)
    for method, path, body in (
        ("GET", "", None), ("POST", "/withdraw", None), ("POST", "/reply", {"solved": True}),
    ):  # fmt: skip
        answer = zones.call(method, f"/me/demands/{one}{path}", stranger, body)
        assert (answer.status_code, answer.json["code"]) == (404, "zones.demand_not_found")
    assert zones.get("/me/demands", stranger).json["items"] == []
    # an editor of another zone: neither by that zone's address nor by one's own
    assert zones.get(f"/zones/{slug}/demands/{one}", editor.headers).json["code"] == "zones.other_zone"
    assert zones.get(f"/zones/{other}/demands/{one}", editor.headers).status_code == 404
    assert zones.take(other, one, "accept", editor).status_code == 404
    assert zones.take(slug, one, "accept", editor).status_code == 403
    assert [action for action, _ in events(zones, one)] == ["demands.send"]
    for wrong in ("x", str(new_id())[:-1], str(new_id())):
        assert zones.get(f"/me/demands/{wrong}", stranger).status_code == 404


PLACES = [
    (("city_admin",), {}, True), (("editor",), {}, True), (("editor",), {"zone": "own"}, True),
    (("editor",), {"zone": "other"}, False), (("editor",), {"hall": "shinan"}, False),
    (("editor",), {"district": "370202"}, False), (("editor",), {"department": "1" * 18}, False),
    (("reviewer",), {}, None), (("reviewer",), {"zone": "own"}, None),
    (("district_admin",), {"district": "370202"}, None),
    (("auditor",), {}, None), (("system_admin",), {}, None), (("security_admin",), {}, None),
]  # fmt: skip


@pytest.mark.parametrize(("roles", "place", "may"), PLACES, ids=short)
def test_only_the_zones_editors_and_the_citys_handle_its_demands(zones, roles, place, may):
    slug = getattr(zones, "slug_of_demand", None) or zones.publish()
    zones.slug_of_demand = slug
    one = zones.send_demand(slug)
    place = {name: slug if value == "own" else value for name, value in place.items()}
    who = zones.town.staff(*roles, **place)
    answers = [
        zones.get(f"/zones/{slug}/demands", who.headers),
        zones.get(f"/zones/{slug}/demands/counts", who.headers),
        zones.get(f"/zones/{slug}/demands/{one}", who.headers),
        zones.take(slug, one, "accept", who),
        zones.take(slug, one, "answer", who, {"text": "好"}),
        zones.take(slug, one, "close", who),
    ]
    codes = {answer.json.get("code") for answer in answers}
    if may:
        assert {answer.status_code for answer in answers} == {200}
    else:
        assert {answer.status_code for answer in answers} == {403}
        assert codes == {"forbidden" if may is None else "zones.other_zone"}
        with zones.database.transaction() as session:
            assert session.get_one(Demand, one).state == "received"


def test_residents_need_the_step_up_and_staff_have_no_demands_of_their_own(zones):
    slug, staff = zones.publish(), zones.town.staff()
    assert zones.send(slug, staff.headers).status_code == 403
    assert zones.call("POST", f"/zones/{slug}/demands", None, demand()).status_code == 401
    assert zones.get(f"/zones/{slug}/demands", zones.resident()).status_code == 403
