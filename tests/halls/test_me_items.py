"""Favourite and recent items: kept by their entry, shown for the chosen hall, bounded, nobody else's."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from qe_ban.db.engine import DatabaseUnavailable
from qe_ban.halls.models import FavouriteItem
from qe_ban.halls.service import list_owners
from qe_ban.halls.service import residents as service
from qe_ban.items.service import publishing
from tests.factories import items
from tests.factories.accounts import together
from tests.factories.pages import town as town  # noqa: PLC0414  a fixture
from tests.halls.residents import item as item  # noqa: PLC0414  fixtures
from tests.halls.residents import other as other  # noqa: PLC0414
from tests.halls.residents import person as person  # noqa: PLC0414

LISTS = ("favourites", "recent")


def entry_of(code):
    return code[19:]


def end(town, code):
    now = town.clock() - timedelta(seconds=1)
    with town.database.transaction() as session:
        publishing.end(session, [code], at=now, now=now)


def entries(answer):
    return [row["entry"] for row in answer["items"]]


def test_a_favourite_is_kept_by_its_entry_and_shown_for_the_chosen_hall(town, person, other, item):
    slug, entry = town.hall(), items.basic_code()
    city, own = item(entry), item(entry, town.district[slug])
    person.put(f"items/favourites/{own}")
    person.put(f"items/favourites/{entry}")
    (row,) = person.get("items/favourites")["items"]
    assert (row["entry"], row["code"], row["district"], row["state"]) == (entry, city, None, "current")
    assert row["districts"] == [town.district[slug]]
    person.put("hall", {"hall": slug, "age_mode": "standard"})
    (row,) = person.get("items/favourites")["items"]
    assert (row["code"], row["district"]) == (own, town.district[slug])
    assert other.get("items/favourites")["items"] == []
    assert other.ask("DELETE", f"items/favourites/{entry}").status_code == 204
    assert entries(person.get("items/favourites")) == [entry]
    for _ in range(2):
        assert person.ask("DELETE", f"items/favourites/{own}").status_code == 204
    assert person.get("items/favourites")["items"] == []


@pytest.mark.parametrize("name", LISTS)
def test_what_has_ended_is_still_told(town, person, item, name):
    code = item(name="高龄津贴申领")
    person.put(f"items/{name}/{code}")
    end(town, code)
    (row,) = person.get(f"items/{name}")["items"]
    assert (row["name"], row["state"], row["code"], row["districts"]) == ("高龄津贴申领", "ended", None, [])
    assert person.get("home")[name][0]["state"] == "ended"


def test_what_has_ended_is_not_begun_to_be_kept_but_stays(town, person, other, item):
    code = item()
    person.put(f"items/favourites/{code}")
    end(town, code)
    person.put(f"items/favourites/{code}")
    answer = other.ask("PUT", f"items/favourites/{code}")
    assert (answer.status_code, answer.json["code"]) == (404, "halls.item_not_found")


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("code", ["1", "9" * 12, "x" * 31, "9" * 128, "' OR 1=1 --", "１" * 12, "%00", "%E2%80%AE"])
def test_items_that_are_none_are_not_kept(person, name, code):
    answer = person.ask("PUT", f"items/{name}/{code}")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert person.get(f"items/{name}")["items"] == []


def test_of_many_at_once_only_so_many_favourites_are_kept(town, person, item):
    made = [entry_of(item()) for _ in range(4)]
    with town.database.transaction() as session:
        for number in range(service.MOST_FAVOURITES - 2):
            session.add(FavouriteItem(resident_id=person.id, entry=f"{number:012}", at=town.clock()))
    answers = together(4, lambda number: person.ask("PUT", f"items/favourites/{made[number]}").status_code)
    assert sorted(answers) == [204, 204, 409, 409]
    refused = person.ask("PUT", f"items/favourites/{made[answers.index(409)]}")
    assert (refused.json["code"], refused.json["most"]) == ("halls.too_many_favourites", service.MOST_FAVOURITES)


def test_recent_items_are_the_newest_fifty(town, person, other, item):
    made = [entry_of(item(name=f"事项{number}")) for number in range(4)]
    for number, entry in enumerate((*made, made[0])):
        with town.clock.shift(seconds=number):
            person.put(f"items/recent/{entry}")
    order = [made[0], made[3], made[2], made[1]]
    assert entries(person.get("items/recent")) == order
    limited = service.MOST_RECENT
    try:
        service.MOST_RECENT = 2
        with town.clock.shift(seconds=9):
            person.put(f"items/recent/{made[1]}")
    finally:
        service.MOST_RECENT = limited
    assert entries(person.get("items/recent")) == [made[1], made[0]]
    assert other.get("items/recent")["items"] == []
    for _ in range(2):
        assert other.ask("DELETE", "items/recent").status_code == 204
    assert len(person.get("items/recent")["items"]) == 2
    assert person.ask("DELETE", "items/recent").status_code == 204
    assert person.get("items/recent")["items"] == []


def test_of_two_at_once_on_one_item_both_are_noted(person, item):
    codes = [item() for _ in range(3)]
    answers = together(6, lambda number: person.ask("PUT", f"items/recent/{codes[number % 3]}").status_code)
    assert answers == [204] * 6
    assert sorted(entries(person.get("items/recent"))) == sorted(map(entry_of, codes))
    answers = together(6, lambda number: person.ask("PUT", f"items/favourites/{codes[number % 3]}").status_code)
    assert answers == [204] * 6


def test_who_forgets_while_an_item_is_noted_waits(town, person, item):
    person.put(f"items/recent/{item()}")

    def forget():
        with town.database.transaction() as session:
            session.execute(text("SET LOCAL lock_timeout = '50ms'"))
            service.forget(town.parts.rings, session, person.id, town.clock())

    with town.database.transaction() as noting:
        list_owners.hold(town.parts.rings, noting, person.id, town.clock())
        # else each could wait for a row that the other has
        with pytest.raises(DatabaseUnavailable):
            forget()
    assert len(person.get("items/recent")["items"]) == 1


@pytest.mark.parametrize("name", LISTS)
def test_lists_are_read_page_by_page(town, person, item, name):
    made = [entry_of(item()) for _ in range(5)]
    for number, entry in enumerate(made):
        # two at one moment
        with town.clock.shift(seconds=number // 2):
            person.put(f"items/{name}/{entry}")
    whole = entries(person.get(f"items/{name}"))
    seen, query = [], "?limit=2"
    while query:
        page = person.get(f"items/{name}{query}")
        seen += entries(page)
        query = page["next"] and f"?limit=2&cursor={page['next']}"
    assert seen == whole
    assert sorted(seen) == sorted(made)
    for query in (
        "limit=0",
        "limit=101",
        "cursor=x",
        "cursor=WzFd",
        "cursor=Wy0xLCJhIl0",
        "cursor=WzQ1MDM1OTk2MjczNzA0OTYsImEiXQ",
        "x=1",
    ):
        answer = person.ask("GET", f"items/{name}?{query}")
        assert (answer.status_code, answer.mimetype) == (422, "application/problem+json"), query
