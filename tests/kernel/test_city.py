"""The city's file is checked when it is read: a purpose that contradicts itself never serves."""

import json
from datetime import UTC, datetime, timedelta
from importlib import resources

import pytest

from qe_ban.kernel import city_file

TEXT = (resources.files("qe_ban") / "data" / "qingdao.json").read_text("utf-8")


def with_purpose(slug, **changes):
    data = json.loads(TEXT)
    next(purpose for purpose in data["purposes"] if purpose["slug"] == slug).update(changes)
    return json.dumps(data)


def test_qingdao_has_ten_districts_five_kinds_and_eighteen_purposes():
    city = city_file.parse(TEXT)
    assert (len(city.districts), len(city.kinds), len(city.scenes), len(city.purposes)) == (10, 5, 8, 18)
    assert city.purposes["admission"].again_after == 60
    assert city.purposes["gate-entry"].again_after == 300


def with_kinds(*kinds):
    data = json.loads(TEXT)
    data["kinds"] = [{"id": number, "slug": slug, "name": slug, "colour": None} for number, slug in kinds]
    data["purposes"] = [row for row in data["purposes"] if set(row["kinds"]) <= {slug for _, slug in kinds}]
    return json.dumps(data)


def test_a_city_may_have_fewer_kinds():
    city = city_file.parse(with_kinds((1, "identity"), (5, "dining")))
    assert set(city.kinds) == {"identity", "dining"}


@pytest.mark.parametrize("kind", [(6, "library"), (2, "dining"), (6, "dining"), (5, "Dining"), ("5", "dining")])
def test_a_kind_that_needs_code_is_refused_with_the_kinds_that_there_are(kind):
    with pytest.raises(city_file.CityInvalid, match=r"needs code.* 1 identity.* 5 dining"):
        city_file.parse(with_kinds((1, "identity"), kind))


def test_halls_are_the_city_s_and_one_for_each_district():
    city = city_file.parse(TEXT)
    assert (city.hall("city"), city.hall("shinan"), city.hall("laixi")) == (None, "370202", "370285")
    assert set(city.halls.values()) == {None, *city.districts}
    for wrong in ("", "370202", "Shinan", "nowhere"):
        with pytest.raises(KeyError):
            city.hall(wrong)


@pytest.mark.parametrize("slug", ["city", "shinan"])
def test_two_halls_of_one_slug_are_refused(slug):
    data = json.loads(TEXT)
    data["districts"][3]["slug"] = slug
    with pytest.raises(city_file.CityInvalid, match="slug"):
        city_file.parse(json.dumps(data))


def test_together_is_mutual():
    city = city_file.parse(TEXT)
    assert city.purposes["window-acceptance"].together == {"identity-check"}
    assert city.purposes["identity-check"].together == {"window-acceptance"}


@pytest.mark.parametrize(
    "changes",
    [
        {"scene": "nowhere"},
        {"kinds": ["nonsense"]},
        {"fields": ["shoe_size"]},
        {"together": ["nonsense"]},
        {"consumes": "everything"},
        {"basis": "curiosity"},
        {"basis": "none", "fields": ["id_number"]},
        {"kinds": None},
    ],
    ids=str,
)
def test_a_purpose_that_makes_no_sense_is_refused(changes):
    with pytest.raises(city_file.CityInvalid):
        city_file.parse(with_purpose("window-acceptance", **changes))


@pytest.mark.parametrize(
    ("slug", "changes", "message"),
    [
        ("community-entry", {"kinds": ["identity", "health"]}, "does not disclose health_level"),
        ("gate-entry", {"kinds": ["health"]}, "does not disclose health_level"),
        ("meal-redemption", {"kinds": ["dining", "health"]}, "does not disclose health_level"),
        ("health-check", {"fields": ["masked_name"]}, "does not disclose health_level"),
        ("health-check", {"fields": []}, "does not disclose health_level"),
        ("health-check", {"kinds": ["identity", "health"]}, "codes that have none"),
        ("identity-check", {"fields": ["health_level"]}, "codes that have none"),
        ("campus-health-check", {"offline": True}, "offline"),
        ("health-check", {"basis": "none"}, "without a basis"),
    ],
    ids=str,
)
def test_a_purpose_under_which_a_health_code_could_pass_without_its_level_is_refused(slug, changes, message):
    with pytest.raises(city_file.CityInvalid, match=message) as refused:
        city_file.parse(with_purpose(slug, **changes))
    assert slug in str(refused.value)
    assert "\n" not in str(refused.value)


def test_levels_are_changed_on_the_bases_of_the_file_and_without_bases_by_nobody():
    data = json.loads(TEXT)
    health = city_file.parse(TEXT).health
    assert health.bases["isolation"].levels == {"red"}
    assert (health.max_days, health.max_residents, health.correction_days) == (14, 200, 3)
    del data["health"]
    assert city_file.parse(json.dumps(data)).health.bases == {}


@pytest.mark.parametrize(
    "health",
    [
        [],
        {"bases": [{"code": "x"}]},
        {"bases": [{"code": "x", "name": "x", "levels": []}]},
        {"bases": [{"code": "x", "name": "x", "levels": ["purple"]}]},
        {"bases": [{"code": "x", "name": "x", "levels": [0]}]},
        {"bases": [{"code": "X Y", "name": "x", "levels": ["red"]}]},
        {"max_days": 0},
        {"max_days": 91},
        {"max_residents": 100_000},
        {"correction_days": 0},
        {"correction_days": "soon"},
    ],
    ids=str,
)
def test_rules_of_levels_without_sense_are_refused(health):
    with pytest.raises(city_file.CityInvalid):
        city_file.parse(json.dumps(json.loads(TEXT) | {"health": health}))


def test_a_field_that_the_program_cannot_disclose_is_refused_even_where_the_file_lists_it():
    data = json.loads(TEXT)
    data["disclosable_fields"].append("shoe_size")
    data["purposes"][0]["fields"] = ["shoe_size"]
    with pytest.raises(city_file.CityInvalid, match="shoe_size"):
        city_file.parse(json.dumps(data))


@pytest.mark.parametrize(
    "bounds",
    [
        {"south": 37, "west": 119, "north": 35, "east": 121},
        {"south": 35, "west": 119, "north": 37},
        {"south": 35, "west": 119, "north": 370, "east": 121},
        {"south": "x", "west": 119, "north": 37, "east": 121},
        [35, 119, 37, 121],
    ],
    ids=str,
)
def test_a_box_that_is_none_is_refused(bounds):
    with pytest.raises(city_file.CityInvalid, match="cannot be read"):
        city_file.parse(json.dumps(json.loads(with_purpose("window-acceptance")) | {"bounds": bounds}))


@pytest.mark.parametrize("key", ["zone", "retired_district_codes", "Districts"])
def test_a_key_that_nothing_reads_is_refused_by_its_name(key):
    with pytest.raises(city_file.CityInvalid, match=f"unknown keys: {key}$"):
        city_file.parse(json.dumps(json.loads(TEXT) | {key: []}))


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"districts": 7}'])
def test_a_file_that_is_no_city_is_refused(text):
    with pytest.raises(city_file.CityInvalid, match="cannot be read"):
        city_file.parse(text)


@pytest.mark.parametrize(
    ("moment", "period"),
    [
        ("2026-05-05T03:00:00Z", "lunch"),
        ("2026-05-05T05:30:00Z", "lunch"),
        ("2026-05-05T05:30:01Z", None),
        ("2026-05-04T22:30:00Z", "breakfast"),
        ("2026-05-05T18:00:00Z", None),
    ],
)
def test_meals_are_by_the_citys_clock(moment, period):
    at = datetime.fromisoformat(moment)
    meal = city_file.parse(TEXT).meal_period(at)
    assert (meal.slug if meal else None) == period
    assert city_file.parse(TEXT, always_open=True).meal_period(at.astimezone(UTC)) is not None


def with_wait(hours):
    return json.dumps(json.loads(TEXT) | {"recovery_wait_hours": hours})


def test_how_long_a_recovery_case_waits_is_the_citys_to_say_and_a_day_where_it_says_nothing():
    silent = json.loads(TEXT)
    del silent["recovery_wait_hours"]
    assert (
        city_file.parse(json.dumps(silent)).recovery_wait == city_file.parse(TEXT).recovery_wait == timedelta(hours=24)
    )
    assert city_file.parse(with_wait(48)).recovery_wait == timedelta(hours=48)


@pytest.mark.parametrize("hours", [0, -1, 169, 1.5, "24", True, None, [24]])
def test_a_wait_that_is_none_or_for_ever_is_refused(hours):
    with pytest.raises(city_file.CityInvalid, match="recovery_wait_hours"):
        city_file.parse(with_wait(hours))
