"""What residents keep for themselves: their hall, followed halls, favourite and recent items, their home."""

import pytest

from qe_ban.accounts.rules import VISITOR
from qe_ban.halls.service import residents as service
from qe_ban.publishing.rules.states import PageKind
from tests.factories import items
from tests.factories.accounts import together
from tests.factories.pages import API, content, rich_text
from tests.factories.pages import town as town  # noqa: PLC0414  a fixture
from tests.halls.residents import Person
from tests.halls.residents import item as item  # noqa: PLC0414  fixtures
from tests.halls.residents import other as other  # noqa: PLC0414
from tests.halls.residents import person as person  # noqa: PLC0414

HALL, CITY = PageKind.HALL, "city"
ROUTES = [
    ("GET", "home"), ("GET", "hall"), ("PUT", "hall"), ("GET", "halls"), ("PUT", "halls/city"),
    ("DELETE", "halls/city"), ("GET", "items/favourites"), ("PUT", "items/favourites/1"),
    ("DELETE", "items/favourites/1"), ("GET", "items/recent"), ("PUT", "items/recent/1"), ("DELETE", "items/recent"),
]  # fmt: skip


def test_the_home_is_the_citys_until_a_hall_is_chosen(town, person):
    slug = town.hall()
    assert person.get("hall") == {
        "hall": CITY, "name": town.parts.city.hall_names[CITY], "district": None, "age_mode": "standard",
    }  # fmt: skip
    put = person.put("hall", {"hall": slug, "age_mode": "elder"})
    assert put.json == person.get("hall")
    assert (put.json["hall"], put.json["district"], put.json["age_mode"]) == (slug, town.district[slug], "elder")
    assert person.put("hall", {"hall": CITY, "age_mode": "standard"}).json["age_mode"] == "standard"


def test_of_choices_at_once_one_stands_whole(town, person):
    bodies = [{"hall": slug, "age_mode": mode} for slug, mode in ((CITY, "elder"), (town.hall(), "standard"))]
    answers = together(6, lambda number: person.ask("PUT", "hall", bodies[number % 2]))
    assert [answer.status_code for answer in answers] == [200] * 6
    chosen = person.get("hall")
    assert {"hall": chosen["hall"], "age_mode": chosen["age_mode"]} in bodies


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"age_mode": "elder"}, "hall"),
        ({"hall": "city"}, "age_mode"),
        ({"hall": None, "age_mode": "elder"}, "hall"),
        ({"hall": "no-such", "age_mode": "elder"}, "hall"),
        ({"hall": "City", "age_mode": "elder"}, "hall"),
        ({"hall": "x" * 41, "age_mode": "elder"}, "hall"),
        ({"hall": "' OR 1=1 --", "age_mode": "elder"}, "hall"),
        ({"hall": ["city"], "age_mode": "elder"}, "hall"),
        ({"hall": "city", "age_mode": "old"}, "age_mode"),
        ({"hall": "city", "age_mode": None}, "age_mode"),
        ({"hall": "city", "age_mode": "elder", "resident": "x"}, "resident"),
    ],
    ids=str,
)
def test_a_hall_that_cannot_be_is_refused(person, body, field):
    answer = person.ask("PUT", "hall", body)
    assert (answer.status_code, set(answer.json["errors"])) == (422, {field})
    assert person.get("hall")["hall"] == CITY


def test_halls_are_followed_and_followed_no_more(town, person, other):
    first, second = town.hall(), town.hall()
    for slug in (first, second, first):
        person.put(f"halls/{slug}")
    found = person.get("halls")["items"]
    assert [row["slug"] for row in found] == [second, first], "a repeat changes nothing"
    assert (found[0]["name"], found[0]["district"]) == (town.parts.city.hall_names[second], town.district[second])
    assert other.get("halls")["items"] == []
    for _ in range(2):
        assert person.ask("DELETE", f"halls/{first}").status_code == 204
    assert other.ask("DELETE", f"halls/{second}").status_code == 204
    assert [row["slug"] for row in person.get("halls")["items"]] == [second]
    for slug in ("no-such", "City", "x" * 120):
        answer = person.ask("PUT", f"halls/{slug}")
        assert (answer.status_code, answer.json["code"]) == (404, "halls.not_found")


def test_of_many_at_once_only_twenty_are_followed(town, person):
    slugs = [*town.district][-22:]
    answers = together(22, lambda number: person.ask("PUT", f"halls/{slugs[number]}").status_code)
    assert sorted(answers) == [204] * 20 + [409] * 2
    assert len(person.get("halls")["items"]) == service.MOST_FOLLOWED
    refused = person.ask("PUT", f"halls/{slugs[answers.index(409)]}")
    assert (refused.status_code, refused.json["code"]) == (409, "halls.too_many_followed")
    kept = person.get("halls")["items"][0]["slug"]
    assert person.ask("PUT", f"halls/{kept}").status_code == 204, "one that is followed needs no more room"


def test_the_home_is_the_chosen_halls_screen_and_the_residents_own(town, person, item):
    slug, entry = town.hall(), items.basic_code()
    own = item(entry, town.district[slug])
    aims = {"elder": {"age_mode": "elder"}, "known": {"real_name": True}, "firm": {"audiences": ["firm"]}}
    blocks = [rich_text(f"home-{name}", aim=aim) for name, aim in aims.items()]
    town.publish(HALL, slug, content(rich_text("home-all"), *blocks, title="我的分厅"))
    for path in (f"halls/{slug}", f"items/favourites/{entry}", f"items/recent/{entry}"):
        person.put(path)
    person.put("hall", {"hall": slug, "age_mode": "standard"})

    def shown(query=""):
        home = person.get(f"home{query}")
        ids = [block["id"].removeprefix("home-") for block in home["screen"]["blocks"] if "home-" in block["id"]]
        return home, ids

    home, ids = shown()
    assert ids == ["all"]
    assert (home["hall"], home["age_mode"], home["real_name"]) == (slug, "standard", False)
    assert (home["screen"]["slug"], home["screen"]["title"]) == (slug, "我的分厅")
    assert home["followed"] == [{"slug": slug, "name": town.parts.city.hall_names[slug]}]
    assert [row["code"] for row in home["favourites"]] == [row["code"] for row in home["recent"]] == [own]
    # as everybody's screen of that view
    assert home["screen"] == town.client.get(f"{API}/halls/{slug}").json
    person.verified()
    person.put("hall", {"hall": slug, "age_mode": "elder"})
    assert shown()[1] == ["all", "elder", "known"]
    assert shown("?audience=firm")[1] == ["all", "elder", "known", "firm"]
    assert shown()[0]["real_name"] is True
    assert person.ask("GET", "home?audience=dog").status_code == 422


def test_the_home_shows_the_first_twelve(person, item):
    made = [item() for _ in range(service.FIRST + 1)]
    for code in made:
        person.put(f"items/favourites/{code}")
        person.put(f"items/recent/{code}")
    home = person.get("home")
    assert [row["code"] for row in home["favourites"]] == made[:0:-1]
    assert len(home["recent"]) == service.FIRST


def test_a_home_is_private_and_has_a_tag(town, person):
    person.put("hall", {"hall": town.hall(), "age_mode": "standard"})
    for path in ("home", "hall", "halls", "items/favourites", "items/recent"):
        answer = person.ask("GET", path)
        assert answer.headers["Cache-Control"] == "private, no-store", path
        again = person.ask("GET", path, **{"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")


def test_a_hall_that_the_city_has_no_more_gives_way_to_the_citys(town, person):
    with town.database.transaction() as session:
        now = town.clock()
        everything = {"choice": service.Setting("gone"), "now": now}
        city = type("Gone", (), {"halls": {"gone": None}})()
        service.choose(town.parts.rings, session, city, person.id, **everything)
        service.follow(town.parts.rings, session, city, person.id, "gone", now)
    assert person.get("hall")["hall"] == CITY
    assert person.get("home")["screen"]["slug"] == CITY
    assert person.get("halls")["items"] == []
    assert person.get("home")["followed"] == []
    assert person.ask("DELETE", "halls/gone").status_code == 204


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_only_a_resident_who_stepped_up_enters(town, method, path):
    body = {"hall": CITY, "age_mode": "elder"} if path == "hall" and method == "PUT" else None
    visitor = Person(town, VISITOR).ask(method, path, body)
    assert (visitor.status_code, visitor.json["code"]) == (403, "step_up_required")
    options = {} if body is None else {"json": body}
    staff = town.client.open(f"{API}/me/{path}", method=method, headers=town.staff().headers, **options)
    assert (staff.status_code, staff.json["code"]) == (403, "forbidden")
    assert town.client.open(f"{API}/me/{path}", method=method, **options).status_code == 401
