import re
import secrets
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.kernel import city_file
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Place, Principal, PrincipalKind
from qe_ban.venues import rules
from qe_ban.venues.errors import PurposesInvalid, VenueInvalid


@pytest.fixture(scope="module")
def city():
    return city_file.parse((resources.files("qe_ban") / "data" / "qingdao.json").read_text("utf-8"))


@given(st.integers(0, 2**80 - 1))
def test_a_code_is_four_groups_of_crockford_and_holds_all_its_bits(value):
    code = rules.enrolment_code(value)
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}", code)
    digits = code.replace("-", "")
    assert sum("0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(digit) << 5 * (15 - at) for at, digit in enumerate(digits)) == (
        value
    )


def test_a_code_is_compared_as_people_type_it():
    code = rules.enrolment_code(secrets.randbits(80))
    for text in (
        code.lower(),
        code.replace("-", ""),
        code.replace("-", " "),
        code.replace("0", "o").replace("1", "l"),
    ):
        assert rules.normal_code(text) == rules.normal_code(code)


def test_the_fixed_codes_of_the_sandbox_stay_apart():
    assert len({rules.normal_code(f"SANDBOX-{scene}-000{n}") for scene in ("GOV", "DIN", "COM") for n in (1, 2)}) == 6


def test_purposes_belong_to_the_scene(city):
    rules.check_purposes(city, "government", ["identity-check", "window-acceptance"])


@pytest.mark.parametrize(
    "purposes", [[], ["identity-check", "identity-check"], ["meal-redemption"], ["no-such"], ["identity-check", "x"]]
)
def test_other_purposes_are_refused(city, purposes):
    with pytest.raises(PurposesInvalid) as refused:
        rules.check_purposes(city, "government", purposes)
    assert set(refused.value.fields) == {"purposes"}


@pytest.mark.parametrize(
    ("district", "scene", "at_fault"),
    [("370205", "dining", {"district"}), ("370202", "x", {"scene"}), ("", "", {"district", "scene"})],
)
def test_a_venue_lies_in_a_district_and_a_scene_of_the_city(city, district, scene, at_fault):
    with pytest.raises(VenueInvalid) as refused:
        rules.check_place(city, district, scene)
    assert set(refused.value.fields) == at_fault


@pytest.mark.parametrize(
    ("place", "answers"),
    [(Place(), True), (Place("370202"), True), (Place("370212"), False), (Place(hall="city"), False)],
)
def test_staff_answer_for_their_own_district_or_for_the_city(place, answers):
    principal = Principal(PrincipalKind.STAFF, new_id(), frozenset(), new_id(), place=place)
    assert rules.answers_for(principal, "370202") is answers
