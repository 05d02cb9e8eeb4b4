from datetime import UTC, datetime

import pytest

from qe_ban.kernel.principal import Place
from tests.factories.accounts import (
    API,
    PersonFactory,
    StaffFactory,
    bearer,
    random_phone,
    sign_in,
    sign_in_named,
    sign_in_staff,
    step_up,
)

ME, NAME, CONSENTS = f"{API}/me", f"{API}/me/real-name", f"{API}/me/consents"
LOOK_UP = f"{API}/residents/look-up"


@pytest.fixture
def visitor(client):
    return bearer(sign_in(client, random_phone())["access_token"])


@pytest.fixture
def resident(client, person):
    return bearer(step_up(client, sign_in_named(client, person)["access_token"]))


def staff_headers(client, database, rings, **fields):
    now = datetime.now(UTC)
    staff = StaffFactory(**fields)
    staff.create(database, rings, now)
    return bearer(sign_in_staff(client, staff, now))


@pytest.fixture(scope="module")
def city_staff(app, database, rings):
    return staff_headers(app.test_client(), database, rings)


def test_a_resident_sees_their_account_masked_and_by_etag(client):
    phone = random_phone()
    headers = bearer(sign_in(client, phone)["access_token"])
    answer = client.get(ME, headers=headers)
    me = answer.get_json()
    assert set(me) == {"kind", "id", "scopes", "phone", "name", "assurance"}
    assert (me["kind"], me["phone"], me["name"]) == ("resident", f"{phone[:3]}****{phone[7:]}", None)
    assert client.get(ME, headers=headers | {"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_a_real_name_is_confirmed_once_and_repeated_harmlessly(client, person):
    headers = bearer(sign_in(client, person.phone)["access_token"])
    for _ in range(2):
        answer = client.put(NAME, json=person.body(), headers=headers)
        assert (answer.status_code, answer.get_json()) == (200, {"assurance": "verified"})
    me = client.get(ME, headers=headers).get_json()
    assert (me["assurance"], me["name"]) == ("verified", f"{person.name[0]}*{person.name[2]}")
    other = client.put(NAME, json=PersonFactory().body(), headers=headers)
    assert (other.status_code, other.get_json()["code"]) == (409, "accounts.real_name_fixed")


def test_a_second_claim_of_a_number_is_409_and_opens_a_case(client, register, person, city_staff):
    client.put(NAME, json=person.body(), headers=bearer(sign_in(client, person.phone)["access_token"]))
    claimant = random_phone()
    register.people.add((person.name, person.id_number, claimant))
    headers = bearer(sign_in(client, claimant)["access_token"])
    answer = client.put(NAME, json=person.body(), headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "accounts.recovery_opened")
    body = {"id_type": "resident_id", "id_number": person.id_number, "case_number": "QD-2026-000002"}
    (case,) = client.post(LOOK_UP, json=body, headers=city_staff).get_json()["recovery_cases"]
    assert (case["state"], case["part"]) == ("open", "holder")


def test_the_sixth_wrong_name_of_a_day_is_429(client, visitor):
    for _ in range(5):
        answer = client.put(NAME, json=PersonFactory().body(), headers=visitor)
        assert (answer.status_code, answer.get_json()["code"]) == (422, "accounts.real_name_unconfirmed")
    answer = client.put(NAME, json=PersonFactory().body(), headers=visitor)
    assert answer.status_code == 429
    assert 86_000 < int(answer.headers["Retry-After"]) <= 86_400


@pytest.mark.parametrize(
    "changed",
    [
        {"id_number": "370202199002300011"},
        {"id_number": "37020219900307001"},
        {"id_number": "370202199003070012"},
        {"id_number": "370202209003070011"},
        {"id_number": "３７０２０２１９９００３０７００１２"},
        {"name": "测试3"},
        {"id_type": "library_card"},
        {"id_type": ["resident_id"]},
        {"name": ""},
        {"name": "测\u202e试"},
        {"name": "测" * 61},
        {"name": None},
        {"extra": 1},
    ],
)
def test_names_and_numbers_that_cannot_be_are_422_and_cost_no_try(client, person, changed):
    headers = bearer(sign_in(client, person.phone)["access_token"])
    for _ in range(6):
        answer = client.put(NAME, json=person.body() | changed, headers=headers)
        assert answer.status_code == 422
        assert set(answer.get_json()["errors"]) == set(changed)
    assert client.put(NAME, json=person.body(), headers=headers).status_code == 200


def test_consents_are_listed_and_granted_after_the_step_up_only(client, visitor, resident):
    assert client.get(CONSENTS, headers=visitor).status_code == 403
    assert client.put(f"{CONSENTS}/social-enquiry", headers=visitor).status_code == 403
    assert client.get(CONSENTS, headers=resident).get_json() == {"items": [], "next": None}
    given = client.put(f"{CONSENTS}/social-enquiry", headers=resident)
    assert given.status_code == 200
    assert (given.get_json()["state"], given.get_json()["name"]) == ("granted", "社保查询")
    assert client.get(CONSENTS, headers=resident).get_json()["items"] == [given.get_json()]


def test_consents_come_in_pages(client, resident):
    for purpose in ("social-enquiry", "senior-discount"):
        client.put(f"{CONSENTS}/{purpose}", headers=resident)
    first = client.get(f"{CONSENTS}?limit=1", headers=resident).get_json()
    second = client.get(f"{CONSENTS}?limit=1&cursor={first['next']}", headers=resident).get_json()
    assert [page["items"][0]["purpose"] for page in (first, second)] == ["senior-discount", "social-enquiry"]
    assert second["next"] is None
    assert client.get(f"{CONSENTS}?cursor=AAAA", headers=resident).status_code == 422


@pytest.mark.parametrize(
    ("purpose", "status", "code"),
    [
        ("no-such", 404, "accounts.purpose_not_found"),
        ("identity-check", 409, "accounts.consent_not_needed"),
        ("' OR 1=1 --", 404, "accounts.purpose_not_found"),
    ],
)
def test_what_needs_no_consent_is_not_granted(client, resident, purpose, status, code):
    answer = client.put(f"{CONSENTS}/{purpose}", headers=resident)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def test_consents_of_others_are_not_seen(client, resident, register):
    client.put(f"{CONSENTS}/social-enquiry", headers=resident)
    other = bearer(step_up(client, sign_in_named(client, register.add(PersonFactory()))["access_token"]))
    assert client.get(CONSENTS, headers=other).get_json()["items"] == []


def test_city_staff_look_up_masked_and_others_may_not(client, person, visitor, resident, city_staff, database, rings):
    client.put(NAME, json=person.body(), headers=bearer(sign_in(client, person.phone)["access_token"]))
    body = {"phone": person.phone, "case_number": "QD-2026-000001"}
    answer = client.post(LOOK_UP, json=body, headers=city_staff)
    said = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert answer.get_json()["assurance"] == "verified"
    for hidden in (person.phone, person.id_number, person.id_number[-6:], person.name):
        assert hidden not in said
    district = staff_headers(client, database, rings, roles=("district_admin",), place=Place(district="370202"))
    auditor = staff_headers(client, database, rings, roles=("auditor",))
    for headers in (visitor, resident, district, auditor):
        assert client.post(LOOK_UP, json=body, headers=headers).status_code == 403
    assert client.post(LOOK_UP, json=body).status_code == 401


def test_looking_up_nobody_is_404(client, city_staff):
    answer = client.post(LOOK_UP, json={"phone": random_phone(), "case_number": "QD-2026-000001"}, headers=city_staff)
    assert (answer.status_code, answer.get_json()["code"]) == (404, "accounts.resident_not_found")


def test_a_look_up_without_a_case_or_with_two_keys_is_422(client, city_staff):
    person, case = PersonFactory(), {"case_number": "QD-2026-000001"}
    number = {"id_type": "resident_id", "id_number": person.id_number}
    for body in (
        {"phone": person.phone},
        {"phone": person.phone, "case_number": "x"},
        {"phone": person.phone, "case_number": "因为我想"},
        case,
        case | number | {"phone": person.phone},
        case | {"id_number": person.id_number},
        case | {"phone": person.phone, "reason": "x"},
    ):
        assert client.post(LOOK_UP, json=body, headers=city_staff).status_code == 422


@pytest.mark.parametrize(("method", "path"), [("put", NAME), ("post", LOOK_UP), ("post", f"{API}/auth/step-up")])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"a":NaN}', b"[" * 3000, b'{"name":' + b"1" * 5000 + b"}"])
def test_hard_bodies_get_a_problem(client, resident, city_staff, method, path, body):
    headers = city_staff if path == LOOK_UP else resident
    answer = getattr(client, method)(path, data=body, headers=headers, content_type="application/json")
    assert answer.status_code in ((400, 422) if body else (400, 411))
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "typed", ["古丽{}·买买提", "古丽{}.买买提", "古丽{} ・ 买买提", "\u202d古丽{}•买买提\u202c", "古丽{}．买买提 "]
)
def test_a_name_is_confirmed_however_its_dot_is_typed(client, register, typed):
    serial = PersonFactory().name
    person = register.add(PersonFactory(name=f"古丽{serial}·买买提"))
    headers = bearer(sign_in(client, person.phone)["access_token"])
    for name in (typed.format(serial), person.name):
        answer = client.put(NAME, json=person.body() | {"name": name}, headers=headers)
        assert (answer.status_code, answer.get_json()) == (200, {"assurance": "verified"})


def test_numbers_are_taken_as_address_books_and_keyboards_give_them(client, person):
    typed = f"\u202d(+86) {person.phone[:3]}\u00a0{person.phone[3:]}\u202c"
    sent = client.post("/api/v1/auth/otp", json={"phone": typed}).get_json()
    otp = "".join(chr(ord(digit) + 0xFEE0) for digit in sent["otp"])
    form = {"grant_type": "otp", "phone": typed, "challenge": sent["challenge"], "otp": f"{otp[:3]}\u3000{otp[3:]}"}
    token = client.post("/api/v1/auth/token", data=form).get_json()["access_token"]
    number = person.id_number
    body = person.body() | {"id_number": f"{number[:6]} {number[6:14]}－{number[14:].lower()}"}
    assert client.put(NAME, json=body, headers=bearer(token)).status_code == 200
